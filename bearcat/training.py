"""What happens around the epochs: the bar, the plateau rule, checkpoints that are whole or not there, a soft stop."""

import csv
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import keras
from tqdm import tqdm

from bearcat.artifact import Card, read_card, write_card
from bearcat.backbones import AUTO
from bearcat.checkpoints import Checkpoint, checkpoint_name, newest_checkpoint, thin_checkpoints
from bearcat.devices import set_precision
from bearcat.errors import CheckpointError
from bearcat.files import PART, written_beside
from bearcat.layers import load_model
from bearcat.optimizers import steps_averaged, swap_average


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
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logs["seconds"] = time.monotonic() - self._started  # validation included
        logs["images"] = self._steps * self.batch_size
        logs["validated"] = self.validated
        logs["images_per_second"] = logs["images"] / (self._last_step - self._started)


class ValidateAverage(keras.callbacks.Callback):
    """Validates the moving average of the weights too; where it is better, its figures are the epoch's."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        logs["averaged"] = 0.0
        if not steps_averaged(self.model):
            return
        swap_average(self.model)
        figures = self.model.evaluate(self.batches, verbose=0, return_dict=True)
        swap_average(self.model)
        logs["averaged"] = float(figures["loss"] < logs["val_loss"])
        if logs["averaged"]:
            logs |= {f"val_{name}": value for name, value in figures.items()}


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes weights, optimizer, card and the history so far after each epoch, beside first and then in place.

    `kept` is how many stay besides the best one; 0 keeps all.
    """

    def __init__(self, folder: Path, card: Card, history: list[dict], recipe: dict, kept: int = 0):
        super().__init__()
        self.folder, self.card, self.history, self.recipe, self.kept = folder, card, history, recipe, kept

    def on_epoch_end(self, epoch, logs=None):
        row = row_of(epoch + 1, logs)
        self.history.append(row)
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

    It listens while it is entered as a context.
    """

    def __init__(self):
        super().__init__()
        self.stopped = False

    def __enter__(self):
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *error):
        signal.signal(signal.SIGINT, self._before)

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training |= self.stopped

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training |= self.stopped

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


@dataclass(frozen=True)
class Resumed:
    """What a checkpoint holds: the model with its optimizer, its card, and the history that led there."""

    model: keras.Model
    card: Card
    precision: str
    history: list[dict]
    checkpoint: Checkpoint


def load_newest(folder: Path, card: Card, recipe: dict) -> Resumed | None:
    """Return what the newest whole epoch left; None where there is none.

    The learning rate goes on where it stood, unless the recipe's is no longer what that training started from.
    Broken files that are newer are set aside under another name. Raises CheckpointError where the checkpoint's
    network is not the one that the settings and the vocabulary ask for.
    """
    clear_parts(folder)
    checkpoint, broken = newest_checkpoint(folder)
    for path in broken:
        path.rename(path.with_name(f"broken-{path.name}"))
        tqdm.write(f"{path} is broken and set aside as broken-{path.name}")
    if checkpoint is None:
        return None
    saved_card, payload = read_card(checkpoint.path)
    saved_recipe = payload.get("recipe", {})  # checkpoints of the first version have none
    differences = [*saved_card.differences(card), *recipe_differences(saved_recipe, recipe)]
    if differences:
        raise CheckpointError(
            f"{checkpoint.path} does not fit what the settings ask for now:\n  " + "\n  ".join(differences) + "\n"
            "Set it back to go on with the old training; or start anew: python init_working_space.py (keeps it),\n"
            "with what it has learnt so far: python init_working_space.py --go-on"
        )
    set_precision(saved_recipe["precision"])  # Keras finds the optimizer's state under that policy alone
    model = load_model(checkpoint.path, compile=True)
    if recipe["lr"] != saved_recipe["lr"]:
        model.optimizer.learning_rate = recipe["lr"]
        tqdm.write(f"The learning rate is set to {recipe['lr']}")
    return Resumed(model, saved_card, saved_recipe["precision"], payload["history"], checkpoint)


def recipe_differences(saved: dict, now: dict) -> list[str]:
    """Say, one line each, what of a training cannot be changed half-way; the learning rate can."""
    return [
        f"{name.upper()}: {saved.get(name)!r} there, {value!r} now"
        for name, value in now.items()
        if name != "lr" and value not in (saved.get(name), AUTO)
    ]


def clear_parts(folder: Path) -> None:
    """Remove what a killed run had half written."""
    for path in folder.glob(f".*{PART}*"):
        path.unlink()
