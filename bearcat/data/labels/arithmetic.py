"""Sums in captchas: the number that a text such as `3+5=?` asks for. A small parser; nothing is evaluated as code."""

import re
import unicodedata
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

# what is drawn → what it means, after full-width forms are made plain
_SIGNS = {
    "+": "+加",
    "-": "-−–减",
    "*": "*×xX✕乘",
    "/": "/÷:除",
    "=": "=等是",
    "?": "?几",
}
_NUMERALS = "零一二三四五六七八九", "〇壹贰叁肆伍陆柒捌玖"
_IGNORED = " 于以上去"
_MEANING = {drawn: sign for sign, all_drawn in _SIGNS.items() for drawn in all_drawn}
_MEANING |= {drawn: str(value) for numerals in _NUMERALS for value, drawn in enumerate(numerals)}
_MEANING |= dict.fromkeys("十拾", "T")
_MEANING |= {str(digit): str(digit) for digit in range(10)} | dict.fromkeys(_IGNORED, "")
_OPERATORS = "+-*/"
_TENS = re.compile(r"(?<![\dT])([1-9]?)T(\d?)(?![\dT])")  # 十, 二十, 二十三
_TOKEN = re.compile(r"\d+|\?|[-+*/]")
MAX_LENGTH = 32  # characters of a sum
MAX_DIGITS = 6  # of a number


@lru_cache(maxsize=64)
def is_arithmetic(characters: Iterable[str]) -> bool:
    """Whether texts of these characters are sums.

    All have a meaning in one, with digits and an operator among them, and `=`, `?` or a second operator: digits and a
    hyphen alone may be dates.
    """
    plain = [_plain(character) for character in characters]
    meanings = {_MEANING[one] for one in plain if one in _MEANING}
    signs = meanings & _SIGNS.keys()
    has_digits, has_operator = any(map(str.isdigit, meanings)), bool(signs & set(_OPERATORS))
    return _MEANING.keys() >= set(plain) and has_digits and has_operator and len(signs) > 1


@lru_cache(maxsize=1024)
def solve(text: str) -> str | None:
    """Returns the number that a sum asks for: '8' for `3+5=`, '5' for `7-?=2`; None if the text is no such sum.

    An operator between two numbers is required, products come before sums, and an answer is a whole number. Nothing is
    asked in `3+5=8`.
    """
    meanings = [_MEANING.get(_plain(character)) for character in text[: MAX_LENGTH + 1]]
    if len(text) > MAX_LENGTH or None in meanings:
        return None
    plain = _TENS.sub(_add_tens, "".join(one for one in meanings if one is not None))
    left, equals, right = plain.partition("=")
    if not equals and left[-2:-1].isdecimal():  # 3+5?
        left = left.removesuffix("?")
    tokens = _TOKEN.findall(left)
    if "".join(tokens) != left or any(len(token) > MAX_DIGITS for token in [*tokens, right]):
        return None
    if len(tokens) < 3 or "=" in right:
        return None
    if "?" not in tokens:
        return _whole(_value(tokens)) if right in ("", "?") else None
    if not equals or not right.isdecimal() or tokens.count("?") > 1:
        return None
    return _whole(_find_unknown(tokens, int(right)))


def _find_unknown(tokens: list[str], result: int) -> Fraction | None:
    """Returns the number for which a sum with one unknown has a result, if it is not negative."""
    place = tokens.index("?")

    def value_with(number: int) -> Fraction | None:
        return _value([*tokens[:place], str(number), *tokens[place + 1 :]])

    one, two = value_with(1), value_with(2)
    if one is None or two is None or one == two:
        return None
    if place and tokens[place - 1] == "/":
        # the value is a + b / unknown
        factor = 2 * (one - two)
        divisor = result - one + factor
        return factor / divisor if divisor and factor / divisor > 0 else None
    found = 1 + (result - one) / (two - one)
    return found if found >= 0 else None


def _add_tens(numeral: re.Match) -> str:
    """Returns the digits of a Chinese numeral with a ten."""
    tens, ones = numeral.groups()
    return str(10 * int(tens or 1) + int(ones or 0))


def _plain(character: str) -> str:
    """Returns the plain form of a full-width character."""
    return unicodedata.normalize("NFKC", character)


def _whole(value: Fraction | None) -> str | None:
    return str(value) if value is not None and value.denominator == 1 else None


def _value(tokens: list[str]) -> Fraction | None:
    """Returns the value of numbers with operators between them; None if they are not, or for a division by 0."""
    numbers, operators = tokens[::2], tokens[1::2]
    if len(numbers) != len(operators) + 1 or not all(number.isdecimal() for number in numbers):
        return None
    if not set(operators) <= set(_OPERATORS):
        return None
    terms = [Fraction(numbers[0])]
    for operator, number in zip(operators, map(Fraction, numbers[1:]), strict=True):
        if operator == "/" and not number:
            return None
        if operator in "+-":
            terms.append(number if operator == "+" else -number)
        else:
            terms[-1] = terms[-1] * number if operator == "*" else terms[-1] / number
    return sum(terms, Fraction(0))
