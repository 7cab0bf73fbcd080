"""Train the base recogniser: one trunk with both heads, CTC's and ORDINARY's, for a given time."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from base.texts import CHARACTERS
from bearcat.artifact import Card, write_card
from bearcat.augment import jitter
from bearcat.devices import choose_precision, set_precision
from bearcat.files import written_beside
from bearcat.layers import in_float32
from bearcat.losses import SmoothedCrossentropy, SmoothedCTC
from bearcat.metrics import ExactMatch
from bearcat.optimizers import make_optimizer
from bearcat.pacing import FollowTime
from bearcat.sight import HEIGHT, LEAST_WIDTH, PIXELS_A_STEP
from bearcat.transfer import take_over
from bearcat.vocabulary import BLANK_INDEX, Vocabulary
from models import (
    CONTEXT_FILTERS,
    TINY_CONTEXT_FILTERS,
    WEIGHT_DECAY,
    find_positions,
    look_at_text,
    make_head,
    read_columns,
)

LONGEST = 8  # characters
HELD_OUT = 2000  # pictures that only validate
BATCH = 64
PEAK_RATE = 2e-3
EPOCH_STEPS = 1000  # between two validations
LEAST_WIDTH_SHARE, LEAST_HEIGHT_SHARE = 0.5, 0.7  # of the canvas, that a picture keeps where it is set into one
COLUMNS = LEAST_WIDTH // PIXELS_A_STEP
SLACK = 5  # columns by which jitter may move a picture's edge
POSITIONS_WEIGHT = 4.0  # of ORDINARY's loss, a mean over positions, beside CTC's, a sum over characters
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


def train(
    pictures: np.ndarray, texts: list[str], backbone: str, seconds: float, folder: Path, start: Path | None = None
) -> None:
    """Train on all pictures but the last HELD_OUT, and write <folder>/<backbone>.keras; go on from `start` if given."""
    keras.utils.set_random_seed(0)
    card = make_card(backbone)
    precision = choose_precision("auto", has_gpu=False, depthwise=False)
    set_precision(precision)
    model = build_base(card)
    if start:
        take_over(model, card.vocabulary, start)
    targets = np.zeros((len(texts), LONGEST), np.int32)
    for row, text in zip(targets, texts, strict=True):
        row[: len(text)] = card.vocabulary.encode(text)
    learner = keras.Model(model.input, model.output | {"margins": model.output["ctc"]})
    learner.compile(
        make_optimizer("AdamW", PEAK_RATE, WEIGHT_DECAY),
        loss={"ctc": SmoothedCTC(), "ordinary": SmoothedCrossentropy(), "margins": BlankInMargins()},
        loss_weights={"ctc": 1.0, "ordinary": POSITIONS_WEIGHT, "margins": 1.0},
        metrics={"ctc": ExactMatch("CTC"), "ordinary": ExactMatch("ORDINARY")},
        jit_compile=False,
    )
    model.summary()
    held_out = dict.fromkeys(model.output, targets[-HELD_OUT:]) | {"margins": np.zeros((HELD_OUT, COLUMNS), np.float32)}
    learner.fit(
        training_batches(pictures[:-HELD_OUT], targets[:-HELD_OUT]),
        validation_data=(pictures[-HELD_OUT:, ..., None], held_out),
        epochs=10**6,  # the time ends it
        steps_per_epoch=EPOCH_STEPS,
        callbacks=[FollowTime(seconds, PEAK_RATE)],
        verbose=2,
    )
    with written_beside(folder / f"{backbone}.keras") as part:
        in_float32(model).save(part)
        write_card(part, {"card": vars(card)})


def training_batches(pictures: np.ndarray, targets: np.ndarray) -> tf.data.Dataset:
    """Return endless batches of changed pictures, in a new order each time round."""

    def numbers():
        source = np.random.default_rng(0)
        while True:
            yield from source.permutation(len(pictures))[: len(pictures) // BATCH * BATCH].reshape(-1, BATCH)

    def take(rows: np.ndarray):
        return pictures[np.sort(rows)], targets[np.sort(rows)]

    def prepare(rows: tf.Tensor):
        images, labels = tf.numpy_function(take, [rows], [tf.uint8, tf.int32])
        images, margins = set_apart(tf.reshape(images, [BATCH, HEIGHT, LEAST_WIDTH, 1]))
        labels = tf.reshape(labels, [BATCH, LONGEST])
        return jitter(images), {"ctc": labels, "ordinary": labels, "margins": columns_within(margins)}

    rows = tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec([BATCH], tf.int64))
    return rows.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(4)


def set_apart(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Make half of the pictures (N, H, W, 1) smaller and put them anywhere on a canvas of their border's colours.

    Returns them with the shares (N, 2) of the width to the left and to the right that are nothing but canvas.
    """
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    whole = tf.random.uniform([count]) < 0.5

    def line(least: float) -> tuple[tf.Tensor, tf.Tensor]:
        share = tf.where(whole, 1.0, tf.random.uniform([count], least, 1.0))
        return share, tf.random.uniform([count]) * (1 - share)

    (across, left), (down, top) = line(LEAST_WIDTH_SHARE), line(LEAST_HEIGHT_SHARE)
    nothing = tf.zeros([count])
    maps = [1 / across, nothing, -left * width / across, nothing, 1 / down, -top * height / down, nothing, nothing]
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.stack(maps, axis=1),
        output_shape=[height, width],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return moved, tf.stack([left, 1 - across - left], axis=1)


def columns_within(margins: tf.Tensor) -> tf.Tensor:
    """Return which of the columns (N, COLUMNS), 1 or 0, lie in margins (N, 2) whatever jitter does to the picture."""
    columns = tf.range(COLUMNS, dtype=tf.float32)
    left, right = (COLUMNS * margins[:, side, None] - SLACK for side in (0, 1))
    return tf.cast((columns < left) | (columns >= COLUMNS - right), tf.float32)


class BlankInMargins(keras.losses.Loss):
    """Minus the log probability of the blank, summed over the columns that hold no text.

    Left to itself CTC says the first character at the first time step, which every picture has, before it has seen
    it; where text does not begin there, that is a guess, and neither pictures with margins nor tuning mend it: the
    character's own columns are blank as long as it was said before, and the first one's as long as they are blank.
    """

    def call(self, within, logits):
        """Return the sums (N,) of columns within margins (N, COLUMNS) and logits (N, COLUMNS, rows)."""
        return -ops.sum(within * ops.log_softmax(logits, axis=-1)[..., BLANK_INDEX], axis=-1)
