"""Rungs and goals: intervals hold the truth, grow where draws differ, and nothing is claimed that was not tested."""

import numpy as np
import pytest

from bearcat.core.intervals import wilson_interval
from bearcat.strength.goals import GOALS, Goal, find_goal, make_rungs, mean_interval
from bearcat.strength.trials import TrialResult

IMAGES = 500


def trials(**correct: list[int]) -> list[TrialResult]:
    """Returns trials by number of labels, as `n10=[5, 7]`: two draws of 10 labels that read 5 and 7 images."""
    return [
        TrialResult(int(name[1:]), draw, count, IMAGES, seconds=70, cpu_seconds=100 + draw)
        for name, counts in correct.items()
        for draw, count in enumerate(counts)
    ]


def goal_of(exact: float, **correct: list[int]) -> tuple[int | None, int | None, int | None]:
    goal = find_goal(exact, make_rungs(trials(**correct)))
    return goal.rung.labels if goal.rung else None, goal.above, goal.enough


def test_a_rung_is_the_mean_of_its_draws_whatever_their_order():
    rungs = make_rungs(trials(n25=[300, 310, 290], n0=[5], n10=[100, 140])[::-1])
    assert [(rung.labels, rung.draws) for rung in rungs] == [(0, 1), (10, 2), (25, 3)]
    assert [rung.exact for rung in rungs] == pytest.approx([0.01, 0.24, 0.6])
    assert (rungs[2].cpu_seconds, rungs[2].images) == (pytest.approx(101), IMAGES)


def test_draws_that_agree_have_the_interval_of_the_images_and_count_them_once():
    once = wilson_interval(300, IMAGES)
    assert mean_interval(trials(n10=[300])) == pytest.approx(once)
    assert mean_interval(trials(n10=[300, 300, 300])) == pytest.approx(once)
    assert mean_interval(trials(n10=[295, 300, 305])) == pytest.approx(once)


def test_draws_that_differ_have_a_wider_interval_and_fewer_draws_a_still_wider_one():
    low, high = mean_interval(trials(n10=[200, 300, 400]))
    once = wilson_interval(300, IMAGES)
    assert low < once[0] - 0.2
    assert high > once[1] + 0.1
    fewer = mean_interval(trials(n10=[200, 400]))
    assert fewer[0] < low < high < fewer[1]


@pytest.mark.parametrize("correct", [[0, 0, 0], [IMAGES] * 3, [0, 0, 1], [0, IMAGES]])
def test_intervals_stay_within_0_and_1_at_the_ends(correct: list[int]):
    low, high = mean_interval(trials(n10=correct))
    exact = np.mean(correct) / IMAGES
    assert 0 <= low <= exact + 1e-9
    assert exact - 1e-9 <= high <= 1
    assert high - low > 0.005


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        chances = random.beta(8, 2, size=3)  # of each draw; their mean is 0.8
        low, high = mean_interval(trials(n10=random.binomial(IMAGES, chances).tolist()))
        held += low <= 0.8 <= high
    assert held / 300 >= 0.9


def test_a_goal_is_the_fewest_labels_whose_mean_reaches_it():
    ladder = {"n0": [0], "n10": [10, 20, 12], "n25": [200, 260, 240], "n50": [480, 481, 482]}
    assert [goal_of(exact, **ladder)[0] for exact in GOALS] == [10, 25, 50, 50]


def test_what_is_certain_is_said_by_the_intervals():
    ladder = {"n0": [0], "n10": [3, 4, 5], "n25": [245, 250, 255], "n50": [480, 481, 482]}
    assert goal_of(0.01, **ladder) == (25, 0, 25)
    assert goal_of(0.5, **ladder) == (25, 10, 50)
    assert goal_of(0.9, **ladder) == (50, 25, 50)


def test_a_goal_that_is_not_reached_is_beyond_the_most_labels_tested():
    assert goal_of(0.9, n0=[0], n10=[100, 110, 90]) == (None, 10, None)
    assert find_goal(0.5, []) == Goal(0.5, None, None, None)


def test_a_goal_that_may_be_reached_is_not_said_to_be_missed():
    assert goal_of(0.01, n0=[0], n10=[4, 4, 4]) == (None, 0, None)


def test_a_goal_reached_without_labels_needs_none():
    assert goal_of(0.1, n0=[300], n10=[400, 410, 420]) == (0, None, 0)


def test_an_unlucky_rung_with_more_labels_does_not_contradict_one_that_reached_the_goal():
    assert goal_of(0.5, n10=[400, 402, 404], n25=[100, 101, 102]) == (10, None, 10)
