"""Visual order: labels of every script as the Unicode Bidirectional Algorithm draws them, and back."""

import pytest
from bidi import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from bearcat.data.labels.direction import LTR, RTL, choose_direction, logical_order, visual_order
from bearcat.data.labels.text import split_graphemes

HEBREW, ARABIC, LATIN = "\u05d0\u05d1\u05d2", "\u0627\u0628\u062c", "ab"
DIGITS, ARABIC_DIGITS, PERSIAN_DIGITS, SIGNS = "12", "\u0663\u0664", "\u06f3\u06f4", "+-=\u00d7."
NUMBERS = (DIGITS, ARABIC_DIGITS, PERSIAN_DIGITS)
MANY = settings(derandomize=True, deadline=None, max_examples=150, database=None)


def drawn(label: str, direction: str = RTL) -> tuple[str, ...]:
    symbols = split_graphemes(label)
    return tuple(symbols[index] for index in visual_order(symbols, direction))


def typed(symbols: tuple[str, ...], direction: str = RTL) -> str:
    return "".join(symbols[index] for index in logical_order(symbols, direction))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("\u05d0\u05d1\u05d2", "\u05d2\u05d1\u05d0"),
        ("\u05d0\u05d112", "12\u05d1\u05d0"),
        ("12\u05d0\u05d1", "\u05d1\u05d012"),
        ("\u05d01\u05d12", "2\u05d11\u05d0"),
        ("\u05d01+2", "1+2\u05d0"),
        ("\u06271+2", "2+1\u0627"),  # signs between numbers turn after an Arabic letter
        ("\u0633\u0644\u06f1\u06f2", "\u06f1\u06f2\u0644\u0633"),
        ("\u06f1\u06f2\u06f3", "\u06f1\u06f2\u06f3"),
        ("\u0663\u0664\u0665", "\u0663\u0664\u0665"),
        ("\u0663+\u0664", "\u0664+\u0663"),
        ("ab12", "ab12"),
    ],
)
def test_labels_are_drawn_by_the_bidirectional_algorithm(label: str, expected: str):
    assert "".join(drawn(label)) == expected == get_display(label)


def test_marks_stay_with_their_letter():
    label = "\u0628\u0650\u0633"
    assert drawn(label) == ("\u0633", "\u0628\u0650")
    # also if they are symbols of their own, as in a vocabulary of code points
    assert typed(("\u0633", "\u0628", "\u0650")) == label


@given(st.data())
@MANY
def test_a_label_of_one_script_with_any_numbers_and_signs_comes_back(data: st.DataObject):
    letters, numbers = data.draw(st.sampled_from([HEBREW, ARABIC, ""])), data.draw(st.sampled_from(NUMBERS))
    label = data.draw(st.text(letters + numbers + SIGNS, max_size=8))
    direction = data.draw(st.sampled_from([RTL, LTR]))
    assert "".join(drawn(label, direction)) == get_display(label)
    assert typed(drawn(label, direction), direction) == label


@given(st.text(HEBREW + LATIN + DIGITS, max_size=8))
@MANY
def test_a_label_that_mixes_letters_comes_back_if_the_set_is_right_to_left(label: str):
    assert typed(drawn(label)) == label


@given(st.text(HEBREW + ARABIC + LATIN + "".join(NUMBERS) + SIGNS, max_size=7), st.sampled_from([RTL, LTR]))
@MANY
def test_what_comes_back_of_any_label_is_drawn_alike(label: str, direction: str):
    assert drawn(typed(drawn(label, direction), direction), direction) == drawn(label, direction)


def test_of_two_labels_that_are_drawn_alike_the_less_reordered_one_comes_back():
    one, other = "\u05d01+a", "\u05d0a+1"
    assert drawn(one) == drawn(other)
    assert typed(drawn(one)) == other


def test_without_a_direction_the_order_stays():
    symbols = split_graphemes("\u05d0\u05d1")
    assert visual_order(symbols, "") == logical_order(symbols, "") == (0, 1)


@pytest.mark.parametrize(
    ("labels", "direction"),
    [
        (["ab", "12"], ""),
        (["\u06f1\u06f2\u06f3"], ""),
        (["\u0663\u0664"], ""),
        (["\u0663+\u0664"], RTL),
        (["\u05d0\u05d1", "12"], RTL),
        (["\u05d0a", "\u05d0b", "a\u05d0"], RTL),
        (["a\u05d0\u05d1", "b\u05d0\u05d1", "\u05d0b"], LTR),
        (["\u9a8c\u8bc1"], ""),
    ],
)
def test_the_direction_is_that_of_the_labels(labels: list[str], direction: str):
    assert choose_direction(labels) == direction
