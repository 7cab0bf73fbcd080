"""Codecs of the text and class modes: labels to targets, and logits to predictions.

A target holds the vocabulary indices of a label's symbols, padded with 0, the blank. A symbol is a character (a code
point: a letter and its marks are several), or the name of a class. Targets and network outputs run from left to right
as in the image, labels and predictions as one types (see `bearcat.data.labels.direction`). Decoding needs no
TensorFlow, so testing and serving share it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from bearcat.core.errors import LabelError
from bearcat.data.decoding.automata import compile_restriction
from bearcat.data.decoding.paths import RestrictedDecoder, run_starts
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.labels.direction import logical_order, visual_order
from bearcat.data.labels.text import split_graphemes
from bearcat.data.vocabulary import BLANK, BLANK_INDEX, Vocabulary


class Task(StrEnum):
    """What a model predicts. The value, in packs and reports, is what an entry of the vocabulary stands for."""

    TEXT = "character"
    CLASSIFICATION = "class"
    DETECTION = "box"


class LabelCodec(Protocol):
    """What a vocabulary is made with: the codec of any mode."""

    @property
    def task(self) -> Task: ...

    def symbols(self, label: Any) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Prediction:
    """A predicted text.

    Args:
        text: The text, or the name of the class.
        confidences: Probability of each character, in the order of the text; of a class a single one. Under a
            restriction it is that among the allowed texts, see `bearcat.data.decoding.paths.Allowed`.
        allowed: Probability that the network gives to all texts that the restriction allows; 1 without one.
    """

    text: str
    confidences: tuple[float, ...]
    allowed: float = 1.0

    @property
    def parts(self) -> list[tuple[str, float]]:
        """The characters, or the name of the class, each with its probability."""
        parts = self.text if len(self.text) == len(self.confidences) else [self.text]
        return list(zip(parts, self.confidences, strict=True))

    @property
    def confidence(self) -> float:
        """The product of the characters' probabilities; 0 for an empty text."""
        return float(np.prod(self.confidences)) if self.confidences else 0.0


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, in float64."""
    shifted = np.asarray(logits, np.float64)
    exponents = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


class TextCodec:
    """Base of the codecs; the symbols of a text are its characters."""

    task = Task.TEXT
    uses_captcha_length = False
    merges_repeats = False

    def __init__(self, vocabulary: Vocabulary, captcha_length: int):
        self.vocabulary = vocabulary
        self.captcha_length = captcha_length

    @classmethod
    def from_card(cls, card) -> "TextCodec":
        """Creates the codec of the model that a card describes."""
        return cls(card.vocabulary, card.captcha_length)

    @staticmethod
    def probabilities(logits: np.ndarray) -> np.ndarray:
        """Class probabilities (N, steps, classes) from logits of that shape; a step is a position or time step."""
        return softmax(logits)

    @staticmethod
    def symbols(label: str) -> tuple[str, ...]:
        """The vocabulary entries of a label, in the order in which it is typed."""
        return tuple(label)

    def arrange(self, label: str) -> tuple[str, ...]:
        """The symbols of a label in the order of its target."""
        if not self.vocabulary.direction:
            return self.symbols(label)
        # marks follow their letter, as in Unicode
        clusters = split_graphemes(label)
        return tuple("".join(clusters[index] for index in visual_order(clusters, self.vocabulary.direction)))

    def encode(self, label: str) -> list[int]:
        """Returns the indices of a label's symbols; raises LabelError for one that is not in the vocabulary."""
        return self.vocabulary.encode(self.arrange(label), label)

    def target_width(self, longest_label: int) -> int:
        """Width to which targets are padded."""
        return self.captcha_length if self.uses_captcha_length else max(1, longest_label)

    def check(self, label: str) -> None:
        """Raises LabelError if a label is longer than CAPTCHA_LENGTH allows."""
        if self.uses_captcha_length and len(label) > self.captcha_length:
            raise LabelError(
                f"the label {label!r} has {len(label)} characters, CAPTCHA_LENGTH is {self.captcha_length}: "
                f"set CAPTCHA_LENGTH = {len(label)} or more, or MODE = 'CTC', which has no limit"
            )

    def decode(self, logits: np.ndarray) -> list[Prediction]:
        """Decodes logits (N, steps, classes) greedily: the most probable class of each step."""
        probabilities = softmax(logits)
        classes, best = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
        return [self._predict(*self._merge_repeats(*pair)) for pair in zip(classes, best, strict=True)]

    def decode_allowed(self, logits: np.ndarray, restriction: Restriction) -> Iterator[Prediction]:
        """Decodes logits (N, steps, classes) to the texts of the best paths among those that a restriction allows.

        It takes time, so that it yields each text before it goes on with the next.

        Raises:
            RequestOptionError: The network cannot predict such a text, or the restriction is too large.
        """
        decoder = RestrictedDecoder(restriction, self.vocabulary, self.merges_repeats)
        decoder.check_size(logits.shape[1], len(logits))
        for one in map(decoder.decode, logits):
            prediction = self._predict(*self._merge_repeats(one.classes, one.confidences))
            yield replace(prediction, allowed=one.probability)

    def allows(self, label: str, restriction: Restriction) -> bool:
        """Whether a restriction allows a label, which the model may not be able to predict."""
        symbols, known = self.arrange(label), self.vocabulary.index_of
        automaton = compile_restriction(restriction, self.vocabulary)
        return set(symbols) <= known.keys() and automaton.accepts(known[symbol] for symbol in symbols)

    def _predict(self, classes: np.ndarray, best: np.ndarray) -> Prediction:
        found = self.vocabulary.symbols_of(classes)
        confidences = best[classes != BLANK_INDEX].tolist()
        order = logical_order(found, self.vocabulary.direction)
        return Prediction("".join(found[index] for index in order), tuple(confidences[index] for index in order))

    def _merge_repeats(self, classes: np.ndarray, best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts = np.flatnonzero(run_starts(classes, self.merges_repeats))
        return classes[starts], np.maximum.reduceat(best, starts)

    @staticmethod
    def steps_needed(symbols: Sequence[str]) -> int:
        """Number of positions or time steps that a label with these symbols needs."""
        return len(symbols)


class OrdinaryCodec(TextCodec):
    """CAPTCHA_LENGTH positions, each with a character or the blank, which is dropped."""

    uses_captcha_length = True


class CtcCodec(TextCodec):
    """CTC for labels of any length: repeats are merged, then blanks dropped (Graves et al. 2006).

    The confidence of a character is the highest probability among its repeats.
    """

    merges_repeats = True

    @staticmethod
    def steps_needed(symbols: Sequence[str]) -> int:
        """Number of time steps that a label with these symbols needs, with a blank between equal ones."""
        return len(symbols) + sum(a == b for a, b in pairwise(symbols))


class CtcTinyCodec(CtcCodec):
    """CTC for labels of at most CAPTCHA_LENGTH characters."""

    uses_captcha_length = True


class ClassCodec(TextCodec):
    """One class per image: the whole label is a symbol, and the blank is never predicted."""

    task = Task.CLASSIFICATION

    @staticmethod
    def symbols(label: str) -> tuple[str, ...]:
        """The name of the class."""
        return (label,)

    def arrange(self, label: str) -> tuple[str, ...]:
        """The name of the class."""
        return self.symbols(label)

    def target_width(self, longest_label: int) -> int:
        """Width of a target: one index."""
        return 1

    @staticmethod
    def steps_needed(symbols: Sequence[str]) -> int:
        """Number of positions that a label needs."""
        return 1

    def decode(self, logits: np.ndarray) -> list[Prediction]:
        """Decodes logits (N, 1, classes) to the most probable class other than the blank."""
        probabilities = softmax(np.asarray(logits)[:, 0, BLANK_INDEX + 1 :])
        indices, best = probabilities.argmax(axis=-1) + BLANK_INDEX + 1, probabilities.max(axis=-1)
        return [
            Prediction(self.vocabulary.characters[index - 1], (float(probability),))
            for index, probability in zip(indices, best, strict=True)
        ]


# the modes that train on packs; EFFICIENTDET trains on images and label files
TEXT_CODECS: dict[str, type[TextCodec]] = {
    "ORDINARY": OrdinaryCodec,
    "NUM_CLASSES": ClassCodec,
    "CTC": CtcCodec,
    "CTC_TINY": CtcTinyCodec,
}


def make_codec(mode: str, vocabulary: Vocabulary, captcha_length: int) -> TextCodec:
    """Creates the codec of a text or class mode."""
    return TEXT_CODECS[mode](vocabulary, captcha_length)


def check_label(label: str, codec: TextCodec, where: str) -> list[int]:
    """Returns the indices of a label's symbols; raises LabelError, naming `where`, if the mode cannot learn it."""
    try:
        if not label:
            raise LabelError("the label is empty")
        if BLANK in codec.symbols(label):
            raise LabelError(f"the label {label!r} contains {BLANK!r}, which stands for the blank")
        codec.check(label)
        return codec.encode(label)
    except LabelError as error:
        raise LabelError(f"{where}: {error}") from None


def pad_targets(indices: Sequence[Sequence[int]], width: int) -> np.ndarray:
    """Returns int32 targets (N, width): the indices of each label, padded with the blank."""
    targets = np.full((len(indices), width), BLANK_INDEX, np.int32)
    for target, label in zip(targets, indices, strict=True):
        target[: len(label)] = label
    return targets
