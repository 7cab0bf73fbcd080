"""The contents of report/strength.json."""

import json

import pytest

from bearcat.strength.report import Facts, ReaderScore, make_report
from bearcat.strength.trials import TrialResult

FACTS = Facts(mode="CTC", characters=19, lengths=(5, 5), images_tested=200, pool=856, train_seconds=60)
KEYS = [
    "mode",
    "characters",
    "lengths",
    "images_tested",
    "pool",
    "train_seconds",
    "case",
    "trials",
    "rungs",
    "goals",
    "readers",
    "missing_readers",
    "seconds_per_label",
    "people",
    "stopped",
    "verdict",
    "sweep",
]
TRIALS = [TrialResult(0, 0, 4, 200, 8, 12), *(TrialResult(50, draw, 150, 200, 70, 120) for draw in range(3))]
PEOPLE = {
    "answers": 40,
    "correct": 36,
    "exact": 0.9,
    "exact_ignoring_case": 0.95,
    "interval": (0.77, 0.96),
    "timed": 38,
    "seconds_median": 4.0,
    "given_up": 1,
    "people": 2,
}


def test_a_whole_report():
    sweep = {"labels": 50}
    made = make_report(FACTS, TRIALS, [ReaderScore("tesseract", 1, 100)], PEOPLE, "a budget", sweep)
    report = json.loads(json.dumps(made))
    assert list(report) == KEYS
    assert (report["lengths"], report["train_seconds"]) == ([5, 5], 60)
    assert report["trials"][1] == TRIALS[1].as_dict() | {"exact": 0.75}
    first, last = report["rungs"]
    assert (first["labels"], first["draws"], first["cpu_minutes"], first["person_minutes"]) == (0, 1, 0.1, 0)
    assert (last["labels"], last["draws"], last["cpu_minutes"]) == (50, 3, 1)
    assert last["person_minutes"] == pytest.approx(50 * 4 / 60)
    assert report["readers"][0]["exact"] == 0.01
    assert report["readers"][0]["interval"][0] < 0.01 < report["readers"][0]["interval"][1]
    assert report["seconds_per_label"] == {"value": 4.0, "source": "measured", "answers": 38}
    assert (report["people"]["correct"], report["stopped"], report["sweep"]) == (36, "a budget", sweep)
    assert report["verdict"]["level"] == "broken"


def test_goals_name_the_labels_the_range_and_the_price():
    report = make_report(FACTS, TRIALS)
    one, ten, half, most = report["goals"]
    assert [goal["exact"] for goal in report["goals"]] == [0.01, 0.1, 0.5, 0.9]
    assert (one["labels"], one["interval"]) == (0, [None, 50])
    assert (ten["labels"], ten["interval"]) == (50, [0, 50])
    assert (half["cpu_minutes"], half["person_minutes"]) == (1, 5)  # at 6 s per label
    assert most == {"exact": 0.9, "labels": None, "interval": [50, None], "cpu_minutes": None, "person_minutes": None}


def test_a_report_without_a_trial():
    report = make_report(Facts("CTC", 36, (4, 6), 0, 0), [], sweep={"labels": 50})
    assert (report["rungs"], report["readers"], report["people"]) == ([], [], None)
    assert {goal["labels"] for goal in report["goals"]} == {None}
    assert report["verdict"]["level"] == "untested"
