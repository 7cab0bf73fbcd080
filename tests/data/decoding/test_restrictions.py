"""Restrictions: how they are written, and the message for each mistake."""

import pytest

from bearcat.core.errors import RequestOptionError
from bearcat.data.decoding.restrictions import MAX_CHARACTERS, Restriction


@pytest.mark.parametrize(
    ("length", "lengths"), [("", (0, None)), ("4", (4, 4)), ("4-6", (4, 6)), (" 4 - 6 ", (4, 6)), ("64", (64, 64))]
)
def test_a_length_is_a_number_or_a_range(length: str, lengths: tuple[int, int | None]):
    assert Restriction(length=length).lengths == lengths


@pytest.mark.parametrize(
    "length", ["0", "-4", "4-", "6-4", "65", "4-65", "four", "4.0", "٤", "1e1", "4-5-6", "9" * 900]
)
def test_another_length_is_refused(length: str):
    with pytest.raises(
        RequestOptionError, match="expected a number of characters from 1 to 64, such as 4, or a range"
    ) as it:
        Restriction(length=length)
    assert len(str(it.value)) < 250


def test_characters_have_a_largest_number():
    Restriction("x" * MAX_CHARACTERS)
    with pytest.raises(RequestOptionError, match="characters has 1,025 characters: at most 1,024 are allowed"):
        Restriction("x" * (MAX_CHARACTERS + 1))


def test_nothing_is_no_restriction():
    assert Restriction.of() is Restriction.of("", "", "") is None
    assert Restriction.of(length=4) == Restriction(length="4")


def test_characters_and_patterns_are_in_the_unicode_form_of_labels():
    assert Restriction.of("e\u0301", pattern="[e\u0301]") == Restriction("\u00e9", pattern="[\u00e9]")


def test_mistakes_in_a_pattern_are_found_at_once():
    with pytest.raises(RequestOptionError, match="is not closed"):
        Restriction(pattern="[a")


def test_a_restriction_is_described_by_what_it_has():
    assert str(Restriction("01", "4-6", "[0-9]+")) == "characters '01', length '4-6', pattern '[0-9]+'"
    assert str(Restriction(length="4")) == "length '4'"
