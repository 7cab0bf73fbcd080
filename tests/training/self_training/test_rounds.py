"""Rounds of self-training as plain functions: what counts how much, and what the report says."""

import pytest

from bearcat.training.self_training.rounds import (
    CONFIDENCE,
    ROUND,
    USED,
    WEIGHT,
    Round,
    describe_use,
    first_round,
    rows_of_round,
)


@pytest.mark.parametrize(("exact", "weight"), [(1.0, 1.0), (0.97, 0.97**8), (0.76, 0.76**8), (0.7, 0.0), (0.0, 0.0)])
def test_initial_weights_teach_only_if_they_predict_most_labelled_images(exact: float, weight: float):
    assert first_round(exact) == Round(1, weight)


@pytest.mark.parametrize(
    ("number", "batch_size", "labelled", "unlabelled", "expected"),
    [
        (1, 32, 45, 1000, 16),
        (2, 32, 45, 1000, 8),
        (2, 32, 900, 100, 29),  # as many as there are
        (2, 2, 45, 1000, 1),
        (2, 32, 10_000, 1, 31),  # at least one without a label
    ],
)
def test_part_of_each_batch_is_labelled(number, batch_size, labelled, unlabelled, expected):
    assert Round(number, 1.0).labelled_per_batch(batch_size, labelled, unlabelled) == expected


def test_rows_without_a_round_belong_to_the_first():
    history = [{"epoch": 1}, {"epoch": 2, ROUND: 1.0, WEIGHT: 0.5}, {"epoch": 3, ROUND: 2.0, WEIGHT: 1.0}]
    assert [row["epoch"] for row in rows_of_round(history, 1)] == [1, 2]
    assert [row["epoch"] for row in rows_of_round(history, 2)] == [3]
    assert Round.of_row(history[0]) == Round()
    assert Round.of_row(history[1]) == Round(1, 0.5)


def test_the_report_says_how_many_images_are_learnt_and_how_sure_the_teacher_is():
    history = [{ROUND: 1.0, WEIGHT: 0.25}, {ROUND: 2.0, WEIGHT: 1.0, USED: 0.95, CONFIDENCE: 0.987654}]
    assert describe_use(history, 200) == {
        "pictures": 200,
        "rounds": 2,
        "used": 190,
        "confidence": 0.9877,
        "first_round_weight": 0.25,
    }
