"""Sums: what they ask for, and what is no sum."""

import operator
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearcat.data.labels.arithmetic import MAX_LENGTH, is_arithmetic, solve

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3+5=", "8"),
        ("3+5=?", "8"),
        ("3+5", "8"),
        ("12x3", "36"),
        ("12X3=", "36"),
        ("7-?=2", "5"),
        ("?+3=8", "5"),
        ("?-3=8", "11"),
        ("4x?=12", "3"),
        ("9÷3=", "3"),
        ("12:4=?", "3"),
        ("3-5=", "-2"),
        ("2+3*4=", "14"),
        ("10-2-3=", "5"),
        ("8/2/2=", "2"),
        ("３＋５＝？", "8"),
        ("3加5等于?", "8"),
        ("九减四等于几", "5"),
        ("叁乘以贰=", "6"),
        ("8除以2=", "4"),
        ("十加一", "11"),
        ("三加五是几", "8"),
        ("3+5?", "8"),
        ("12/?=3", "4"),
        ("2+8/?*2=6", "4"),
        ("?*3-2=4001", None),
        ("?*2-2=4000", "2001"),
        ("二十三加十二等于", "35"),
        ("拾乘贰", "20"),
        ("3 + 5 = ?", "8"),
        ("3−1=", "2"),
    ],
)
def test_what_a_sum_asks_for(text: str, answer: str | None):
    assert solve(text) == answer


NO_SUMS = ["", "5206", "ab3d", "3+5=8", "3+", "+3=", "=3", "3=3", "7/2=", "7/0=", "?", "?+?=3", "0x?=0", "7-?=9999999"]
NO_SUMS += ["3+5==", "3+5=?1", "?*2=3", "1234567+1=", "1+" * MAX_LENGTH + "1", "__import__('os')", "3**5=", "3//5="]
NO_SUMS += ["-3+5=", "3+5=x", "1e5+1", "T+1", "十十+一"]


@pytest.mark.parametrize("text", NO_SUMS)
def test_what_is_no_sum_or_asks_for_nothing_has_no_answer(text: str):
    assert solve(text) is None


@given(st.integers(0, 999_999), st.integers(0, 999_999), st.sampled_from(sorted(OPERATORS)))
def test_two_numbers_are_added_subtracted_and_multiplied(one: int, other: int, sign: str):
    assert solve(f"{one}{sign}{other}=") == str(OPERATORS[sign](one, other))


def test_longer_sums_agree_with_python():
    generator = random.Random(0)
    for _ in range(300):
        numbers = [str(generator.randint(0, 99)) for _ in range(generator.randint(2, 5))]
        text = numbers[0] + "".join(generator.choice("+-*") + number for number in numbers[1:])
        assert solve(text) == str(eval(text))  # of digits and operators from above


@given(st.text(max_size=40))
def test_no_text_raises(text: str):
    answer = solve(text)
    assert answer is None or int(answer) is not None


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("0123456789+-x=", True),
        ("0123456789+=?", True),
        ("零一二三四五六七八九加减乘等于", True),
        ("０１２＋＝", True),
        ("0123456789", False),
        ("+-=", False),
        ("0123456789+ab", False),
        ("0123456789x", False),
        ("0123456789-", False),
        ("0123456789+-", True),
        ("", False),
    ],
)
def test_models_of_sums_are_known_by_their_characters(characters: str, expected: bool):
    assert is_arithmetic(characters) is expected
