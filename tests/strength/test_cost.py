"""The cost of reading a captcha: people are measured if they gave enough answers, else their time is assumed."""

import pytest

from bearcat.strength.cost import (
    ASSUMED_SECONDS,
    MIN_ANSWERS,
    SecondsPerLabel,
    Source,
    cpu_minutes,
    person_minutes,
    seconds_per_label,
)


def test_the_median_of_enough_answers_counts():
    people = {"answers": 40, "timed": MIN_ANSWERS, "seconds_median": 4.5}
    assert seconds_per_label(people) == SecondsPerLabel(4.5, Source.MEASURED, MIN_ANSWERS)


@pytest.mark.parametrize(
    ("people", "answers"),
    [
        (None, 0),
        ({"answers": 40, "timed": MIN_ANSWERS - 1, "seconds_median": 4.5}, MIN_ANSWERS - 1),  # the others with a pause
        ({"answers": 30, "timed": 0, "seconds_median": None}, 0),
    ],
)
def test_otherwise_the_seconds_are_assumed(people: dict | None, answers: int):
    assert seconds_per_label(people) == SecondsPerLabel(ASSUMED_SECONDS, Source.ASSUMED, answers)


def test_minutes_of_people_and_of_two_cores():
    assert person_minutes(50, 6) == 5
    assert person_minutes(0, 6) == 0
    assert cpu_minutes(240) == 2
