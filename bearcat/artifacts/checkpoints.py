"""Checkpoints, one per epoch with its metrics in the file name: written, listed, ranked and pruned."""

import math
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bearcat.artifacts.card import KERAS_SUFFIX, Card, read_card, write_card
from bearcat.core.errors import CheckpointError
from bearcat.core.files import atomic_write
from bearcat.core.workspace import Work, new_backup_folder

ROUNDING = 1e-4  # of an exact match in a file name
_NUMBER = r"-?(?:\d+\.\d+|inf|nan)"
_NAME = re.compile(
    rf"epoch_(?P<epoch>\d+)-loss_(?P<loss>{_NUMBER})-val_loss_(?P<val_loss>{_NUMBER})-val_exact_(?P<val_exact>{_NUMBER})"
    + re.escape(KERAS_SUFFIX)
)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's file and the metrics in its name."""

    path: Path
    epoch: int
    loss: float
    val_loss: float
    val_exact: float


def checkpoint_name(epoch: int, loss: float, val_loss: float, val_exact: float) -> str:
    """The file name of a checkpoint; epochs count from 1."""
    return f"epoch_{epoch:04d}-loss_{loss:.6f}-val_loss_{val_loss:.6f}-val_exact_{val_exact:.4f}{KERAS_SUFFIX}"


def save_checkpoint(model, folder: Path, card: Card, history: list[dict], config: dict) -> Path:
    """Writes the checkpoint of the last epoch of a history, atomically.

    Args:
        model: The compiled Keras model; its optimizer's state is saved with it.
        folder: The checkpoint folder.
        card: What the checkpoint says of the network; the epoch's metrics are added.
        history: The metrics of all epochs so far.
        config: The training configuration, as `resume` compares it.
    """
    row = history[-1]
    path = folder / checkpoint_name(row["epoch"], row["loss"], row["val_loss"], row["val_exact"])
    with atomic_write(path) as part:
        model.save(part)
        write_card(part, card.with_metrics(row), history=history, recipe=config)
    return path


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """Lists the checkpoints of a folder by epoch; files with other names are ignored."""
    found = []
    for path in folder.glob(f"*{KERAS_SUFFIX}") if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match:
            metrics = {name: float(value) for name, value in match.groupdict().items() if name != "epoch"}
            found.append(Checkpoint(path, int(match["epoch"]), **metrics))
    return sorted(found, key=lambda checkpoint: checkpoint.epoch)


def is_intact(path: Path) -> bool:
    """Whether a checkpoint's file, a zip archive, is complete and its checksums match."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    # what zipfile raises on damaged directories and members
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError):
        return False


def newest_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[Path]]:
    """Finds the intact checkpoint with the highest epoch, and the broken files that are newer."""
    broken: list[Path] = []
    for checkpoint in reversed(list_checkpoints(folder)):
        if is_intact(checkpoint.path):
            return checkpoint, broken
        broken.append(checkpoint.path)
    return None, broken


def best_checkpoint(folder: Path) -> Checkpoint:
    """Finds the best intact checkpoint, as `best_epoch` defines it.

    Raises:
        CheckpointError: There is none.
    """
    newest, _ = newest_checkpoint(folder)
    key = epoch_sort_key(read_history(newest.path) if newest else [])
    candidates = [checkpoint for checkpoint in list_checkpoints(folder) if not math.isnan(checkpoint.val_loss)]
    for checkpoint in sorted(candidates, key=lambda one: key((one.val_exact, one.val_loss, one.epoch)), reverse=True):
        if is_intact(checkpoint.path):
            return checkpoint
    raise CheckpointError(f"{folder} holds no usable checkpoint: run python train.py")


def prune_checkpoints(folder: Path, kept: int) -> None:
    """Deletes all checkpoints except the newest `kept` and the best one; 0 keeps all."""
    older = list_checkpoints(folder)[:-kept] if kept else []
    try:
        best = best_checkpoint(folder)
    except CheckpointError:
        return  # all losses are NaN: nothing to choose by
    for checkpoint in older:
        if checkpoint != best:
            checkpoint.path.unlink()


def read_history(path: Path) -> list[dict]:
    """The metrics of all epochs up to a checkpoint, one row each."""
    return read_card(path)[1].get("history", [])


def best_epoch(history: list[dict]) -> dict:
    """The row of the best epoch.

    The best is the latest epoch whose exact match is within one standard error, or one image, of the highest.
    Differences that few validation images show below that are chance, and the learning rate is lowest at the end. The
    validation loss is a poor guide: a network that starts from pretrained weights soon becomes overconfident, and
    improves all the same. The loss decides only while no image is predicted correctly. Rows without `validated`, the
    number of validation images, have no standard error.
    """
    key = epoch_sort_key(history)
    return max(history, key=lambda row: key((row["val_exact"], row["val_loss"], row["epoch"])))


def describe_best(folder: Path) -> str:
    """Says how good the best checkpoint of a folder is, and why it and no other is the best.

    Raises:
        CheckpointError: There is none.
    """
    best, newest = best_checkpoint(folder), newest_checkpoint(folder)[0]
    history = read_history(newest.path) if newest else []
    highest, threshold = _highest_exact(history)
    equal = [row["val_exact"] for row in history if row["val_exact"] >= threshold]
    if not highest:
        why = "no image is correct yet; the lowest validation loss"
    elif len(equal) == 1:
        why = "the highest exact match"
    elif len(set(equal)) == 1:
        why = f"the latest of {len(equal)} epochs with this exact match"
    else:
        why = f"the latest of {len(equal)} epochs whose exact match differs by no more than chance"
    figures = f"exact match {best.val_exact:.2%} on validation images, loss {best.val_loss:.4f}"
    return f"epoch {best.epoch} of {max(len(history), best.epoch)}, {figures} ({why})"


def _highest_exact(history: list[dict]) -> tuple[float, float]:
    """Returns the highest exact match, and the lowest that differs from it by no more than chance."""
    highest = max(history, key=lambda row: row["val_exact"], default={"val_exact": 0.0})
    count = highest.get("validated", math.inf)
    # smoothed, so that the standard error is never 0
    rate = (highest["val_exact"] * count + 1) / (count + 2) if math.isfinite(count) else 0.0
    chance = max(math.sqrt(rate * (1 - rate) / count), 1 / count + ROUNDING)
    return highest["val_exact"], highest["val_exact"] - chance


def epoch_sort_key(history: list[dict]) -> Callable[[tuple[float, float, int]], tuple[float, float]]:
    """Returns the key that sorts epochs, given as (val_exact, val_loss, epoch), from worst to best."""
    highest, threshold = _highest_exact(history)

    def key(epoch: tuple[float, float, int]) -> tuple[float, float]:
        val_exact, val_loss, number = epoch
        return min(val_exact, threshold), number if highest else -val_loss

    return key


def archive_weights(work: Work) -> None:
    """Moves the checkpoint that `keep_best_checkpoint` kept to the backup; a weight file of the user's stays."""
    folder = work.folder("weight")
    if list_checkpoints(folder):
        folder.rename(new_backup_folder(work.path) / folder.name)


def keep_best_checkpoint(work: Work) -> None:
    """Copies the best checkpoint into the folder `weight`, from which the next training starts.

    A run that was killed after that finds no checkpoints any more, and leaves the copy as it is.
    """
    if not list_checkpoints(work.folder("checkpoint")) and list_checkpoints(work.folder("weight")):
        return
    best = best_checkpoint(work.folder("checkpoint"))
    archive_weights(work)
    with atomic_write(work.folder("weight") / best.path.name) as part:
        shutil.copyfile(best.path, part)
