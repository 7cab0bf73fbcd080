"""What every peer gives: a function from an image's bytes to its text, and what it took to get there."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bearcat.data.labels import LabelledImage
from utils import Image_Processing

ENOUGH = 0.95  # of the validation images: the table says when a training read so many


@dataclass(frozen=True)
class Reader:
    """A peer that is ready to read; what was not trained has no seconds, what hides its weights no parameters."""

    read: Callable[[bytes], str]
    parameters: int | None = None
    train_seconds: float | None = None
    seconds_to_enough: float | None = None


class Progress:
    """Keeps the time of a training, and when its validation first read ENOUGH; the validating itself is part of it."""

    def __init__(self, limit: int):
        """Start now; `limit` is after how many seconds `is_over`, 0: never."""
        self.limit, self.enough_after, self._started = limit, None, time.monotonic()

    @property
    def seconds(self) -> float:
        """Return how long the training has taken."""
        return time.monotonic() - self._started

    @property
    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return bool(self.limit) and self.seconds >= self.limit

    def observe(self, exact: float) -> None:
        """Take in what share of the validation images was read right."""
        if exact >= ENOUGH and self.enough_after is None:
            self.enough_after = self.seconds


def labelled(folder: Path) -> list[LabelledImage]:
    """Return a data set's images with their labels."""
    return Image_Processing.extraction_data(folder)


def characters_of(items: list[LabelledImage]) -> list[str]:
    """Return all characters of labels, sorted; in a peer's network they stand behind the blank, from row 1 on."""
    return sorted(set("".join(item.label for item in items)))


def rows_of(items: list[LabelledImage], characters: list[str]) -> list[list[int]]:
    """Return the rows of each label's characters."""
    row = {character: number for number, character in enumerate(characters, start=1)}
    return [[row[character] for character in item.label] for item in items]


def collapse(rows, characters: list[str]) -> str:
    """Return the text that CTC's best classes (steps,) stand for: repeats once, blanks not at all."""
    kept = [row for number, row in enumerate(rows) if row and (not number or row != rows[number - 1])]
    return "".join(characters[row - 1] for row in kept)
