"""How fast a training goes and when it ends: callbacks that set the learning rate and stop.

Where the end is known and pictures are many, their random changes fade towards it in a straight line: what a network
sees last is then what it will be asked to read. Few pictures are seen so often that unchanged they would be learnt by
heart.
"""

import time

import keras
import numpy as np
import tensorflow as tf

from bearcat.distribution import SOLO, Team
from bearcat.optimizers import value_of
from bearcat.preflight import check_loss
from bearcat.schedule import FACTOR, TIME_SPENT, PlateauRule, cosine_rate

MOMENTS = 10_000  # into which FollowTime divides its time
FADING_PICTURES = 500  # to train on; of fewer the changes do not fade (benchmarks/README.md)


def full_strength(number: tf.Tensor) -> float:
    """Return how strongly the pictures of any batch are changed where nothing fades."""
    return 1.0


class FollowPlateau(keras.callbacks.Callback):
    """Lowers the learning rate and stops as the rule says, unless a schedule does; refuses a loss of NaN or inf.

    `scale` is how many times LR the learning rate began with.
    """

    def __init__(self, rule: PlateauRule, lowers: bool, stops: bool = True, scale: float = 1.0):
        super().__init__()
        self.rule, self.lowers, self.stops, self.scale = rule, lowers, stops, scale

    def on_epoch_end(self, epoch, logs=None):
        rate = value_of(self.model.optimizer.learning_rate)
        check_loss([logs["loss"], logs["val_loss"]], rate / self.scale, f"in epoch {epoch + 1}")
        self.rule.observe(logs["val_loss"], logs["val_exact"])
        if self.stops and self.rule.stops:
            self.model.stop_training = True
        elif self.lowers and self.rule.lowers:
            self.model.optimizer.learning_rate = rate * FACTOR


class FollowCosine(keras.callbacks.Callback):
    """Sets each step's learning rate by the cosine schedule, of which `done` steps lie behind a resumed training.

    The optimizer's own count would not do: with another number of replicas an epoch has another number of steps.
    A step takes a batch for each of the `replicas` of this process.
    """

    def __init__(self, steps: int, peak: float, done: int = 0, replicas: int = 1):
        super().__init__()
        self.steps, self.peak, self._done = steps, peak, done
        self._batches_done, self._batches = done * replicas, steps * replicas

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = cosine_rate(self._done, self.steps, self.peak)
        self._done += 1

    def strength(self, number: tf.Tensor) -> tf.Tensor:
        """Return how strongly the pictures of a batch are changed, 1 … 0, by its number since the training went on."""
        done = tf.cast(self._batches_done + number, tf.float32) / max(1, self._batches)
        return tf.maximum(0.0, 1.0 - done)


class WarmUp(keras.callbacks.Callback):
    """Lets the learning rate rise in a straight line over the first steps, which a large one would lead astray."""

    def __init__(self, steps: int, peak: float):
        super().__init__()
        self.steps, self.peak = steps, peak

    def on_train_batch_begin(self, batch, logs=None):
        done = int(value_of(self.model.optimizer.iterations)) + 1
        if done <= self.steps:
            self.model.optimizer.learning_rate = self.peak * done / self.steps


class FollowTime(keras.callbacks.Callback):
    """Lets the learning rate follow the cosine schedule over a time in seconds, and stops when that has passed.

    `spent` are the seconds of it that an earlier run has used; an epoch's figures say how many are by then. Of several
    workers the chief's clock counts.
    """

    def __init__(self, seconds: float, peak: float, spent: float = 0.0, team: Team = SOLO):
        super().__init__()
        self.seconds, self.peak, self.spent, self.team = seconds, peak, spent, team
        self._done = spent / seconds

    def on_train_begin(self, logs=None):
        self._started = time.monotonic() - self.spent

    def on_train_batch_begin(self, batch, logs=None):
        self._done = min(1.0, self._elapsed() / self.seconds)
        self.model.optimizer.learning_rate = cosine_rate(round(self._done * MOMENTS), MOMENTS, self.peak)
        if self._done >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        logs[TIME_SPENT] = self._elapsed()

    def strength(self, number: tf.Tensor) -> tf.Tensor:
        """Return how strongly the pictures of a batch are changed now, 1 … 0, whatever its number."""
        strength = tf.numpy_function(lambda: np.float32(1 - self._done), [], tf.float32)
        return tf.ensure_shape(strength, [])

    def _elapsed(self) -> float:
        return self.team.from_chief(time.monotonic() - self._started)
