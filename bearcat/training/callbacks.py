"""What happens around the epochs: the bar, the plateau rule, checkpoints that are whole or not there, a soft stop."""

import csv
import signal
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.checkpoints import checkpoint_name, thin_checkpoints
from bearcat.core.files import written_beside
from bearcat.networks.optimizers import steps_averaged, swap_average, value_of
from bearcat.training.distribution import SOLO, Team
from bearcat.training.sanity_check import check_loss
from bearcat.training.schedules import FACTOR, TIME_SPENT, PlateauRule, cosine_rate


def row_of(epoch: int, logs: dict) -> dict[str, float]:
    """Return an epoch's figures as plain numbers; epochs count from 1."""
    return {"epoch": epoch} | {name: float(value) for name, value in logs.items()}


class Timekeeper(keras.callbacks.Callback):
    """First in the row: adds learning rate, seconds and images to an epoch's figures, which all others then see.

    `validated` is how many images validate.
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
        logs["learning_rate"] = value_of(self.model.optimizer.learning_rate)
        logs["seconds"] = time.monotonic() - self._started  # validation included
        logs["images"] = self._steps * self.batch_size
        logs["validated"] = self.validated
        logs["images_per_second"] = logs["images"] / (self._last_step - self._started)


class EvenOut(keras.callbacks.Callback):
    """Before each validation, gives all replicas the same moving averages of batch normalisation."""

    def __init__(self, team: Team):
        super().__init__()
        self.team = team

    def on_train_begin(self, logs=None):
        self._even_out = self.team.evener(self.model)

    def on_test_begin(self, logs=None):
        self._even_out()


class ValidateAverage(keras.callbacks.Callback):
    """Validates the moving average of the weights too; where it is better, its figures are the epoch's.

    `steps` says in how many batches; None: until they end.
    """

    def __init__(self, batches, steps: int | None = None):
        super().__init__()
        self.batches, self.steps = batches, steps

    def on_epoch_end(self, epoch, logs=None):
        logs["averaged"] = 0.0
        if not steps_averaged(self.model):
            return
        swap_average(self.model)
        figures = self.model.evaluate(self.batches, steps=self.steps, verbose=0, return_dict=True)
        swap_average(self.model)
        logs["averaged"] = float(figures["loss"] < logs["val_loss"])
        if logs["averaged"]:
            logs |= {f"val_{name}": value for name, value in figures.items()}


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes weights, optimizer, card and the history so far after each epoch, beside first and then in place.

    `kept` is how many stay besides the best one; 0 keeps all. Of several workers the chief alone `writes`.
    """

    def __init__(self, folder: Path, card: Card, history: list[dict], recipe: dict, kept: int = 0, writes: bool = True):
        super().__init__()
        self.folder, self.card, self.history, self.recipe, self.kept = folder, card, history, recipe, kept
        self.writes = writes

    def on_epoch_end(self, epoch, logs=None):
        row = row_of(epoch + 1, logs)
        self.history.append(row)
        if not self.writes:
            return
        path = self.folder / checkpoint_name(epoch + 1, row["loss"], row["val_loss"], row["val_exact"])
        with written_beside(path) as part:
            self.model.save(part)
            card = vars(self.card.with_metrics(row))
            write_card(part, {"card": card, "history": self.history, "recipe": self.recipe})
        thin_checkpoints(self.folder, self.kept)


class WriteCsv(keras.callbacks.Callback):
    """Writes the history as one CSV file: the same rows as in the checkpoints, also after a kill and a resume."""

    def __init__(self, path: Path, history: list[dict]):
        super().__init__()
        self.path, self.history = path, history

    def on_epoch_end(self, epoch, logs=None):
        write_history(self.path, self.history)


def write_history(path: Path, history: list[dict]) -> None:
    """Write one CSV row an epoch."""
    with written_beside(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys(), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(history)


class StopOnSignal(keras.callbacks.Callback):
    """Ctrl-C ends the epoch after the current step, so that it is validated and saved; a second one stops at once.

    It listens while it is entered as a context; what one of several workers hears stops all of them.
    """

    def __init__(self, team: Team = SOLO):
        super().__init__()
        self.team, self.stopped = team, False

    def __enter__(self):
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *error):
        signal.signal(signal.SIGINT, self._before)

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training |= self.team.any(self.stopped)

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training |= self.team.any(self.stopped)

    def _ask(self, number, frame):
        self.stopped = True
        signal.signal(signal.SIGINT, self._before)
        tqdm.write("\nStopping after this step: validating and saving. Ctrl-C again stops at once, without saving.")


class Bar(keras.callbacks.Callback):
    """A bar for each epoch on a terminal; one line for each epoch everywhere; `of` says of how many it is one."""

    def __init__(self, of: str, steps: int):
        super().__init__()
        self.of, self.steps = of, steps

    def on_epoch_begin(self, epoch, logs=None):
        title = f"epoch {epoch + 1}{self.of}"
        self._bar = tqdm(total=self.steps, desc=title, unit=" steps", disable=None, leave=False, dynamic_ncols=True)

    def on_train_batch_end(self, batch, logs=None):
        self._bar.set_postfix_str(f"loss {logs['loss']:.4f}, exact {logs['exact']:.2%}", refresh=False)
        self._bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()
        tqdm.write(
            f"epoch {epoch + 1}{self.of}: loss {logs['loss']:.4f}, exact {logs['exact']:.2%}; "
            f"validation loss {logs['val_loss']:.4f}, exact {logs['val_exact']:.2%}; "
            f"learning rate {logs['learning_rate']:.1e}, {logs['seconds']:.0f} s"
        )


# ---- merged from pacing: How fast a training goes and when it ends: callbacks that set the learning rate and stop.
#
# Where the end is known and images are many, their random changes fade towards it in a straight line: what a


MOMENTS = 10_000  # into which FollowTime divides its time
FADING_IMAGES = 500  # to train on; of fewer the changes do not fade (benchmarks/README.md)


def full_strength(number: tf.Tensor) -> float:
    """Return how strongly the images of any batch are changed where nothing fades."""
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
        """Return how strongly the images of a batch are changed, 1 … 0, by its number since the training went on."""
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
        """Return how strongly the images of a batch are changed now, 1 … 0, whatever its number."""
        strength = tf.numpy_function(lambda: np.float32(1 - self._done), [], tf.float32)
        return tf.ensure_shape(strength, [])

    def _elapsed(self) -> float:
        return self.team.from_chief(time.monotonic() - self._started)
