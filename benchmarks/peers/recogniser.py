"""What every peer provides: a function from an image's bytes to its text, and what its training took."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bearcat.data.labels.reading import LabelledImage
from utils import Image_Processing

GOOD_EXACT = 0.95  # exact match on the validation images; the table shows when a training reaches it


@dataclass(frozen=True)
class Recogniser:
    """A peer that is ready to predict.

    Args:
        predict: Image bytes → text.
        parameters: Number of parameters, None if unknown.
        train_seconds: Duration of the training, None without one.
        seconds_to_good: When its validation reached GOOD_EXACT, None if never.
    """

    predict: Callable[[bytes], str]
    parameters: int | None = None
    train_seconds: float | None = None
    seconds_to_good: float | None = None


class Progress:
    """Clock of a training, validation included; `limit` is its longest duration in seconds, 0: none."""

    def __init__(self, limit: float):
        self.limit = limit
        self.seconds_to_good: float | None = None
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return bool(self.limit) and self.seconds >= self.limit

    def observe(self, exact: float) -> None:
        """Takes note of the exact match on the validation images."""
        if exact >= GOOD_EXACT and self.seconds_to_good is None:
            self.seconds_to_good = self.seconds


def labelled(folder: Path) -> list[LabelledImage]:
    """Returns the images of a data set with their labels."""
    return Image_Processing.extraction_data(folder)


def characters_of(items: Iterable[LabelledImage]) -> list[str]:
    """Returns all characters of labels, sorted; in a peer's network they have the classes from 1 on, 0 is the blank."""
    return sorted(set("".join(item.label for item in items)))


def indices_of(items: Iterable[LabelledImage], characters: Sequence[str]) -> list[list[int]]:
    """Returns the classes of each label's characters."""
    index = {character: number for number, character in enumerate(characters, start=1)}
    return [[index[character] for character in item.label] for item in items]


def collapse(classes: Sequence[int], characters: Sequence[str]) -> str:
    """Returns the text of CTC's best classes (steps,), without repeats and blanks."""
    kept = [one for step, one in enumerate(classes) if one and (not step or one != classes[step - 1])]
    return "".join(characters[one - 1] for one in kept)
