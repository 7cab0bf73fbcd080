"""Sums as texts, such as 3+14=: the label is what the image shows, not the result."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

from bearcat.data.labels.arithmetic import MAX_DIGITS, is_arithmetic
from bearcat.generation.rules import Problem

DIGITS, OPERATORS, EQUALS = "0123456789", "+-×x", "="


def sum_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yields problems with `characters` and `char_count`, of which sums are made."""
    characters = values["characters"]
    digits = set(characters) & set(DIGITS)
    has_others = bool(set(characters) - set(DIGITS + OPERATORS + EQUALS))
    if len(digits) < 2 or has_others or not is_arithmetic(characters):
        yield (
            "characters",
            f"for sums, two or more digits, one or more of {' '.join(OPERATORS)}, and {EQUALS} or a second operator of "
            "another meaning are expected, and nothing else: without these, models do not recognise sums",
        )
        return
    signs = 1 + (EQUALS in characters)
    least, most = 2 + signs, 2 * MAX_DIGITS + signs
    if not all(least <= length <= most for length in values["char_count"]):
        yield (
            "char_count",
            f"lengths from {least} to {most} are expected: a sum has two numbers of 1 to {MAX_DIGITS} digits and an "
            f"operator{f' and {EQUALS}' if signs > 1 else ''}",
        )


def choose_sum(characters: str, length: int, rng: random.Random) -> str:
    """Chooses a sum of a length with the digits, operators and the end that `characters` has."""
    digits, operators = ([one for one in dict.fromkeys(characters) if one in group] for group in (DIGITS, OPERATORS))
    end = EQUALS if EQUALS in characters else ""
    count = length - 1 - len(end)
    first = rng.randint(max(1, count - MAX_DIGITS), min(count - 1, MAX_DIGITS))
    numbers = [_choose_number(digits, size, rng) for size in (first, count - first)]
    operator = rng.choice(operators)
    if operator == "-":  # the result is not negative
        numbers.sort(key=int, reverse=True)
    return operator.join(numbers) + end


def _choose_number(digits: list[str], size: int, rng: random.Random) -> str:
    leading = [one for one in digits if one != "0" or size == 1]
    return rng.choice(leading) + "".join(rng.choices(digits, k=size - 1))
