"""Patterns: what each form matches, and the message for each mistake."""

import re
import string

import numpy as np
import pytest

from bearcat.core.errors import RequestOptionError
from bearcat.data.decoding.patterns import MAX_PATTERN, MAX_POSITIONS, Item, parse_pattern, upper_case


def matched(item: Item, ignore_case: bool = False) -> str:
    symbols = np.array(list(string.printable[:95]))
    return "".join(symbols[item.matches(symbols, upper_case(symbols) if ignore_case else None)])


@pytest.mark.parametrize(
    "written",
    ["a", "\\.", ".", "\\d", "\\w", "[A-C]", "[^0O]", "[a\\-c]", "[-a]", "[a-]", "[\\d.]", "[+-]", "[\\]\\[]", "-"],
)
def test_an_item_matches_what_python_s_matches(written: str):
    (item,) = parse_pattern(written)
    expected = "[A-Za-z0-9]" if written == "\\w" else written
    assert matched(item) == "".join(one for one in string.printable[:95] if re.fullmatch(expected, one))
    assert (item.text, item.least, item.most) == (written, 1, 1)


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [("a?", 0, 1), ("a*", 0, None), ("a+", 1, None), ("a{3}", 3, 3), ("a{2,}", 2, None), ("a{0,4}", 0, 4)],
)
def test_quantifiers(written: str, least: int, most: int | None):
    (item,) = parse_pattern(written)
    assert (item.text, item.least, item.most) == ("a", least, most)


def test_a_pattern_is_a_sequence_of_items():
    assert [(item.text, item.least) for item in parse_pattern(r"[A-Z]{2}-\d{3}京")] == [
        ("[A-Z]", 2),
        ("-", 1),
        (r"\d", 3),
        ("京", 1),
    ]


def test_labels_in_lower_case_match_letters_of_both_cases():
    (item,) = parse_pattern("[A-C]")
    assert matched(item, ignore_case=True) == "abcABC"
    (item,) = parse_pattern("K")
    assert matched(item, ignore_case=True) == "kK"
    assert matched(item) == "K"
    (item,) = parse_pattern("[^A]")
    assert "a" not in matched(item, ignore_case=True)


@pytest.mark.parametrize(("written", "expected"), [("[A-Z]", "k"), ("[À-Þ]", "é"), ("ß", "ß")])
def test_a_letter_whose_upper_case_is_two_letters_stands_for_itself(written: str, expected: str):
    (item,) = parse_pattern(written)
    symbols = np.array(list("kéß"))
    assert "".join(symbols[item.matches(symbols, upper_case(symbols))]) == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("^a", r"'\^' is not supported there; for the character itself write \\\^"),
        ("a$", r"'\$' is not supported"),
        ("(ab)", r"'\(' is not supported"),
        ("a|b", r"'\|' is not supported"),
        ("*a", r"'\*' is not supported"),
        ("a**", r"'\*' is not supported"),
        ("a]", r"'\]' is not supported"),
        ("\\b", r"\\b is not supported, only \\d and \\w"),
        ("a\\", "is not supported, only"),
        ("[ab", "is not closed"),
        ("[[a]", "is not closed"),
        ("[]", "a class has no characters"),
        ("[^]", "a class has no characters"),
        ("[z-a]", "a range goes from a character to a later one, not from 'z' to 'a'"),
        ("[\\d-z]", "a range goes from a character"),
        ("[a-\\w]", "a range goes from a character"),
        ("a{", "expected a number of repeats"),
        ("a{}", "expected a number of repeats"),
        ("a{,3}", "expected a number of repeats"),
        ("a{x}", "expected a number of repeats"),
        ("a{1,2,3}", "expected a number of repeats"),
        ("a{100}", "expected a number of repeats"),
        ("a{٣}", "expected a number of repeats"),
        ("a{3,2}", "expected at least one repeat"),
        ("a{0}", "expected at least one repeat"),
    ],
)
def test_another_form_is_refused(written: str, message: str):
    with pytest.raises(RequestOptionError, match=message) as refused:
        parse_pattern(written)
    assert "A pattern describes the whole text, as in [A-Z]{2}\\d{3}" in str(refused.value)


def test_a_pattern_has_a_largest_size():
    assert len(parse_pattern("a" * MAX_PATTERN)) == MAX_PATTERN
    with pytest.raises(RequestOptionError, match="pattern has 65 characters: at most 64 are allowed"):
        parse_pattern("a" * (MAX_PATTERN + 1))
    parse_pattern(f"a{{{MAX_POSITIONS}}}")
    with pytest.raises(RequestOptionError, match="repeats up to 65 characters: at most 64"):
        parse_pattern(f"a{{{MAX_POSITIONS}}}b*")
