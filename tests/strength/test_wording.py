"""Figures in words."""

import pytest

from bearcat.strength.wording import say_interval, say_minutes, say_percent


@pytest.mark.parametrize(
    ("fraction", "words"),
    [
        (0, "0 %"),
        (0.00001, "0.1 %"),
        (0.004, "0.4 %"),
        (0.01, "1 %"),
        (0.1, "10 %"),
        (0.934, "93 %"),
        (0.99, "99 %"),
        (0.9931, "99.3 %"),
        (0.99999, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_percentages(fraction: float, words: str):
    assert say_percent(fraction) == words.replace(" ", "\N{NO-BREAK SPACE}")


def test_intervals():
    assert say_interval([0.004, 0.2]) == f"{say_percent(0.004)} to {say_percent(0.2)}"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "none"),
        (0.001, "1 second"),
        (0.2, "12 seconds"),
        (0.999, "1 minute"),
        (1.04, "1 minute"),
        (1.6, "1.6 minutes"),
        (4.96, "5 minutes"),
        (10.6, "11 minutes"),
        (90, "90 minutes"),
        (150, "2.5 hours"),
    ],
)
def test_durations(minutes: float, words: str):
    assert say_minutes(minutes) == words
