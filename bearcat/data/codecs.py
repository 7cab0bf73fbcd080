"""One codec a mode: what a label's target is, what it must satisfy, and how logits become text.

All codecs share the target: the vocabulary's rows of the label's symbols, padded with 0 (the blank). A symbol is a
character, or the name of a class.
Decoding is NumPy alone, so that testing and serving run the very same lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from bearcat.core.errors import LabelError
from bearcat.data.vocabulary import BLANK, BLANK_INDEX, Vocabulary


class Task(StrEnum):
    """What is predicted; the value names what an entry of the vocabulary stands for, in packs and reports."""

    TEXT = "character"
    CLASSIFICATION = "class"
    DETECTION = "box"


@dataclass(frozen=True)
class Prediction:
    """What was read: the text, and the probability of each of its characters (of a class: one)."""

    text: str
    confidences: tuple[float, ...]

    @property
    def parts(self) -> list[tuple[str, float]]:
        """Return each part of the text with its probability: its characters, or the whole name of a class."""
        parts = self.text if len(self.text) == len(self.confidences) else [self.text]
        return list(zip(parts, self.confidences, strict=True))

    @property
    def confidence(self) -> float:
        """Return the product of the characters' probabilities; 0 where nothing was read."""
        return float(np.prod(self.confidences)) if self.confidences else 0.0


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities over the last axis, in float64."""
    shifted = np.asarray(logits, np.float64)
    exponents = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


class TextCodec:
    """What all codecs share; the symbols of a text are its characters."""

    task = Task.TEXT
    uses_captcha_length = False

    def __init__(self, vocabulary: Vocabulary, captcha_length: int):
        self.vocabulary = vocabulary
        self.captcha_length = captcha_length

    @classmethod
    def from_card(cls, card) -> "TextCodec":
        """Return the codec of the unit that a card describes."""
        return cls(card.vocabulary, card.captcha_length)

    @staticmethod
    def probabilities(logits: np.ndarray) -> np.ndarray:
        """Return the probability of each row (N, positions or steps, rows)."""
        return softmax(logits)

    @staticmethod
    def symbols(label: str) -> tuple[str, ...]:
        """Return what of a label has a row in the vocabulary."""
        return tuple(label)

    def encode(self, label: str) -> list[int]:
        """Return the rows of a label; raise LabelError for a symbol that has none."""
        return self.vocabulary.encode(self.symbols(label))

    def target_width(self, longest_label: int) -> int:
        """Return the width to which targets are padded."""
        return self.captcha_length if self.uses_captcha_length else max(1, longest_label)

    def check(self, label: str) -> None:
        """Raise LabelError where a label is longer than CAPTCHA_LENGTH allows."""
        if self.uses_captcha_length and len(label) > self.captcha_length:
            raise LabelError(
                f"the label {label!r} has {len(label)} characters, CAPTCHA_LENGTH is {self.captcha_length}: "
                f"set CAPTCHA_LENGTH = {len(label)} or more, or MODE = 'CTC', which has no limit"
            )

    def decode(self, logits: np.ndarray) -> list[Prediction]:
        """Turn logits (N, positions or steps, rows) into readings by the best row of each position or step."""
        probabilities = softmax(logits)
        rows, best = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
        return [self._read(*self._kept(*pair)) for pair in zip(rows, best, strict=True)]

    def _read(self, rows: np.ndarray, best: np.ndarray) -> Prediction:
        is_character = rows != BLANK_INDEX
        return Prediction(self.vocabulary.decode(rows[is_character]), tuple(best[is_character].tolist()))


class OrdinaryCodec(TextCodec):
    """CAPTCHA_LENGTH positions, each one character or blank; blanks are dropped."""

    uses_captcha_length = True

    @staticmethod
    def steps_needed(label: str) -> int:
        """Return how many positions of the head a label takes."""
        return len(label)

    @staticmethod
    def _kept(rows: np.ndarray, best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return rows, best


class CtcCodec(TextCodec):
    """Any number of characters: one row a time step, repeats collapsed and blanks dropped (Graves et al. 2006).

    A character's probability is the highest among the steps of its run.
    """

    @staticmethod
    def steps_needed(label: str) -> int:
        """Return how many time steps a label takes: a blank must stand between two equal characters."""
        return len(label) + sum(a == b for a, b in pairwise(label))

    @staticmethod
    def _kept(rows: np.ndarray, best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        return rows[starts], np.maximum.reduceat(best, starts)


class CtcTinyCodec(CtcCodec):
    """CTC for labels of at most CAPTCHA_LENGTH characters."""

    uses_captcha_length = True


class ClassCodec(TextCodec):
    """One class an image: the whole label is one symbol, and never blank."""

    task = Task.CLASSIFICATION

    @staticmethod
    def symbols(label: str) -> tuple[str, ...]:
        """Return the class name."""
        return (label,)

    def target_width(self, longest_label: int) -> int:
        """Return the width of a target: one row."""
        return 1

    @staticmethod
    def steps_needed(label: str) -> int:
        """Return how many positions of the head a label takes."""
        return 1

    def decode(self, logits: np.ndarray) -> list[Prediction]:
        """Turn logits (N, 1, rows) into readings by the best row that is a class."""
        probabilities = softmax(np.asarray(logits)[:, 0, BLANK_INDEX + 1 :])
        rows, best = probabilities.argmax(axis=-1) + BLANK_INDEX + 1, probabilities.max(axis=-1)
        return [
            Prediction(self.vocabulary.decode([row]), (float(share),)) for row, share in zip(rows, best, strict=True)
        ]


# what is packed as text or class; the others read images and labels as they are
TEXT_CODECS = {"ORDINARY": OrdinaryCodec, "NUM_CLASSES": ClassCodec, "CTC": CtcCodec, "CTC_TINY": CtcTinyCodec}


def make_codec(mode: str, vocabulary: Vocabulary, captcha_length: int):
    """Return the codec of a mode that reads text or classes."""
    return TEXT_CODECS[mode](vocabulary, captcha_length)


def check_label(label: str, codec, where: str) -> list[int]:
    """Return the rows of a label that a codec can learn; raise LabelError that names `where` it stands."""
    try:
        if not label:
            raise LabelError("the label is empty")
        if BLANK in codec.symbols(label):
            raise LabelError(f"the label {label!r} holds {BLANK!r}, which stands for the blank")
        codec.check(label)
        return codec.encode(label)
    except LabelError as error:
        raise LabelError(f"{where}: {error}") from None


def pad_targets(rows: Sequence[Sequence[int]], width: int) -> np.ndarray:
    """Return targets (N, width) of rows padded with the blank."""
    targets = np.full((len(rows), width), BLANK_INDEX, np.int32)
    for target, label in zip(targets, rows, strict=True):
        target[: len(label)] = label
    return targets
