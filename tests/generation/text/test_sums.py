"""Sums as texts of captchas."""

import random
import re

import pytest

from bearcat.data.labels.arithmetic import is_arithmetic, solve
from bearcat.generation.text.sums import choose_sum, sum_problems


@pytest.mark.parametrize("characters", ["0123456789+-×x=", "0123456789+-", "01x="])
def test_sums_have_the_length_two_numbers_and_the_operators_there_are(characters: str):
    rng, seen = random.Random(1), set()
    for length in range(3 + ("=" in characters), 14 + ("=" in characters)):
        for _ in range(60):
            text = choose_sum(characters, length, rng)
            seen.update(text)
            assert len(text) == length
            assert re.fullmatch(r"(0|[1-9]\d*)[-+×x](0|[1-9]\d*)" + ("=" if "=" in characters else ""), text)
            first, _, second = text.rstrip("=").partition("-")
            assert not second or int(first) >= int(second)
            assert is_arithmetic(characters) and solve(text) is not None
    assert seen == set(characters)


@pytest.mark.parametrize("characters", ["0123456789", "+-=", "1+=", "12+a", "0123456789+-÷", "0123456789+", "01x×"])
def test_other_characters_are_refused(characters: str):
    ((name, message),) = sum_problems({"characters": characters, "char_count": [5]})
    assert name == "characters"
    assert "two or more digits, one or more of + - × x, and = or a second operator of another meaning are" in message


@pytest.mark.parametrize("characters", ["12+-", "12+="])
def test_sums_that_are_too_short_or_longer_than_models_solve_are_refused(characters: str):
    least, most, end = (4, 14, " and =") if "=" in characters else (3, 13, "")
    message = (
        f"lengths from {least} to {most} are expected: a sum has two numbers of 1 to 6 digits and an operator{end}"
    )
    assert list(sum_problems({"characters": characters, "char_count": (least, most)})) == []
    for lengths in ([least - 1, 9], (9, most + 1)):
        assert list(sum_problems({"characters": characters, "char_count": lengths})) == [("char_count", message)]
