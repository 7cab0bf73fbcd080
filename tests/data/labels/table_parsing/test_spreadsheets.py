"""Labels that a spreadsheet has changed, and labels that only look so."""

import random

import pytest

from bearcat.data.labels.table_parsing.delimited import TableRow
from bearcat.data.labels.table_parsing.spreadsheets import spreadsheet_damage, unwrap

FOUR_DIGITS = [f"{random.Random(seed).randrange(10_000):04}" for seed in range(200)]
LETTERS = ["".join(random.Random(seed).choices("abcdefgh2345", k=4)) for seed in range(60)]


def damage(labels: list[str]):
    return spreadsheet_damage(dict(enumerate(labels)))


def test_lost_zeros_are_found_and_given_back():
    found = damage([str(int(label)) for label in FOUR_DIGITS])
    assert found.length == 4
    assert found.lost_zeros == {n: label for n, label in enumerate(FOUR_DIGITS) if label[0] == "0"}
    assert not found.changed


def test_zeros_lost_among_letters_and_digits_are_found():
    found = damage([*LETTERS, "a0b2", "42", "7"])
    assert found.lost_zeros == {61: "0042", 62: "0007"}


@pytest.mark.parametrize("labels", [
    FOUR_DIGITS,  # nothing is missing
    [*LETTERS, "ab"],  # a short label with letters
    ["1204"] * 20 + ["42", "0042"],  # zeros were not lost
    ["1204"] * 20 + ["12345", "42"],  # longer labels as well
    ["1234"] * 20 + ["42"],  # captchas without zeros
    ["12", "305", "6789"] * 10,  # lengths vary
    [str(number) for number in range(100)],  # results of sums
    ["1204"] * 5 + ["42"],  # too few labels
    ["1204"] * 20 + ["٤٢"],  # digits that no spreadsheet shortens
    [],
])  # fmt: skip
def test_other_short_labels_are_no_lost_zeros(labels: list[str]):
    assert not damage(labels)


@pytest.mark.parametrize("label", [
    "1.00E+23", "1E+05", "2,5E-07", "1/2/2024", "01/02/24", "2024-01-02", "2024/1/2", "02-Jan", "2-feb-24", "Mar-21",
    "3月4日", "#NAME?", "#REF!",
])  # fmt: skip
def test_numbers_dates_and_errors_among_other_labels_are_found(label: str):
    assert list(damage([*LETTERS, label]).changed) == [60]


@pytest.mark.parametrize("labels", [
    [*LETTERS, "1e23", "12ja", "1-2"],  # a label that a spreadsheet would change, and has not
    [f"{n}/{n + 1}/2024" for n in range(1, 20)],  # all are dates
    ["1+2=?", "3-4", "12/3"] * 9,
])  # fmt: skip
def test_labels_that_only_look_changed_are_left_alone(labels: list[str]):
    assert not damage(labels).changed


@pytest.mark.parametrize(("labels", "expected"), [
    (["'0042", "'17ab", "'9"], ["0042", "17ab", "9"]),
    (['="0042"', '="17"', '="x"', "ab"], ["0042", "17", "x", "ab"]),
    (["'0042", "ab", "cd", "'x"], ["'0042", "ab", "cd", "'x"]),
    (["'a", "'b"], ["'a", "'b"]),
    (["'", "'", "'"], ["'", "'", "'"]),
])  # fmt: skip
def test_labels_are_unwrapped_if_most_are_wrapped(labels: list[str], expected: list[str]):
    rows = [TableRow(number, f"{number}.png", label) for number, label in enumerate(labels)]
    assert [row.label for row in unwrap(rows)] == expected
