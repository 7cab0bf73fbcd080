"""When a text counts as read."""

import pytest

from bearcat.strength.readers.matching import count_correct


@pytest.mark.parametrize(
    ("texts", "labels", "correct"),
    [
        (["AB 1", "cd", ""], ["ab1", "ce", "f"], 1),
        (["a b\n"], ["ab"], 1),
        (["12"], ["1 2"], 1),
        (["ab", "Cd"], ["aB", "Cd"], 2),
    ],
)
def test_spaces_and_case_may_differ(texts: list[str], labels: list[str], correct: int):
    assert count_correct(texts, labels, ignore_case=True) == correct


def test_case_counts_if_the_labels_have_both():
    assert count_correct(["ab1", "C d", "ef"], ["Ab1", "Cd", "ef"], ignore_case=False) == 2
