"""What happens around the epochs: the bar, the plateau rule, checkpoints that are whole or not there, a soft stop."""

import csv
import signal
import time
from pathlib import Path

import keras
from tqdm import tqdm

from bearcat.artifact import Card, write_card
from bearcat.checkpoints import checkpoint_name, thin_checkpoints
from bearcat.distribution import SOLO, Team
from bearcat.files import written_beside
from bearcat.optimizers import steps_averaged, swap_average, value_of


def row_of(epoch: int, logs: dict) -> dict[str, float]:
    """Return an epoch's figures as plain numbers; epochs count from 1."""
    return {"epoch": epoch} | {name: float(value) for name, value in logs.items()}


class Timekeeper(keras.callbacks.Callback):
    """First in the row: adds learning rate, seconds and pictures to an epoch's figures, which all others then see.

    `validated` is how many pictures validate.
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
