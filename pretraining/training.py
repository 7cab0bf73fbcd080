"""Train the base recogniser with TensorFlow, on the processor's cores, for a given time."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from bearcat.core.devices import choose_precision, set_precision
from bearcat.data.online_augmentation import jitter
from bearcat.networks.metrics import ExactMatch
from bearcat.networks.optimizers import make_optimizer
from bearcat.networks.registry import HEIGHT, LEAST_WIDTH
from bearcat.training.callbacks import FollowTime
from models import WEIGHT_DECAY
from pretraining import network
from pretraining.images import HELD_OUT
from pretraining.network import COLUMNS, LONGEST

BATCH = 64
PEAK_RATE = 2e-3
EPOCH_STEPS = 1000  # between two validations


def train(
    images: np.ndarray, texts: list[str], backbone: str, seconds: float, folder: Path, start: Path | None = None
) -> None:
    """Train on all images but the first HELD_OUT, and write <folder>/<backbone>.keras; go on from `start` if given.

    Images are uint8 (N, HEIGHT, LEAST_WIDTH).
    """
    card = network.make_card(backbone)
    set_precision(choose_precision("auto", has_gpu=False, depthwise=False))
    model = network.begin(card, start)
    targets = network.encode(texts, card.vocabulary)
    learner = keras.Model(model.input, model.output | {"margins": model.output["ctc"]})
    learner.compile(
        make_optimizer("AdamW", PEAK_RATE, WEIGHT_DECAY),
        loss={name: loss for name, (loss, _) in network.losses().items()},
        loss_weights={name: weight for name, (_, weight) in network.losses().items()},
        metrics={"ctc": ExactMatch("CTC"), "ordinary": ExactMatch("ORDINARY")},
        jit_compile=False,
    )
    model.summary()
    held_out = dict.fromkeys(model.output, targets[:HELD_OUT]) | {"margins": np.zeros((HELD_OUT, COLUMNS), np.float32)}
    learner.fit(
        training_batches(images[HELD_OUT:], targets[HELD_OUT:]),
        validation_data=(images[:HELD_OUT, ..., None], held_out),
        epochs=10**6,  # the time ends it
        steps_per_epoch=EPOCH_STEPS,
        callbacks=[FollowTime(seconds, PEAK_RATE)],
        verbose=2,
    )
    network.save(model, card, folder)


def training_batches(images: np.ndarray, targets: np.ndarray) -> tf.data.Dataset:
    """Return endless batches of changed images, in a new order each time round."""

    def numbers():
        source = np.random.default_rng(0)
        while True:
            yield from source.permutation(len(images))[: len(images) // BATCH * BATCH].reshape(-1, BATCH)

    def take(rows: np.ndarray):
        return images[np.sort(rows)], targets[np.sort(rows)]

    def prepare(rows: tf.Tensor):
        images, labels = tf.numpy_function(take, [rows], [tf.uint8, tf.int32])
        images, margins = set_apart(tf.reshape(images, [BATCH, HEIGHT, LEAST_WIDTH, 1]))
        labels = tf.reshape(labels, [BATCH, LONGEST])
        return jitter(images), {"ctc": labels, "ordinary": labels, "margins": network.columns_within(margins)}

    rows = tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec([BATCH], tf.int64))
    return rows.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(4)


def set_apart(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Make half of the images (N, H, W, 1) smaller and put them anywhere on a canvas of their border's colours.

    Returns them with the shares (N, 2) of the width to the left and to the right that are nothing but canvas.
    """
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    rows, margins = network.rows_apart(lambda least: tf.random.uniform([count], least, 1.0), tf.where, (height, width))
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.stack([*rows, tf.zeros([count]), tf.zeros([count])], axis=1),
        output_shape=[height, width],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return moved, tf.stack(margins, axis=1)
