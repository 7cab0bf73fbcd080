"""Restrictions of what may be predicted: the characters of a text, its length, and a pattern."""

import unicodedata
from dataclasses import dataclass
from functools import cached_property

from bearcat.core.errors import RequestOptionError
from bearcat.data.decoding.patterns import ANYTHING, MAX_POSITIONS, Item, parse_pattern

RESTRICTIONS = ("characters", "length", "pattern")  # options of requests and of scripts
MAX_CHARACTERS = 1024


@dataclass(frozen=True)
class Restriction:
    """Which texts may be predicted; what is '' restricts nothing.

    Args:
        characters: The characters that a text may have. Those that a model does not know are ignored.
        length: The number of characters (code points), `4` or `4-6`.
        pattern: What the whole text is like, see `parse_pattern`.

    Raises:
        RequestOptionError: One of them is too long or has another form.
    """

    characters: str = ""
    length: str = ""
    pattern: str = ""

    def __post_init__(self):
        if len(self.characters) > MAX_CHARACTERS:
            raise RequestOptionError(
                f"characters has {len(self.characters):,} characters: at most {MAX_CHARACTERS:,} are allowed"
            )
        _ = self.lengths, self.items  # parsed now, so that mistakes are found before an image is opened

    @classmethod
    def of(cls, characters: str = "", length: str | int = "", pattern: str = "") -> "Restriction | None":
        """Returns a restriction, None if everything is empty; characters are in Unicode's form NFC, as labels are."""
        parts = (unicodedata.normalize("NFC", characters), str(length), unicodedata.normalize("NFC", pattern))
        return cls(*parts) if any(parts) else None

    def __str__(self) -> str:
        parts = {name: getattr(self, name) for name in RESTRICTIONS}
        return ", ".join(f"{name} {value!r}" for name, value in parts.items() if value)

    @cached_property
    def lengths(self) -> tuple[int, int | None]:
        """The smallest and the largest length; None if there is no limit."""
        if not self.length:
            return 0, None
        first, dash, last = (part.strip() for part in self.length.partition("-"))
        bounds = [first, last if dash else first]
        is_range = all(one.isascii() and one.isdigit() and len(one) <= len(str(MAX_POSITIONS)) for one in bounds)
        if not is_range or not 1 <= int(bounds[0]) <= int(bounds[1]) <= MAX_POSITIONS:
            raise RequestOptionError(
                f"length is {self.length[:80]!r}: expected a number of characters from 1 to {MAX_POSITIONS}, "
                "such as 4, or a range such as 4-6"
            )
        return int(bounds[0]), int(bounds[1])

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The parts of the pattern."""
        return parse_pattern(self.pattern) if self.pattern else (ANYTHING,)
