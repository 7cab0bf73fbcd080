"""Interpolation between a trained network and the pretrained weights that it started from (WiSE-FT)."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from bearcat.artifacts.card import Card
from bearcat.artifacts.colour_mix import see_nearest_mix
from bearcat.artifacts.letter_case import see_nearest_case
from bearcat.artifacts.weight_transfer import (
    first_kernel,
    head_weights,
    is_of_head,
    takes_greyness,
    transfer_weights,
)

STEPS = 10  # fractions that are tried
MARGIN = 0.5  # of the largest harmless fraction: unseen images become incorrect before those of the training
BATCH_SIZE = 64


@dataclass(frozen=True)
class Interpolation:
    """Result of weight interpolation.

    Args:
        fraction: Weight of the pretrained weights, 0 to 0.5; 0 if any other value would cost an image.
        images: Number of labelled images that it was measured on.
        correct: How many of them are predicted correctly with it.
        correct_before: How many without it.
    """

    fraction: float
    images: int
    correct: int
    correct_before: int

    def to_report(self) -> dict[str, float]:
        """Entry `blend` of report/save.json, whose keys are older than these names."""
        return {
            "share": self.fraction,
            "pictures": self.images,
            "right": self.correct,
            "right_before": self.correct_before,
        }


def interpolate_weights(
    model: keras.Model, card: Card, pretrained: Path, find_correct: Callable[[], np.ndarray]
) -> Interpolation | None:
    """Moves a model's weights towards the pretrained ones, as far as no correct prediction becomes incorrect.

    A network that is trained on a few labels forgets much of what it knew. Weights between the trained and the
    pretrained ones generalise better than either (Wortsman et al. 2022, WiSE-FT, equation 1). The fraction is MARGIN
    times the largest one at which every image that was predicted correctly still is. Weights that have no pretrained
    counterpart, such as classes of the head for further characters, are left unchanged. In a network for colour images
    the pretrained weights are first applied to the mix of colours that comes nearest to its own, and letters take the
    pretrained columns of the case that comes nearest.

    Args:
        model: The model, changed in place.
        card: Its card.
        pretrained: The file of pretrained weights.
        find_correct: Predicts the labelled images; returns booleans (n,).

    Returns:
        What was done; None, with the model unchanged, if the network differs from the pretrained one.
    """
    own, correct_before = model.get_weights(), find_correct()
    trained_kernel = np.array(first_kernel(model)) if takes_greyness(model) else None
    trained_head = [np.array(variable) for variable in head_weights(model)]
    transferred, _ = transfer_weights(model, card.vocabulary, pretrained)
    if trained_kernel is not None:
        see_nearest_mix(model, trained_kernel)
    see_nearest_case(model, card, pretrained, trained_head)
    other = model.get_weights()

    def correct_at(fraction: float) -> np.ndarray:
        model.set_weights([(1 - fraction) * one + fraction * two for one, two in zip(own, other, strict=True)])
        return find_correct()

    def loses_nothing(correct: np.ndarray) -> bool:
        return not (correct_before & ~correct).any()

    if not any(map(is_of_head, transferred)):
        model.set_weights(own)
        return None
    fractions = (step / STEPS for step in range(1, STEPS + 1))
    lossless = list(itertools.takewhile(lambda fraction: loses_nothing(correct_at(fraction)), fractions))
    fraction = MARGIN * lossless[-1] if lossless else 0.0
    correct = correct_at(fraction)
    if not loses_nothing(correct):  # possible between two steps
        fraction, correct = 0.0, correct_at(0.0)
    return Interpolation(fraction, len(correct_before), int(correct.sum()), int(correct_before.sum()))


def find_correct(model: keras.Model, card: Card, pixels: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Predicts labelled images uint8 (n, H, W, C) and returns booleans (n,): whether the text or class is correct."""
    predictions = card.make_codec().decode(predict_logits(model, pixels))
    return np.array([prediction.text == label for prediction, label in zip(predictions, labels, strict=True)])


def predict_logits(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Computes the logits of images (n, H, W, C) in batches."""
    batches = (pixels[start : start + BATCH_SIZE].astype(np.float32) for start in range(0, len(pixels), BATCH_SIZE))
    return np.concatenate([np.asarray(model.predict_on_batch(batch)) for batch in batches])
