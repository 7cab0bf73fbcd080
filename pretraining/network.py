"""The base recogniser's network: one trunk with both heads, CTC's and ORDINARY's, and what it learns by."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.keras_files import in_float32
from bearcat.artifacts.weight_transfer import take_over
from bearcat.core.files import written_beside
from bearcat.data.vocabulary import BLANK_INDEX, Vocabulary
from bearcat.networks.losses import SmoothedCrossentropy, SmoothedCTC
from bearcat.networks.registry import HEIGHT, LEAST_WIDTH, PIXELS_A_STEP
from models import (
    CONTEXT_FILTERS,
    TINY_CONTEXT_FILTERS,
    find_positions,
    look_at_text,
    make_head,
    read_columns,
)
from pretraining.texts import CHARACTERS

LONGEST = 8  # characters
LEAST_WIDTH_SHARE, LEAST_HEIGHT_SHARE = 0.5, 0.7  # of the canvas, that an image keeps where it is set into one
COLUMNS = LEAST_WIDTH // PIXELS_A_STEP
SLACK = 5  # columns by which jitter may move an image's edge
FILTERS = {"light": CONTEXT_FILTERS, "tiny": TINY_CONTEXT_FILTERS}


def make_card(backbone: str) -> Card:
    """Return what the base says of itself."""
    characters = Vocabulary.of_symbols(CHARACTERS).characters
    return Card("base", "CTC", backbone, characters, HEIGHT, LEAST_WIDTH, 1, LONGEST)


def build_base(card: Card) -> keras.Model:
    """Return a network with outputs "ctc" and "ordinary", whose classes are told by one and the same layer."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    columns = read_columns(look_at_text(pixels, card.backbone), FILTERS[card.backbone])
    head = make_head(card)
    outputs = {"ctc": head(columns), "ordinary": head(find_positions(columns, card.captcha_length))}
    return keras.Model(pixels, outputs, name="base")


def begin(card: Card, start: Path | None) -> keras.Model:
    """Return the network to train: with what a file has learnt, if one is given."""
    keras.utils.set_random_seed(0)
    model = build_base(card)
    if start:
        take_over(model, card.vocabulary, start)
    return model


def losses() -> dict[str, tuple[keras.losses.Loss, float]]:
    """Return output → its loss and the weight of that; "margins" is CTC's output again.

    ORDINARY's loss is a mean over positions, CTC's a sum over characters.
    """
    return {
        "ctc": (SmoothedCTC(), 1.0),
        "ordinary": (SmoothedCrossentropy(), 4.0),
        "margins": (BlankInMargins(), 1.0),
    }


def encode(texts: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """Return the rows of texts as targets (N, LONGEST), padded with blanks."""
    targets = np.zeros((len(texts), LONGEST), np.int32)
    for row, text in zip(targets, texts, strict=True):
        row[: len(text)] = vocabulary.encode(text)
    return targets


def save(model: keras.Model, card: Card, folder: Path) -> None:
    """Write <folder>/<backbone>.keras, in float32 whatever the training was in."""
    with written_beside(folder / f"{card.backbone}.keras") as part:
        in_float32(model).save(part)
        write_card(part, {"card": vars(card)})


def rows_apart(uniform, where, shape: tuple[int, int]) -> tuple[list, tuple]:
    """Return the six numbers of maps that make half of the images smaller, anywhere on a canvas of their size.

    `uniform(least)` draws from least … 1, one for each image, in arrays of a library whose `where` the other is.
    The maps lead from output to input pixels; with them comes which shares of the width, to the left and to the
    right, are nothing but canvas.
    """
    height, width = shape
    whole = uniform(0.0) < 0.5

    def line(least: float) -> tuple:
        share = where(whole, 1.0, uniform(least))
        return share, uniform(0.0) * (1 - share)

    (across, left), (down, top) = line(LEAST_WIDTH_SHARE), line(LEAST_HEIGHT_SHARE)
    nothing = 0 * across
    rows = [1 / across, nothing, -left * width / across, nothing, 1 / down, -top * height / down]
    return rows, (left, 1 - across - left)


def columns_within(margins):
    """Return which of the columns (N, COLUMNS), 1 or 0, lie in margins (N, 2) whatever jitter does to the image."""
    columns = ops.arange(COLUMNS, dtype="float32")
    left, right = (COLUMNS * margins[:, side, None] - SLACK for side in (0, 1))
    return ops.cast((columns < left) | (columns >= COLUMNS - right), "float32")


class BlankInMargins(keras.losses.Loss):
    """Minus the log probability of the blank, summed over the columns that hold no text.

    Left to itself CTC says the first character at the first time step, which every image has, before it has seen
    it; where text does not begin there, that is a guess, and neither images with margins nor tuning mend it: the
    character's own columns are blank as long as it was said before, and the first one's as long as they are blank.
    """

    def call(self, within, logits):
        """Return the sums (N,) of columns within margins (N, COLUMNS) and logits (N, COLUMNS, rows)."""
        return -ops.sum(within * ops.log_softmax(logits, axis=-1)[..., BLANK_INDEX], axis=-1)
