"""The network of the pretrained weights, with both heads, CTC's and ORDINARY's, on one trunk; and its losses."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.keras_files import to_float32
from bearcat.artifacts.weight_transfer import is_of_head, start_new_symbols, transfer_weights
from bearcat.core.files import atomic_write
from bearcat.data.images import InputSpec
from bearcat.data.vocabulary import BLANK_INDEX, Vocabulary
from bearcat.networks.losses import SmoothedCrossentropy, SmoothedCTC
from bearcat.networks.registry import MIN_TEXT_WIDTH, PIXELS_PER_STEP, TEXT_HEIGHT
from models import (
    CONTEXT_FILTERS,
    TINY_CONTEXT_FILTERS,
    attend_positions,
    encode_sequence,
    extract_text_features,
    make_head,
)
from pretraining.plans import LENGTHS
from pretraining.scripts import ALIASES, ALL_CHARACTERS, target_of

MAX_LENGTH = max(LENGTHS)  # characters
NEW_BIAS = -2.0  # added to the mean bias, so that the many new characters take little probability at first
MIN_WIDTH_FRACTION, MIN_HEIGHT_FRACTION = 0.5, 0.7  # of the canvas, that an image with margins keeps
STEPS = MIN_TEXT_WIDTH // PIXELS_PER_STEP  # time steps of CTC
SLACK = 5  # time steps by which augmentation may move the edge of an image
FILTERS = {"light": CONTEXT_FILTERS, "tiny": TINY_CONTEXT_FILTERS}


def make_card(backbone: str, characters: str = ALL_CHARACTERS) -> Card:
    """Creates the card of the pretrained weights of a backbone; by default of those that are trained."""
    characters = Vocabulary.of_symbols(characters).characters
    return Card("base", "CTC", backbone, characters, InputSpec(TEXT_HEIGHT, MIN_TEXT_WIDTH, 1), MAX_LENGTH)


def build_network(card: Card) -> keras.Model:
    """Builds a network with outputs "ctc" and "ordinary", which share the layer of the logits."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    columns = encode_sequence(extract_text_features(pixels, card), FILTERS[card.backbone])
    head = make_head(card)
    outputs = {"ctc": head(columns), "ordinary": head(attend_positions(columns, card.captcha_length))}
    return keras.Model(pixels, outputs, name="base")


def initial_network(card: Card, start: Path | None) -> keras.Model:
    """Builds the network to train, with the weights of a file if one is given.

    Characters that the file does not know start near the mean of those that it knows, with a lower bias.
    """
    keras.utils.set_random_seed(0)
    model = build_network(card)
    if start:
        transfer_weights(model, card.vocabulary, start)
        start_new_symbols(model, card.vocabulary, start, NEW_BIAS)
    return model


def move_towards(model: keras.Model, vocabulary: Vocabulary, start: Path, fraction: float) -> None:
    """Moves trained weights a fraction of the way back towards those that the training started from.

    In between they have forgotten less, and keep most of what they have learnt (WiSE-FT, Wortsman et al. 2022). What
    the file does not know stays as it is: new characters and further positions.
    """
    trained = model.get_weights()
    transfer_weights(model, vocabulary, start)
    model.set_weights(
        [fraction * old + (1 - fraction) * new for old, new in zip(model.get_weights(), trained, strict=True)]
    )


def losses() -> dict[str, tuple[keras.losses.Loss, float]]:
    """Output → loss and its weight; "margins" is the CTC output again.

    The loss of ORDINARY is a mean over positions, that of CTC a sum over characters.
    """
    return {
        "ctc": (SmoothedCTC(), 1.0),
        "ordinary": (SmoothedCrossentropy(), 4.0),
        "margins": (BlankInMargins(), 1.0),
    }


def encode(texts: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """Encodes texts as targets (n, MAX_LENGTH), padded with blanks."""
    targets = np.zeros((len(texts), MAX_LENGTH), np.int32)
    for target, text in zip(targets, texts, strict=True):
        target[: len(text)] = vocabulary.encode(text)
    return targets


def save(model: keras.Model, card: Card, folder: Path) -> None:
    """Writes <folder>/<backbone>.keras in float32, in which characters that look the same have rows of their own."""
    published = make_card(card.backbone, "".join(ALIASES) + "".join(card.characters))
    copy = to_float32(build_network(published))
    of = card.vocabulary.index_of
    rows = [BLANK_INDEX, *(of[target_of(character)] for character in published.characters)]
    for variable, source in zip(copy.weights, model.weights, strict=True):
        values = np.array(source)
        variable.assign(values[..., rows] if is_of_head(variable.path) else values)
    with atomic_write(folder / f"{card.backbone}.keras") as part:
        copy.save(part)
        write_card(part, published)


def margin_transforms(uniform, where, shape: tuple[int, int]) -> tuple[list, tuple]:
    """Random affine transforms that shrink half of the images and place them anywhere on a canvas of the same size.

    Args:
        uniform: Called with a lower limit; returns numbers up to 1, one per image.
        where: The `where` of the same array library.
        shape: Height and width of the images.

    Returns:
        The six coefficients of the transforms, from output to input pixels; and the left and right margin of each
        image as fractions of the width.
    """
    height, width = shape
    stays = uniform(0.0) < 0.5

    def place(least: float) -> tuple:
        fraction = where(stays, 1.0, uniform(least))
        return fraction, uniform(0.0) * (1 - fraction)

    (across, left), (down, top) = place(MIN_WIDTH_FRACTION), place(MIN_HEIGHT_FRACTION)
    zero = 0 * across
    coefficients = [1 / across, zero, -left * width / across, zero, 1 / down, -top * height / down]
    return coefficients, (left, 1 - across - left)


def steps_in_margins(margins):
    """Which time steps lie in a margin however the image is augmented.

    Args:
        margins: Left and right margins (n, 2), as fractions of the width.

    Returns:
        1 or 0 per time step (n, STEPS).
    """
    steps = ops.arange(STEPS, dtype="float32")
    left, right = (STEPS * margins[:, side, None] - SLACK for side in (0, 1))
    return ops.cast((steps < left) | (steps >= STEPS - right), "float32")


class BlankInMargins(keras.losses.Loss):
    """Negative log probability of the blank, summed over the time steps in a margin.

    By itself CTC emits the first character at the first time step, which every image has, before the network has seen
    it. If the text does not start there that is a guess, and neither images with margins nor fine-tuning correct it:
    at the character's own steps the blank is right as long as the character was emitted before, and at the first step
    the character is right as long as its own steps are blank.
    """

    def call(self, in_margins, logits):
        """Returns the sums (n,) for time steps in margins (n, STEPS) and logits (n, STEPS, classes)."""
        return -ops.sum(in_margins * ops.log_softmax(logits, axis=-1)[..., BLANK_INDEX], axis=-1)
