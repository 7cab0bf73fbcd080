"""Which trials are run, in which order, and how long they take."""

import argparse

import pytest

from bearcat.core.errors import SettingsError
from bearcat.strength import plan
from bearcat.strength.plan import (
    LABELS,
    OVERHEAD,
    TEST_SECONDS,
    UNTRAINED_SECONDS,
    Budget,
    Pace,
    Trial,
    check_duration,
    find_sure,
    missing_trials,
    parse_minutes,
    parse_seconds,
    plan_trials,
)
from bearcat.strength.trials import TrialResult


def result(labels: int, correct: int, draw: int = 0) -> TrialResult:
    return TrialResult(labels, draw, correct, images=200, seconds=1.0, cpu_seconds=1.0)


def test_all_numbers_of_labels_of_a_draw_come_before_the_next_draw():
    trials = plan_trials(1000)
    assert [trial.labels for trial in trials] == [*LABELS, *LABELS[1:], *LABELS[1:]]
    assert [trial.draw for trial in trials] == [0] * 7 + [1] * 6 + [2] * 6


@pytest.mark.parametrize(("pool", "labels"), [(9, {0}), (10, {0, 10}), (60, {0, 10, 25, 50}), (400, set(LABELS))])
def test_there_are_only_trials_that_the_images_allow(pool: int, labels: set[int]):
    assert {trial.labels for trial in plan_trials(pool)} == labels


def test_more_labels_than_those_that_surely_suffice_are_not_tried():
    planned = plan_trials(400)
    results = [result(labels, correct) for labels, correct in ((0, 2), (10, 90), (25, 184), (50, 195))]
    assert find_sure(results) == 50  # 184 of 200 are 92 %, but may be less than 90 %
    missing = missing_trials(planned, results)
    assert missing == [Trial(draw, labels) for draw in (1, 2) for labels in (10, 25, 50)]


def test_more_labels_are_tried_after_all_if_another_draw_casts_doubt():
    results = [result(50, 195), result(50, 120, draw=1)]
    assert find_sure(results) is None
    assert Trial(0, 100) in missing_trials(plan_trials(400), results)


def test_nothing_is_missing_once_the_pretrained_weights_surely_read_it():
    assert missing_trials(plan_trials(400), [result(0, 199)]) == []


def test_a_pace_is_that_of_the_last_training():
    pace = Pace(30)
    trials = [Trial(0, 0), Trial(0, 10), Trial(1, 10)]
    assert pace.estimate(trials) == UNTRAINED_SECONDS + 2 * (30 + OVERHEAD)
    pace.observe(Trial(0, 0), 1.0)
    assert pace.estimate(trials[1:]) == 2 * (30 + OVERHEAD)
    pace.observe(Trial(0, 10), 70.0)
    assert pace.estimate(trials[1:]) == 2 * 70.0
    pace.observe(Trial(0, 10), 20.0)  # it ended early, which the next one may not
    assert pace.estimate(trials[1:]) == 2 * 30.0


def test_a_pace_begins_with_that_of_earlier_runs():
    pace = Pace(30)
    pace.recall([TrialResult(0, 0, 1, 200, 5.0, 5.0), TrialResult(10, 0, 1, 200, 40.0, 50.0)])
    assert pace.estimate([Trial(0, 25)]) == 40 + TEST_SECONDS


def test_a_budget_allows_what_ends_in_time(monkeypatch: pytest.MonkeyPatch):
    now = [1000.0]
    monkeypatch.setattr(plan.time, "monotonic", lambda: now[0])
    budget = Budget(2)
    assert budget.allows(120)
    assert not budget.allows(121)
    now[0] += 100
    assert budget.allows(20)
    assert not budget.allows(21)
    assert Budget(None).allows(1e9)


def test_a_budget_says_what_did_not_fit():
    assert Budget(1).refuse("6 trials") == "6 trials did not fit into 1 minute"
    assert Budget(1.5).refuse("1 trial") == "1 trial did not fit into 1.5 minutes"


def test_a_trial_is_described():
    assert Trial(1, 25).describe() == "25 labels, draw 2"
    assert Trial(0, 0).describe() == "pretrained weights, no labels"


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "ten", ""])
def test_a_budget_is_a_number_of_minutes(text: str):
    assert parse_minutes("0.5") == 0.5
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number of minutes above 0"):
        parse_minutes(text)


@pytest.mark.parametrize("text", ["86401", "1.5", "-1", ""])
def test_a_training_takes_a_number_of_seconds(text: str):
    assert [parse_seconds(good) for good in ("60", "0")] == [60, 0]
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number of seconds from 0 to 86400"):
        parse_seconds(text)


def test_the_duration_is_set_by_the_option_only():
    check_duration(["LR=0.01", "TRAIN_SECONDS_2=5"])
    with pytest.raises(SettingsError, match=r"--set TRAIN_SECONDS=10: the duration .* is an option here: --seconds 10"):
        check_duration(["LR=0.01", "TRAIN_SECONDS=10"])
