"""Fractions and durations as the page and the verdict say them."""

from collections.abc import Sequence

MINUTES_PER_HOUR = 60
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
    if minutes < 1:
        return "less than a minute" if minutes else "none"
    if round(minutes) < 2 * MINUTES_PER_HOUR:
        return "1 minute" if round(minutes) == 1 else f"{minutes:.0f} minutes"
    return f"{minutes / MINUTES_PER_HOUR:.1f} hours"
