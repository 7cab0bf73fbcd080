"""Fractions and durations as the page and the verdict say them."""

from collections.abc import Sequence

from bearcat.reports.html import plural

SECONDS_PER_MINUTE = 60
MINUTES_PER_HOUR = 60
PRECISE_MINUTES = 5  # durations below it are said with a decimal
WHOLE = 1e-9  # of a percentage: the error of floating point


def say_percent(fraction: float) -> str:
    """Returns a percentage, with a decimal where it matters: what is not 0 or 100 % is not shown as such."""
    percent = 100 * fraction
    is_plain = 10 <= percent < 99 or abs(percent - round(percent)) < WHOLE
    shown = f"{percent:.0f}" if is_plain else f"{min(max(percent, 0.1), 99.9):.1f}"
    return f"{shown}\N{NO-BREAK SPACE}%"


def say_interval(interval: Sequence[float]) -> str:
    """Returns the interval of a fraction."""
    low, high = interval
    return f"{say_percent(low)} to {say_percent(high)}"


def say_minutes(minutes: float) -> str:
    """Returns a duration in the unit that suits it."""
    if not minutes:
        return "none"
    seconds = max(1, round(minutes * SECONDS_PER_MINUTE))
    if seconds < SECONDS_PER_MINUTE:
        return plural(seconds, "second")
    if round(minutes) < 2 * MINUTES_PER_HOUR:
        number = f"{minutes:.{int(minutes < PRECISE_MINUTES)}f}".removesuffix(".0")
        return "1 minute" if number == "1" else f"{number} minutes"
    return f"{minutes / MINUTES_PER_HOUR:.1f} hours"
