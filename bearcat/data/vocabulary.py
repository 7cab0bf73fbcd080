"""The vocabulary: which row of a network's head stands for which character (num_classes.json)."""

import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bearcat.core.errors import LabelError, RecordError
from bearcat.core.files import read_json, write_json

BLANK = "_"
BLANK_INDEX = 0
ALPHABETS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
SEEN_SHARE = 1 / 3  # of an alphabet: with less, labels only borrow from it, as sums do the letter x


@dataclass(frozen=True)
class Vocabulary:
    """The symbols in the order of the head's rows; row 0 is the blank, which no label can hold."""

    characters: tuple[str, ...]

    def __post_init__(self):
        if len(set(self.characters)) != len(self.characters) or BLANK in self.characters:
            raise LabelError(f"a vocabulary holds each character once and no {BLANK!r}, got {self.characters}")

    def __len__(self) -> int:
        """Return the number of rows, the blank included."""
        return len(self.characters) + 1

    @cached_property
    def index_of(self) -> dict[str, int]:
        return {character: index for index, character in enumerate(self.characters, start=BLANK_INDEX + 1)}

    @classmethod
    def of_symbols(cls, symbols: Iterable[Iterable[str]]) -> "Vocabulary":
        """Return the sorted symbols of all labels: characters, or class names."""
        return cls(tuple(sorted(set().union(*symbols))))

    def completed(self, counts: Counter) -> "Vocabulary":
        """Return this vocabulary with the characters that labels, whose characters are counted, likely lack by chance.

        Where some character was seen just once, others were likely not seen at all (Good 1953): what is left of an
        alphabet that labels draw on gets its rows then, which a network that knows the characters already can use.
        """
        likely = set(self.characters)
        for alphabet in ALPHABETS:
            seen = [counts[character] for character in alphabet if counts[character]]
            if len(seen) >= SEEN_SHARE * len(alphabet) and min(seen) == 1:
                likely |= set(alphabet)
        return Vocabulary(tuple(sorted(likely)))

    def covers(self, other: "Vocabulary") -> bool:
        """Tell whether this vocabulary is another's, or has beyond it only what alphabets that it draws on lack."""
        beyond, lacking = (set(a.characters) - set(b.characters) for a, b in ((self, other), (other, self)))
        drawn_on = [alphabet for alphabet in ALPHABETS if set(alphabet) & set(other.characters)]
        return not lacking and beyond <= set("".join(drawn_on))

    def encode(self, symbols: Iterable[str]) -> list[int]:
        """Return the rows of a label's symbols; raise LabelError for one that has none."""
        symbols = list(symbols)
        unknown = sorted(set(symbols) - self.index_of.keys())
        if unknown:
            label = "".join(symbols)
            raise LabelError(f"the label {label!r} holds {', '.join(map(repr, unknown))}, not in the vocabulary")
        return [self.index_of[symbol] for symbol in symbols]

    def extended(self, other: "Vocabulary") -> "Vocabulary":
        """Return this vocabulary with what `other` has more at its end, so that the rows of before keep their place."""
        return Vocabulary((*self.characters, *(symbol for symbol in other.characters if symbol not in self.index_of)))

    def decode(self, rows: Iterable[int]) -> str:
        """Return the text of rows, blanks left out."""
        return "".join(self.characters[row - 1] for row in rows if row != BLANK_INDEX)

    def difference(self, other: "Vocabulary") -> str:
        """Say in words how `other` differs from this one."""
        added = sorted(set(other.characters) - set(self.characters))
        missing = sorted(set(self.characters) - set(other.characters))
        parts = [f"new: {' '.join(added)}"] * bool(added) + [f"gone: {' '.join(missing)}"] * bool(missing)
        return "; ".join(parts) or "the same characters in another order"

    def save(self, path: Path) -> None:
        """Write num_classes.json: row → character."""
        write_json(path, {str(row): symbol for row, symbol in enumerate((BLANK, *self.characters))})

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read num_classes.json; raise RecordError where it is missing or not as `save` writes it."""
        again = "run python pack_dataset.py"
        try:
            rows = read_json(path)
            symbols = [rows[str(row)] for row in range(len(rows))]
            blank, *characters = symbols
        except FileNotFoundError:
            raise RecordError(f"{path} is not there: {again}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(f'{path} does not hold {{"0": "_", "1": …}} ({error!r}): {again}') from None
        if blank != BLANK or not all(isinstance(symbol, str) and symbol for symbol in characters):
            raise RecordError(f"{path} does not start with the blank {BLANK!r}, or holds an empty symbol: {again}")
        try:
            return cls(tuple(characters))
        except LabelError as error:
            raise RecordError(f"{path}: {error}: {again}") from None
