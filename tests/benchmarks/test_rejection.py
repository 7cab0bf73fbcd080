"""The rejection benchmark: CTC beam search, and the rows of the table."""

import math

import numpy as np
import pytest

from benchmarks.rejection import beam_search, best_error, describe_beam_search, error_ratio, print_table


def test_beam_search_adds_up_the_paths_of_a_label():
    # of two steps blank blank is the most probable path, 0.36, but three paths give "1": 0.24 + 0.24 + 0.16
    logits = np.log([[[0.6, 0.4, 1e-9], [0.6, 0.4, 1e-9]]]).astype(np.float32)
    assert logits.argmax(axis=-1).tolist() == [[0, 0]]
    assert beam_search(logits) == [[1]]


def test_beam_search_keeps_repeated_characters():
    indices = [2, 0, 2, 1, 0, 0]
    assert beam_search(20.0 * np.eye(4, dtype=np.float32)[[indices, [3] * 6]]) == [[2, 2, 1], [3]]


@pytest.mark.parametrize(
    ("errors", "ratio"), [((0.02, 0.01), "2.0"), ((0.0, 0.0), "no mistake"), ((0.01, 0.0), "none left")]
)
def test_the_ratio_of_error_rates(errors: tuple[float, float], ratio: str):
    assert error_ratio(*errors) == ratio


@pytest.mark.parametrize(("mistakes", "least"), [(0, 0), (2, 0), (5, 3 / 198)])
def test_at_best_only_mistakes_are_rejected(mistakes: int, least: float):
    assert math.isclose(best_error(200, mistakes, 0.01), least)


def test_the_table_is_worked_by_hand(capsys: pytest.CaptureFixture):
    row = {"set": "one", "mode": "CTC", "images": 200, "misread": [{}] * 4, "exact": [0.98, 0.99, 1, 1]}
    print_table([row | {"greedy_right": 196, "beam_right": 195, "beam_differs": 3}])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == (
        "| one | CTC | 200 | 4 | 98.00% | 99.00% | 100.00% | 100.00% | 2.0 | 2.0 | 3 differ, -1 correct |"
    )
    assert printed[0].count("|") == printed[1].count("|") == printed[2].count("|")
    assert describe_beam_search(row) == ""
