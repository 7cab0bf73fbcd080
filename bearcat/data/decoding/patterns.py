r"""Patterns of texts: a small subset of regular expressions whose cost is bounded, unlike that of `re`.

A pattern describes the whole text. It is a sequence of characters, `\` with a sign, `.` (any character), `\d` (a
digit), `\w` (a letter or digit of ASCII) and classes such as `[A-Z0-9]` or `[^0O]`, each with an optional `?`, `*`,
`+`, `{n}`, `{m,}` or `{m,n}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bearcat.core.errors import RequestOptionError
from bearcat.data.labels.text import fold_case

MAX_PATTERN = 64  # characters of a pattern
MAX_POSITIONS = 64  # characters of a text, as far as repeats are counted
MAX_DIGITS = 2  # of a number of repeats
EXAMPLE = r"[A-Z]{2}\d{3}"
SHORTHANDS = {"d": (("0", "9"),), "w": (("0", "9"), ("A", "Z"), ("a", "z"))}
REPEATS: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}
SIGNS = "()|^$]}{?*+"  # have to be escaped

Ranges = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """A part of a pattern.

    Args:
        text: As it is written, without its quantifier.
        ranges: First and last character of each range that it contains.
        negated: Whether it matches all other characters instead.
        least: Smallest number of repeats.
        most: Largest number; None if there is no limit.
    """

    text: str
    ranges: Ranges
    negated: bool = False
    least: int = 1
    most: int | None = 1

    def matches(self, symbols: np.ndarray, upper: np.ndarray | None = None) -> np.ndarray:
        """Returns which symbols of a vocabulary match.

        Args:
            symbols: The symbols (N).
            upper: Their `upper_case` if the vocabulary's labels were folded.
        """
        listed = np.zeros(len(symbols), bool)
        for first, last in self.ranges:
            for form in (symbols,) if upper is None else (symbols, upper):
                listed |= (form >= first) & (form <= last)
            if upper is not None and first == last:
                listed |= symbols == fold_case(first)
        return listed != self.negated


def upper_case(symbols: np.ndarray) -> np.ndarray:
    """Returns symbols in upper case, as far as that is one character: that of `ß` is `SS`."""
    return np.array([upper if len(upper := symbol.upper()) == 1 else symbol for symbol in symbols.tolist()], str)


ANYTHING = Item("", (), negated=True, least=0, most=None)


def parse_pattern(text: str) -> tuple[Item, ...]:
    """Parses a pattern; raises RequestOptionError if it is too long or has another form."""
    if len(text) > MAX_PATTERN:
        raise RequestOptionError(f"pattern has {len(text):,} characters: at most {MAX_PATTERN} are allowed")
    items = tuple(_Parser(text).items())
    positions = sum(item.most or max(item.least, 1) for item in items)
    if positions > MAX_POSITIONS:
        raise RequestOptionError(
            f"pattern {text!r} repeats up to {positions} characters: at most {MAX_POSITIONS} are allowed"
        )
    return items


class _Parser:
    def __init__(self, text: str):
        self._text = text
        self._place = 0

    def items(self) -> Iterator[Item]:
        """Yields the parts of the pattern."""
        while self._place < len(self._text):
            start = self._place
            ranges, negated = self._one()
            written = self._text[start : self._place]
            least, most = self._quantifier()
            yield Item(written, ranges, negated, least, most)

    def _next(self) -> str:
        """Returns the next character, '' at the end, and moves on."""
        character = self._text[self._place : self._place + 1]
        self._place += 1
        return character

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _one(self) -> tuple[Ranges, bool]:
        character = self._next()
        if character == "[":
            return self._class()
        if character == ".":
            return (), True
        if character in SIGNS:
            raise self._error(f"{character!r} is not supported there; for the character itself write \\{character}")
        return self._escaped() if character == "\\" else ((character, character),), False

    def _escaped(self) -> Ranges:
        character = self._next()
        if character in SHORTHANDS:
            return SHORTHANDS[character]
        if not character or character.isalnum():
            raise self._error(f"\\{character} is not supported, only \\d and \\w")
        return ((character, character),)

    def _class(self) -> tuple[Ranges, bool]:
        negated = self._peek() == "^"
        self._place += negated
        ranges: list[tuple[str, str]] = []
        while (character := self._next()) != "]":
            if not character or character == "[":
                raise self._error("a class such as [A-Z] is not closed; for a bracket in it write \\[")
            added = self._escaped() if character == "\\" else ((character, character),)
            if self._peek() == "-" and self._text[self._place + 1 : self._place + 2] not in ("", "]"):
                self._place += 1
                added = (self._range(added, self._next()),)
            ranges += added
        if not ranges:
            raise self._error("a class has no characters; for a bracket in it write \\]")
        return tuple(ranges), negated

    def _range(self, start: Ranges, character: str) -> tuple[str, str]:
        end = self._escaped() if character == "\\" else ((character, character),)
        first, last = start[0][0], end[0][1]
        if len(start) + len(end) > 2 or start[0][0] != start[0][1] or end[0][0] != end[0][1] or first > last:
            raise self._error(f"a range goes from a character to a later one, not from {first!r} to {last!r}")
        return first, last

    def _quantifier(self) -> tuple[int, int | None]:
        character = self._peek()
        if character in REPEATS:
            self._place += 1
            return REPEATS[character]
        if character != "{":
            return 1, 1
        inside, closed, _ = self._text[self._place + 1 :].partition("}")
        self._place += len(inside) + 2
        least, comma, most = inside.partition(",")
        numbers = [number for number in (least, most) if number or number is least]
        if not closed or not all(one.isascii() and one.isdigit() and len(one) <= MAX_DIGITS for one in numbers):
            raise self._error("expected a number of repeats such as {4}, {2,} or {2,4}")
        low, high = int(least), int(most) if most else None if comma else int(least)
        if high is not None and (high < low or not high):
            raise self._error(f"expected at least one repeat, and no more than at most, got {{{inside}}}")
        return low, high

    def _error(self, problem: str) -> RequestOptionError:
        place = min(self._place, len(self._text))
        return RequestOptionError(
            f"pattern {self._text!r}, up to character {place}: {problem}. A pattern describes the whole text, "
            f"as in {EXAMPLE}"
        )
