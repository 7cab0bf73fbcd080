"""What it costs to read a captcha: time of people who type labels, and time of a computer that learns from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ASSUMED_SECONDS = 6.0  # that a person needs to type a captcha
MIN_ANSWERS = 10  # whose time is known, for their median to count
CORES = 2  # of the computer whose minutes are counted


class Source(StrEnum):
    """Where the seconds per label come from."""

    MEASURED = "measured"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class SecondsPerLabel:
    """The seconds that a person needs to type a captcha.

    Args:
        value: The seconds.
        source: Whether people were measured.
        answers: The number of answers of people whose time is known.
    """

    value: float
    source: Source
    answers: int


def seconds_per_label(people: Mapping[str, Any] | None) -> SecondsPerLabel:
    """Returns the median of what people needed, or ASSUMED_SECONDS if they gave too few answers.

    Args:
        people: The part `people` of report/strength.json.
    """
    answers = people["timed"] if people else 0
    if people and answers >= MIN_ANSWERS:
        return SecondsPerLabel(people["seconds_median"], Source.MEASURED, answers)
    return SecondsPerLabel(ASSUMED_SECONDS, Source.ASSUMED, answers)


def person_minutes(labels: int, seconds: float) -> float:
    """Returns the minutes that a person types labels, at a number of seconds each."""
    return labels * seconds / 60


def cpu_minutes(cpu_seconds: float) -> float:
    """Returns the minutes of a computer with CORES cores that a processor time takes."""
    return cpu_seconds / CORES / 60
