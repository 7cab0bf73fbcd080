"""Checkpoints: one a epoch, named by what it measured; how the newest and the best are found."""

import math
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from bearcat.artifacts.card import read_card
from bearcat.core.errors import CheckpointError

SUFFIX = ".keras"
_FIGURE = r"-?(?:\d+\.\d+|inf|nan)"
_NAME = re.compile(
    rf"epoch_(?P<epoch>\d+)-loss_(?P<loss>{_FIGURE})-val_loss_(?P<val_loss>{_FIGURE})-val_exact_(?P<val_exact>{_FIGURE})"
    + re.escape(SUFFIX)
)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's file and the figures in its name."""

    path: Path
    epoch: int
    loss: float
    val_loss: float
    val_exact: float


def checkpoint_name(epoch: int, loss: float, val_loss: float, val_exact: float) -> str:
    """Return the file name of a checkpoint; epochs count from 1."""
    return f"epoch_{epoch:04d}-loss_{loss:.6f}-val_loss_{val_loss:.6f}-val_exact_{val_exact:.4f}{SUFFIX}"


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return the checkpoints of a folder by epoch; files with other names are left alone."""
    found = []
    for path in folder.glob(f"*{SUFFIX}") if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match:
            figures = {name: float(value) for name, value in match.groupdict().items() if name != "epoch"}
            found.append(Checkpoint(path, int(match["epoch"]), **figures))
    return sorted(found, key=lambda checkpoint: checkpoint.epoch)


def is_whole(path: Path) -> bool:
    """Tell whether a checkpoint's file can be read to its end (a zip archive whose checksums hold)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    # what zipfile raises on damaged directories and members
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError):
        return False


def best_checkpoint(folder: Path) -> Checkpoint:
    """Return the whole checkpoint that `rank_epochs` finds best; raise CheckpointError where there is none."""
    newest, _ = newest_checkpoint(folder)
    key = rank_epochs(read_history(newest.path) if newest else [])
    measured = [checkpoint for checkpoint in list_checkpoints(folder) if not math.isnan(checkpoint.val_loss)]
    for checkpoint in sorted(measured, key=lambda one: key((one.val_exact, one.val_loss, one.epoch)), reverse=True):
        if is_whole(checkpoint.path):
            return checkpoint
    raise CheckpointError(f"{folder} holds no usable checkpoint: run python train.py")


def read_history(path: Path) -> list[dict]:
    """Return the figures of all epochs that led to a checkpoint, as far as it says."""
    return read_card(path)[1].get("history", [])


def thin_checkpoints(folder: Path, kept: int) -> None:
    """Delete all checkpoints but the newest `kept` and the best one; 0 keeps all."""
    older = list_checkpoints(folder)[:-kept] if kept else []
    try:
        best = best_checkpoint(folder)
    except CheckpointError:
        return  # no figures yet by which to choose
    for checkpoint in older:
        if checkpoint != best:
            checkpoint.path.unlink()


def newest_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[Path]]:
    """Return the whole checkpoint with the highest epoch, and the broken files that are newer."""
    broken = []
    for checkpoint in reversed(list_checkpoints(folder)):
        if is_whole(checkpoint.path):
            return checkpoint, broken
        broken.append(checkpoint.path)
    return None, broken


def rank_epochs(history: list[dict]):
    """Return the key by which to sort epochs, given as (val_exact, val_loss, epoch), so that the best comes last.

    The latest is the best whose exact match lies at most one standard error below the greatest of the `history`: what
    few validation images say beyond that is chance, and the learning rate has come down the furthest. Their loss
    says less: a network that starts from the base soon grows surer than it should, and reads better all the same. It
    decides while nothing is read right. Rows that don't say how many images validated them have no error.
    """
    most = max(history, key=lambda row: row["val_exact"], default={"val_exact": 0.0})
    count = most.get("validated", math.inf)
    share = (most["val_exact"] * count + 1) / (count + 2) if math.isfinite(count) else 0.0  # never 0 or 1 for sure
    least = most["val_exact"] - math.sqrt(share * (1 - share) / count)

    def key(epoch: tuple[float, float, int]) -> tuple[float, float]:
        val_exact, val_loss, number = epoch
        return min(val_exact, least), number if most["val_exact"] else -val_loss

    return key


def best_epoch(history: list[dict]) -> dict:
    """Return the row of the best epoch."""
    key = rank_epochs(history)
    return max(history, key=lambda row: key((row["val_exact"], row["val_loss"], row["epoch"])))
