"""What measures whether a unit knows when it is wrong: beam search, and the rows of the table."""

import math

import numpy as np
import pytest

from benchmarks.withheld import beam_in_words, beam_rows, fewer, least_error, print_table


def test_beam_search_finds_the_label_that_many_paths_share():
    # of two steps blank blank is the likeliest path, 0.36, but three paths read "1": 0.24 + 0.24 + 0.16
    logits = np.log([[[0.6, 0.4, 1e-9], [0.6, 0.4, 1e-9]]]).astype(np.float32)
    assert logits.argmax(axis=-1).tolist() == [[0, 0]]
    assert beam_rows(logits) == [[1]]


def test_beam_search_reads_what_is_clear_with_its_repeats():
    rows = [2, 0, 2, 1, 0, 0]
    assert beam_rows(20.0 * np.eye(4, dtype=np.float32)[[rows, [3] * 6]]) == [[2, 2, 1], [3]]


@pytest.mark.parametrize(
    ("errors", "words"), [([0.02, 0.01], "2.0"), ([0.0, 0.0], "no mistake"), ([0.01, 0.0], "none left")]
)
def test_how_much_rarer_mistakes_are(errors: list[float], words: str):
    assert fewer(errors) == words


@pytest.mark.parametrize(("mistakes", "least"), [(0, 0), (2, 0), (5, 3 / 198)])
def test_what_is_withheld_is_wrong_at_best(mistakes: int, least: float):
    assert math.isclose(least_error(200, mistakes, 0.01), least)


def test_the_table_is_worked_by_hand(capsys: pytest.CaptureFixture):
    row = {"set": "one", "mode": "CTC", "images": 200, "misread": [{}] * 4, "exact": [0.98, 0.99, 1, 1]}
    print_table([row | {"greedy_right": 196, "beam_right": 195, "beam_differs": 3}])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == (
        "| one | CTC | 200 | 4 | 98.00% | 99.00% | 100.00% | 100.00% | 2.0 | 2.0 | 3 differ, -1 right |"
    )
    assert printed[0].count("|") == printed[1].count("|") == printed[2].count("|")
    assert beam_in_words(row) == ""
