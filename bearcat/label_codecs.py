"""One codec a mode: what a label's target is, what it must satisfy, and how logits become text.

All codecs share the target: the vocabulary's rows of the label's characters, padded with 0 (the blank).
Decoding is NumPy alone, so that testing and serving run the very same lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bearcat.errors import LabelError
from bearcat.vocabulary import BLANK, BLANK_INDEX, Vocabulary


@dataclass(frozen=True)
class Reading:
    """What was read: the text, and the probability of each of its characters."""

    text: str
    confidences: tuple[float, ...]

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
    """What all codecs of text share."""

    def __init__(self, vocabulary: Vocabulary, captcha_length: int):
        self.vocabulary = vocabulary
        self.captcha_length = captcha_length

    def decode(self, logits: np.ndarray) -> list[Reading]:
        """Turn logits (N, positions or steps, rows) into readings by the best row of each position or step."""
        probabilities = softmax(logits)
        rows, best = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
        return [self._read(*self._kept(*pair)) for pair in zip(rows, best, strict=True)]

    def _read(self, rows: np.ndarray, best: np.ndarray) -> Reading:
        is_character = rows != BLANK_INDEX
        return Reading(self.vocabulary.decode(rows[is_character]), tuple(best[is_character].tolist()))


class OrdinaryCodec(TextCodec):
    """CAPTCHA_LENGTH positions, each one character or blank; blanks are dropped."""

    def target_width(self, longest_label: int) -> int:
        """Return the width to which targets are padded."""
        return self.captcha_length

    def check(self, label: str) -> None:
        """Raise LabelError where a label is longer than the positions there are."""
        if len(label) > self.captcha_length:
            raise LabelError(
                f"the label {label!r} has {len(label)} characters, CAPTCHA_LENGTH is {self.captcha_length}: "
                f"set CAPTCHA_LENGTH = {len(label)} or more, or MODE = 'CTC', which has no limit"
            )

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

    def target_width(self, longest_label: int) -> int:
        """Return the width to which targets are padded."""
        return max(1, longest_label)

    def check(self, label: str) -> None:
        """Accept a label of any length: whether the time steps suffice is known once there is a network."""

    @staticmethod
    def steps_needed(label: str) -> int:
        """Return how many time steps a label takes: a blank must stand between two equal characters."""
        return len(label) + sum(a == b for a, b in pairwise(label))

    @staticmethod
    def _kept(rows: np.ndarray, best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        return rows[starts], np.maximum.reduceat(best, starts)


CODECS = {"ORDINARY": OrdinaryCodec, "CTC": CtcCodec}


def make_codec(mode: str, vocabulary: Vocabulary, captcha_length: int):
    """Return the codec of a mode."""
    return CODECS[mode](vocabulary, captcha_length)


def check_label(label: str, codec, where: str) -> list[int]:
    """Return the rows of a label that a codec can learn; raise LabelError that names `where` it stands."""
    try:
        if not label:
            raise LabelError("the label is empty")
        if BLANK in label:
            raise LabelError(f"the label {label!r} holds {BLANK!r}, which stands for the blank")
        codec.check(label)
        return codec.vocabulary.encode(label)
    except LabelError as error:
        raise LabelError(f"{where}: {error}") from None


def pad_targets(rows: Sequence[Sequence[int]], width: int) -> np.ndarray:
    """Return targets (N, width) of rows padded with the blank."""
    targets = np.full((len(rows), width), BLANK_INDEX, np.int32)
    for target, label in zip(targets, rows, strict=True):
        target[: len(label)] = label
    return targets
