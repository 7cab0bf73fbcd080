"""Train the base recogniser: one trunk with both heads, CTC's and ORDINARY's, for a given time."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

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
from bearcat.sight import HEIGHT, LEAST_WIDTH
from bearcat.vocabulary import Vocabulary
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


def train(pictures: np.ndarray, texts: list[str], backbone: str, seconds: float, folder: Path) -> None:
    """Train on all pictures but the last HELD_OUT, and write <folder>/<backbone>.keras."""
    keras.utils.set_random_seed(0)
    card = make_card(backbone)
    precision = choose_precision("auto", has_gpu=False, depthwise=False)
    set_precision(precision)
    model = build_base(card)
    targets = np.zeros((len(texts), LONGEST), np.int32)
    for row, text in zip(targets, texts, strict=True):
        row[: len(text)] = card.vocabulary.encode(text)
    model.compile(
        make_optimizer("AdamW", PEAK_RATE, WEIGHT_DECAY),
        loss={"ctc": SmoothedCTC(), "ordinary": SmoothedCrossentropy()},
        loss_weights={"ctc": 1.0, "ordinary": POSITIONS_WEIGHT},
        metrics={"ctc": ExactMatch("CTC"), "ordinary": ExactMatch("ORDINARY")},
        jit_compile=False,
    )
    model.summary()
    model.fit(
        training_batches(pictures[:-HELD_OUT], targets[:-HELD_OUT]),
        validation_data=(pictures[-HELD_OUT:, ..., None], dict.fromkeys(model.output, targets[-HELD_OUT:])),
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
        images = jitter(tf.reshape(images, [BATCH, HEIGHT, LEAST_WIDTH, 1]))
        labels = tf.reshape(labels, [BATCH, LONGEST])
        return images, {"ctc": labels, "ordinary": labels}

    rows = tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec([BATCH], tf.int64))
    return rows.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(4)
