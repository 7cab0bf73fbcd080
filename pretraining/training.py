"""Training of the pretrained weights with TensorFlow on a CPU, for a given time."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from bearcat.artifacts.weight_transfer import is_of_head
from bearcat.core.devices import choose_precision, set_precision
from bearcat.data.online_augmentation import augment_batch
from bearcat.networks.optimizers import make_optimizer, scalar_value
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT
from bearcat.training.callbacks import TimedCosineSchedule
from models import WEIGHT_DECAY
from pretraining import network
from pretraining.images import HELD_OUT
from pretraining.network import MAX_LENGTH
from pretraining.progress import SAVE_SECONDS, Checkpoint, describe_exact, exact_by_kind

BATCH_SIZE = 64
PEAK_RATE = 2e-3
GO_ON_RATE = 6e-4  # from weights that are trained already, of which a higher one destroys more
FRACTION_BACK = 0.3  # of the way to the weights that a training goes on from, when it has ended
HEAD_STEPS, HEAD_RATE = 1200, 2e-3  # of the head alone, to fit the weights between
EPOCH_STEPS = 1000  # between two validations
EVALUATION_BATCH = 200


def train(
    images: np.ndarray,
    texts: list[str],
    backbone: str,
    seconds: float,
    folder: Path,
    checkpoint: Checkpoint,
    start: Path | None = None,
) -> None:
    """Trains and writes <folder>/<backbone>.keras.

    Args:
        images: Images uint8 (n, TEXT_HEIGHT, MIN_TEXT_WIDTH), of which the first HELD_OUT only validate.
        texts: Their texts.
        backbone: 'light' or 'tiny'.
        seconds: Duration of the training, with what the checkpoint has spent of it.
        folder: Where the weights go.
        checkpoint: Written every SAVE_SECONDS; if it exists, the training goes on from it.
        start: A file of initial weights.
    """
    card = network.make_card(backbone)
    set_precision(choose_precision("auto", has_gpu=False, depthwise=False))
    model = network.initial_network(card, start)
    targets = network.encode(texts, card.vocabulary)
    peak = GO_ON_RATE if start else PEAK_RATE
    optimizer = make_optimizer("AdamW", peak, WEIGHT_DECAY)
    learner = make_learner(model, optimizer)
    spent = checkpoint.load(learner.weights + optimizer.variables)
    model.summary()
    progress = Progress(checkpoint, spent, images[:HELD_OUT, ..., None], targets[:HELD_OUT])
    batches = training_batches(images[HELD_OUT:], targets[HELD_OUT:], seed=int(scalar_value(optimizer.iterations)))
    learner.fit(
        batches,
        epochs=10**6,  # the schedule ends the training
        steps_per_epoch=EPOCH_STEPS,
        callbacks=[progress, TimedCosineSchedule(seconds, peak, spent)],
        verbose=2,
    )
    if start:
        network.move_towards(model, card.vocabulary, start, FRACTION_BACK)
        fit_head(model, batches)
        progress.print_exact()
    network.save(model, card, folder)
    checkpoint.delete()


def make_learner(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """A model of the same weights with the three losses, compiled."""
    learner, losses = keras.Model(model.input, model.output | {"margins": model.output["ctc"]}), network.losses()
    optimizer.build(learner.trainable_variables)
    learner.compile(
        optimizer,
        loss={name: loss for name, (loss, _) in losses.items()},
        loss_weights={name: weight for name, (_, weight) in losses.items()},
        jit_compile=False,
    )
    return learner


def fit_head(model: keras.Model, batches: tf.data.Dataset) -> None:
    """Trains the output layer alone; the averages of batch normalization stay too."""
    for layer in model.layers:
        layer.trainable = is_of_head(f"{layer.name}/")
    schedule = keras.optimizers.schedules.CosineDecay(HEAD_RATE, HEAD_STEPS)
    make_learner(model, keras.optimizers.Adam(schedule)).fit(batches, steps_per_epoch=HEAD_STEPS, verbose=2)


class Progress(keras.callbacks.Callback):
    """Writes checkpoints, and prints the exact match on held-out images at the start and after each epoch."""

    def __init__(self, checkpoint: Checkpoint, spent: float, images: np.ndarray, targets: np.ndarray):
        super().__init__()
        self.checkpoint, self.spent, self.images, self.targets = checkpoint, spent, images, targets

    def on_train_begin(self, logs=None):
        self.print_exact()
        self._started = self._saved = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self._save()
        self.print_exact()

    def _save(self) -> None:
        self._saved = time.monotonic()
        spent = self.spent + self._saved - self._started
        self.checkpoint.save(self.model.weights + self.model.optimizer.variables, spent)

    def print_exact(self) -> None:
        """Prints the exact match by kind."""
        outputs = self.model.predict(self.images, batch_size=EVALUATION_BATCH, verbose=0)
        print(describe_exact(exact_by_kind(outputs, self.targets)), flush=True)


def training_batches(images: np.ndarray, targets: np.ndarray, seed: int = 0) -> tf.data.Dataset:
    """Endless batches of augmented images, reshuffled in every pass."""

    def indices():
        rng = np.random.default_rng(seed)
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
