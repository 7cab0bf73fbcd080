"""Training of the pretrained weights with TensorFlow on a CPU, for a given time."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from bearcat.core.devices import choose_precision, set_precision
from bearcat.data.online_augmentation import augment_batch
from bearcat.networks.metrics import ExactMatch
from bearcat.networks.optimizers import make_optimizer
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT
from bearcat.training.callbacks import TimedCosineSchedule
from models import WEIGHT_DECAY
from pretraining import network
from pretraining.images import HELD_OUT
from pretraining.network import MAX_LENGTH, STEPS

BATCH_SIZE = 64
PEAK_RATE = 2e-3
EPOCH_STEPS = 1000  # between two validations


def train(
    images: np.ndarray, texts: list[str], backbone: str, seconds: float, folder: Path, start: Path | None = None
) -> None:
    """Trains and writes <folder>/<backbone>.keras.

    Args:
        images: Images uint8 (n, TEXT_HEIGHT, MIN_TEXT_WIDTH), of which the first HELD_OUT only validate.
        texts: Their texts.
        backbone: 'light' or 'tiny'.
        seconds: Duration of the training.
        folder: Where the weights go.
        start: A file of initial weights.
    """
    card = network.make_card(backbone)
    set_precision(choose_precision("auto", has_gpu=False, depthwise=False))
    model = network.initial_network(card, start)
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
    held_out = dict.fromkeys(model.output, targets[:HELD_OUT]) | {"margins": np.zeros((HELD_OUT, STEPS), np.float32)}
    learner.fit(
        training_batches(images[HELD_OUT:], targets[HELD_OUT:]),
        validation_data=(images[:HELD_OUT, ..., None], held_out),
        epochs=10**6,  # the schedule ends the training
        steps_per_epoch=EPOCH_STEPS,
        callbacks=[TimedCosineSchedule(seconds, PEAK_RATE)],
        verbose=2,
    )
    network.save(model, card, folder)


def training_batches(images: np.ndarray, targets: np.ndarray) -> tf.data.Dataset:
    """Endless batches of augmented images, reshuffled in every pass."""

    def indices():
        rng = np.random.default_rng(0)
        while True:
            yield from rng.permutation(len(images))[: len(images) // BATCH_SIZE * BATCH_SIZE].reshape(-1, BATCH_SIZE)

    def take(batch: np.ndarray):
        return images[np.sort(batch)], targets[np.sort(batch)]

    def prepare(batch: tf.Tensor):
        images, labels = tf.numpy_function(take, [batch], [tf.uint8, tf.int32])
        images, margins = add_margins(tf.reshape(images, [BATCH_SIZE, TEXT_HEIGHT, MIN_TEXT_WIDTH, 1]))
        labels = tf.reshape(labels, [BATCH_SIZE, MAX_LENGTH])
        return augment_batch(images), {"ctc": labels, "ordinary": labels, "margins": network.steps_in_margins(margins)}

    batches = tf.data.Dataset.from_generator(indices, output_signature=tf.TensorSpec([BATCH_SIZE], tf.int64))
    return batches.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(4)


def add_margins(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Shrinks half of the images (n, H, W, 1) and places them anywhere on a canvas that continues their edges.

    Returns:
        The images, and their left and right margins (n, 2) as fractions of the width.
    """
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    coefficients, margins = network.margin_transforms(
        lambda least: tf.random.uniform([count], least, 1.0), tf.where, (height, width)
    )
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.stack([*coefficients, tf.zeros([count]), tf.zeros([count])], axis=1),
        output_shape=[height, width],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return moved, tf.stack(margins, axis=1)
