"""The vocabulary, num_classes.json: the character or class that each class index of a network stands for."""

import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bearcat.core.errors import LabelError, RecordError
from bearcat.core.files import read_json, write_json
from bearcat.data.labels.direction import logical_order

BLANK = "_"
BLANK_INDEX = 0
ALPHABETS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
MIN_SEEN_FRACTION = 1 / 3  # of an alphabet; labels that have less of it only borrow symbols, as sums do the letter x


@dataclass(frozen=True)
class Vocabulary:
    """The symbols in the order of their indices, from 1; index 0 is the blank, which no label contains.

    Args:
        characters: Characters, or class names.
        direction: Order of the symbols of a text: '' as typed, otherwise from left to right as in the image (see
            `bearcat.data.labels.direction`). It is kept in the pack and in the card, not in num_classes.json.
        ignore_case: Whether the texts were folded to lower case (IGNORE_CASE); kept likewise.
    """

    characters: tuple[str, ...]
    direction: str = ""
    ignore_case: bool = False

    def __post_init__(self):
        if len(set(self.characters)) != len(self.characters) or BLANK in self.characters:
            raise LabelError(
                f"expected a vocabulary without duplicates and without the symbol {BLANK!r}, got {self.characters}"
            )

    def __len__(self) -> int:
        """Number of classes, including the blank."""
        return len(self.characters) + 1

    @cached_property
    def index_of(self) -> dict[str, int]:
        return {character: index for index, character in enumerate(self.characters, start=BLANK_INDEX + 1)}

    @classmethod
    def of_symbols(cls, symbols: Iterable[Iterable[str]]) -> "Vocabulary":
        """Creates the sorted vocabulary of all labels from the symbols of each."""
        return cls(tuple(sorted(set().union(*symbols))))

    def completed(self, counts: Counter) -> "Vocabulary":
        """Adds the characters that the labels probably lack by chance.

        If a character was seen only once, others were probably not seen at all (Good 1953). The rest of the alphabets
        that the labels use is added then, so that pretrained weights can predict it.

        Args:
            counts: Character → its number in all labels.
        """
        likely = set(self.characters)
        for alphabet in ALPHABETS:
            seen = [counts[character] for character in alphabet if counts[character]]
            if len(seen) >= MIN_SEEN_FRACTION * len(alphabet) and min(seen) == 1:
                likely |= set(alphabet)
        return replace(self, characters=tuple(sorted(likely)))

    def covers(self, other: "Vocabulary") -> bool:
        """Whether this vocabulary is `other`, possibly with more characters of the alphabets that `other` uses."""
        added, missing = (set(a.characters) - set(b.characters) for a, b in ((self, other), (other, self)))
        used = [alphabet for alphabet in ALPHABETS if set(alphabet) & set(other.characters)]
        return not missing and added <= set("".join(used))

    def encode(self, symbols: Iterable[str], label: str = "") -> list[int]:
        """Returns the indices of a label's symbols.

        Args:
            symbols: The symbols.
            label: The label, for the message.

        Raises:
            LabelError: A symbol is not in the vocabulary.
        """
        symbols = tuple(symbols)
        unknown = sorted(set(symbols) - self.index_of.keys())
        if unknown:
            label = label or "".join(symbols)
            raise LabelError(f"the label {label!r} contains {', '.join(map(repr, unknown))}, not in the vocabulary")
        return [self.index_of[symbol] for symbol in symbols]

    def extended(self, other: "Vocabulary") -> "Vocabulary":
        """Appends the symbols that only `other` has; the existing ones keep their indices."""
        added = (symbol for symbol in other.characters if symbol not in self.index_of)
        return replace(self, characters=(*self.characters, *added))

    def symbols_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Returns the symbols of indices, without blanks."""
        return tuple(self.characters[index - 1] for index in indices if index != BLANK_INDEX)

    def decode(self, indices: Iterable[int]) -> str:
        """Returns the text of indices, without blanks, in the order in which it is typed."""
        symbols = self.symbols_of(indices)
        return "".join(symbols[index] for index in logical_order(symbols, self.direction))

    def difference(self, other: "Vocabulary") -> str:
        """Describes how `other` differs from this vocabulary."""
        added = sorted(set(other.characters) - set(self.characters))
        missing = sorted(set(self.characters) - set(other.characters))
        parts = [f"new: {' '.join(added)}"] * bool(added) + [f"missing: {' '.join(missing)}"] * bool(missing)
        return "; ".join(parts) or "the same symbols in another order"

    def save(self, path: Path) -> None:
        """Writes num_classes.json: index → symbol."""
        write_json(path, {str(index): symbol for index, symbol in enumerate((BLANK, *self.characters))})

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Reads num_classes.json; raises RecordError if it is missing or not as `save` writes it."""
        again = "run python pack_dataset.py"
        try:
            entries = read_json(path)
            symbols = [entries[str(index)] for index in range(len(entries))]
            blank, *characters = symbols
        except FileNotFoundError:
            raise RecordError(f"{path} does not exist: {again}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(f'{path} is not of the form {{"0": "_", "1": …}} ({error!r}): {again}') from None
        if blank != BLANK or not all(isinstance(symbol, str) and symbol for symbol in characters):
            raise RecordError(f"{path} does not start with the blank {BLANK!r}, or has an empty symbol: {again}")
        try:
            return cls(tuple(characters))
        except LabelError as error:
            raise RecordError(f"{path}: {error}: {again}") from None
