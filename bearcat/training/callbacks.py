"""Keras callbacks: metrics, learning rate, early stopping, checkpoints, progress and a soft interrupt."""

import csv
import signal
import time
from itertools import chain
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from bearcat.artifacts.card import Card
from bearcat.artifacts.checkpoints import prune_checkpoints, save_checkpoint
from bearcat.core.files import atomic_write
from bearcat.core.progress import write_line
from bearcat.networks.optimizers import scalar_value, steps_averaged, swap_average
from bearcat.training.distribution import SINGLE_REPLICA, Replicas
from bearcat.training.sanity_check import check_loss
from bearcat.training.schedules import PLATEAU_FACTOR, TIME_SPENT, PlateauRule, cosine_rate

TIME_STEPS = 10_000  # into which TimedCosineSchedule divides its time
FADE_FROM_IMAGES = 500  # with fewer training images augmentation keeps its strength (docs/benchmarks.md)


class EpochMetrics(keras.callbacks.Callback):
    """Adds learning rate, seconds and images to an epoch's logs. It comes first, so that all others see them.

    Args:
        batch_size: Images per step of all replicas.
        validated: Number of validation images.
    """

    def __init__(self, batch_size: int, validated: int):
        super().__init__()
        self.batch_size, self.validated = batch_size, validated

    def on_epoch_begin(self, epoch, logs=None):
        self._started, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch, logs=None):
        self._steps += 1
        self._last_step = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = scalar_value(self.model.optimizer.learning_rate)
        logs["seconds"] = time.monotonic() - self._started  # including the validation
        logs["images"] = self._steps * self.batch_size
        logs["validated"] = self.validated
        logs["images_per_second"] = logs["images"] / (self._last_step - self._started)


class SyncBatchNorm(keras.callbacks.Callback):
    """Averages the moving statistics of batch normalisation over all replicas before each validation."""

    def __init__(self, replicas: Replicas):
        super().__init__()
        self.replicas = replicas

    def on_train_begin(self, logs=None):
        self._sync = self.replicas.sync_batch_norm(self.model)

    def on_test_begin(self, logs=None):
        self._sync()


class ValidateAverage(keras.callbacks.Callback):
    """Validates the moving average of the weights too; if its loss is lower, its metrics become the epoch's.

    Args:
        batches: The validation batches.
        steps: The number of batches; None: until the data set ends.
    """

    def __init__(self, batches, steps: int | None = None):
        super().__init__()
        self.batches, self.steps = batches, steps

    def on_epoch_end(self, epoch, logs=None):
        logs["averaged"] = 0.0
        if not steps_averaged(self.model):
            return
        swap_average(self.model)
        metrics = self.model.evaluate(self.batches, steps=self.steps, verbose=0, return_dict=True)
        swap_average(self.model)
        logs["averaged"] = float(metrics["loss"] < logs["val_loss"])
        if logs["averaged"]:
            logs |= {f"val_{name}": value for name, value in metrics.items()}


class PlateauSchedule(keras.callbacks.Callback):
    """Reduces the learning rate and stops by a PlateauRule. Raises DataError if a loss is NaN or infinite.

    Args:
        rule: The rule, which is given the metrics of each epoch.
        reduces_rate: False if another schedule sets the learning rate.
        stops: False if something else ends the training.
        scale: The initial learning rate, as a multiple of LR.
    """

    def __init__(self, rule: PlateauRule, reduces_rate: bool, stops: bool = True, scale: float = 1.0):
        super().__init__()
        self.rule, self.reduces_rate, self.stops, self.scale = rule, reduces_rate, stops, scale

    def on_epoch_end(self, epoch, logs=None):
        rate = scalar_value(self.model.optimizer.learning_rate)
        check_loss([logs["loss"], logs["val_loss"]], rate / self.scale, f"in epoch {epoch + 1}")
        self.rule.observe(logs["val_loss"], logs["val_exact"])
        if self.stops and self.rule.stops:
            self.model.stop_training = True
        elif self.reduces_rate and self.rule.reduces_rate:
            self.model.optimizer.learning_rate = rate * PLATEAU_FACTOR


class LinearWarmUp(keras.callbacks.Callback):
    """Raises the learning rate linearly to `peak` over the first `steps`, during which a large one diverges."""

    def __init__(self, steps: int, peak: float):
        super().__init__()
        self.steps, self.peak = steps, peak

    def on_train_batch_begin(self, batch, logs=None):
        done = int(scalar_value(self.model.optimizer.iterations)) + 1
        if done <= self.steps:
            self.model.optimizer.learning_rate = self.peak * done / self.steps


def constant_strength(number: tf.Tensor) -> float:
    """Augmentation strength of every batch if it does not fade."""
    return 1.0


class CosineSchedule(keras.callbacks.Callback):
    """Sets the learning rate of each step by `cosine_rate` over a known number of steps.

    It counts steps itself: after resuming with another number of replicas an epoch has another number of steps, so
    that the optimizer's own count no longer fits.

    Args:
        steps: Steps of the whole training.
        peak: The highest learning rate.
        done: Steps done before a resume.
        replicas: Replicas of this process, each of which takes a batch per step.
    """

    def __init__(self, steps: int, peak: float, done: int = 0, replicas: int = 1):
        super().__init__()
        self.steps, self.peak, self._done = steps, peak, done
        self._batches_done, self._batches = done * replicas, steps * replicas

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = cosine_rate(self._done, self.steps, self.peak)
        self._done += 1

    def strength(self, number: tf.Tensor) -> tf.Tensor:
        """Augmentation strength of a batch, fading from 1 to 0, by its number since the start or resume."""
        done = tf.cast(self._batches_done + number, tf.float32) / max(1, self._batches)
        return tf.maximum(0.0, 1.0 - done)


class TimedCosineSchedule(keras.callbacks.Callback):
    """Sets the learning rate by `cosine_rate` over a time in seconds, and stops when it is up.

    Args:
        seconds: The time of the whole training.
        peak: The highest learning rate.
        spent: Seconds used before a resume; each epoch's logs say how many are used by then.
        replicas: Of several workers the chief's clock counts.
    """

    def __init__(self, seconds: float, peak: float, spent: float = 0.0, replicas: Replicas = SINGLE_REPLICA):
        super().__init__()
        self.seconds, self.peak, self.spent, self.replicas = seconds, peak, spent, replicas
        self._done = spent / seconds

    def on_train_begin(self, logs=None):
        self._started = time.monotonic() - self.spent

    def on_train_batch_begin(self, batch, logs=None):
        self._done = min(1.0, self._elapsed() / self.seconds)
        self.model.optimizer.learning_rate = cosine_rate(round(self._done * TIME_STEPS), TIME_STEPS, self.peak)
        if self._done >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        logs[TIME_SPENT] = self._elapsed()

    def strength(self, number: tf.Tensor) -> tf.Tensor:
        """Augmentation strength now, fading from 1 to 0; the number of the batch does not matter."""
        strength = tf.numpy_function(lambda: np.float32(1 - self._done), [], tf.float32)
        return tf.ensure_shape(strength, [])

    def _elapsed(self) -> float:
        return self.replicas.broadcast_from_chief(time.monotonic() - self._started)


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves weights, optimizer state, card and history after each epoch, atomically.

    Args:
        folder: The checkpoint folder.
        card: What the checkpoint says of the network.
        history: The rows of the epochs so far; each epoch appends its own.
        config: The training configuration as `resume` compares it.
        kept: The number of newest checkpoints to keep besides the best; 0 keeps all.
        writes: False on workers other than the chief.
    """

    def __init__(self, folder: Path, card: Card, history: list[dict], config: dict, kept: int = 0, writes: bool = True):
        super().__init__()
        self.folder, self.card, self.history, self.config, self.kept = folder, card, history, config, kept
        self.writes = writes

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in logs.items()}
        self.history.append(row)
        if not self.writes:
            return
        save_checkpoint(self.model, self.folder, self.card, self.history, self.config)
        prune_checkpoints(self.folder, self.kept)


class WriteCsv(keras.callbacks.Callback):
    """Writes the history as CSV: the rows that the checkpoints have, also after a kill and a resume."""

    def __init__(self, path: Path, history: list[dict]):
        super().__init__()
        self.path, self.history = path, history

    def on_epoch_end(self, epoch, logs=None):
        write_history(self.path, self.history)


def write_history(path: Path, history: list[dict]) -> None:
    """Writes one CSV row per epoch."""
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        # a round with images without labels has figures that earlier epochs may lack
        writer = csv.DictWriter(file, dict.fromkeys(chain.from_iterable(history)))
        writer.writeheader()
        writer.writerows(history)


class StopOnInterrupt(keras.callbacks.Callback):
    """Ends the epoch after the current step on Ctrl-C, so that it is validated and saved; a second one stops at once.

    A context manager: the signal is handled while it is entered. An interrupt of one worker stops all workers.
    """

    def __init__(self, replicas: Replicas = SINGLE_REPLICA):
        super().__init__()
        self.replicas, self.interrupted = replicas, False

    def __enter__(self):
        self._previous_handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *error):
        signal.signal(signal.SIGINT, self._previous_handler)

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training |= self.replicas.any_of(self.interrupted)

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training |= self.replicas.any_of(self.interrupted)

    def _interrupt(self, number, frame):
        self.interrupted = True
        signal.signal(signal.SIGINT, self._previous_handler)
        write_line("\nStopping after this step: validating and saving. Ctrl-C again stops at once, without saving.")


class ProgressBar(keras.callbacks.Callback):
    """Shows a bar of an epoch's steps on a terminal, and prints one line per epoch.

    Args:
        total: Printed after the number of the epoch, such as "/20".
        steps: Steps per epoch.
    """

    def __init__(self, total: str, steps: int):
        super().__init__()
        self.total, self.steps = total, steps

    def on_epoch_begin(self, epoch, logs=None):
        title = f"epoch {epoch + 1}{self.total}"
        self._bar = tqdm(total=self.steps, desc=title, unit=" steps", disable=None, leave=False, dynamic_ncols=True)

    def on_train_batch_end(self, batch, logs=None):
        self._bar.set_postfix_str(f"loss {logs['loss']:.4f}, exact {logs['exact']:.2%}", refresh=False)
        self._bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()
        write_line(
            f"epoch {epoch + 1}{self.total}: loss {logs['loss']:.4f}, exact {logs['exact']:.2%}; "
            f"validation loss {logs['val_loss']:.4f}, exact {logs['val_exact']:.2%}; "
            f"learning rate {logs['learning_rate']:.1e}, {logs['seconds']:.0f} s"
        )
