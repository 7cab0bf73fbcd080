"""Checkpoints: their names hold the metrics, and broken files are skipped."""

import math
import zipfile
from pathlib import Path

import pytest

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.checkpoints import (
    best_checkpoint,
    best_epoch,
    checkpoint_name,
    describe_best,
    is_intact,
    list_checkpoints,
    newest_checkpoint,
    prune_checkpoints,
)
from bearcat.core.errors import CheckpointError
from bearcat.data.images import InputSpec

CARD = Card("captcha", "CTC", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)


def put(folder: Path, epoch: int, val_loss: float, intact: bool = True, val_exact: float = 0.0, history=()) -> Path:
    """Writes a checkpoint that is a small zip archive, or the first half of one."""
    path = folder / checkpoint_name(epoch, 1.0, val_loss, val_exact)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", bytes(range(200)))
    write_card(path, CARD, history=list(history))
    if not intact:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    "metrics",
    [
        (1, 0.5, 0.25, 0.0),
        (200, 12.345678, 0.000001, 1.0),
        (12345, 0.0, 100000.5, 0.1234),
        (7, math.inf, math.inf, 0.5),
    ],
)
def test_the_metrics_are_read_from_the_name(tmp_path: Path, metrics: tuple):
    path = tmp_path / checkpoint_name(*metrics)
    path.write_bytes(b"")
    (found,) = list_checkpoints(tmp_path)
    assert (found.path, found.epoch, found.loss, found.val_loss, found.val_exact) == (path, *metrics)


def test_a_loss_of_nan_is_read_from_the_name(tmp_path: Path):
    (tmp_path / checkpoint_name(3, math.nan, math.nan, 0.0)).write_bytes(b"")
    (found,) = list_checkpoints(tmp_path)
    assert found.epoch == 3
    assert math.isnan(found.loss) and math.isnan(found.val_loss)


def test_checkpoints_are_listed_by_epoch_even_past_four_digits(tmp_path: Path):
    for epoch in (10, 12345, 9, 1, 9999):
        put(tmp_path, epoch, 1.0)
    assert [checkpoint.epoch for checkpoint in list_checkpoints(tmp_path)] == [1, 9, 10, 9999, 12345]


def test_the_best_is_the_latest_within_one_standard_error(tmp_path: Path):
    """90 of 100 correct has a standard error of 3: 88 may be as good, 86 is not. The highest was pruned."""
    accuracies, fixed = [0.5, 0.9, 0.88, 0.86], {"val_loss": 1.0, "validated": 100}
    rows = [{"epoch": n, "val_exact": accuracy} | fixed for n, accuracy in enumerate(accuracies, 1)]
    for row in rows[2:]:
        put(tmp_path, row["epoch"], row["val_loss"], val_exact=row["val_exact"], history=rows[: row["epoch"]])
    assert best_checkpoint(tmp_path).epoch == best_epoch(rows)["epoch"] == 3


@pytest.mark.parametrize(
    ("accuracies", "validated", "best"),
    [
        ([0.8, 0.9, 0.7], 10, 2),
        ([0.8, 0.9, 0.8], 10, 3),  # one of ten is chance
        ([1.0, 0.8], 5, 2),  # and so is one of five
        ([1.0, 0.6], 5, 1),
        ([1 / 3, 0.6667, 0.3333], 3, 3),  # as a file name has it
        ([0.8, 0.9, 0.8], 10_000, 2),
        ([1.0, 1.0, 0.0], 2, 2),
        ([0.9, 0.9, 0.8], None, 2),  # of a version that did not count
        ([0.0, 0.0, 0.0], 10, 1),  # nothing is correct: the loss decides
    ],
)
def test_the_best_epoch_is_not_decided_by_chance(accuracies: list[float], validated: int | None, best: int):
    fixed = {} if validated is None else {"validated": validated}
    rows = [
        {"epoch": n, "val_loss": float(n), "val_exact": accuracy} | fixed for n, accuracy in enumerate(accuracies, 1)
    ]
    assert best_epoch(rows)["epoch"] == best


def test_while_nothing_is_correct_the_best_has_the_lowest_validation_loss(tmp_path: Path):
    for epoch, val_loss in enumerate([0.9, 0.3, 0.5, 0.3], start=1):
        put(tmp_path, epoch, val_loss)
    assert best_checkpoint(tmp_path).val_loss == 0.3


def test_nan_and_broken_files_are_never_the_best(tmp_path: Path):
    put(tmp_path, 1, 0.7)
    put(tmp_path, 2, math.nan)
    put(tmp_path, 3, 0.1, intact=False)
    put(tmp_path, 4, 0.5)
    (tmp_path / checkpoint_name(5, 1, 0.2, 0.0)).write_bytes(b"")
    assert best_checkpoint(tmp_path).epoch == 4


def test_the_newest_is_intact_and_newer_broken_files_are_listed(tmp_path: Path):
    older_broken = put(tmp_path, 1, 0.9, intact=False)
    put(tmp_path, 2, 0.1)
    put(tmp_path, 3, 0.8)
    newer_broken = [put(tmp_path, epoch, 0.5, intact=False) for epoch in (4, 5)]
    newest, broken = newest_checkpoint(tmp_path)
    assert newest.epoch == 3
    assert sorted(broken) == newer_broken
    assert older_broken.exists() and all(path.exists() for path in broken)


def test_a_folder_without_an_intact_checkpoint_has_no_newest_and_no_best(tmp_path: Path):
    assert newest_checkpoint(tmp_path) == (None, [])
    assert newest_checkpoint(tmp_path / "absent") == (None, [])
    broken = put(tmp_path, 1, 0.1, intact=False)
    assert newest_checkpoint(tmp_path) == (None, [broken])
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(CheckpointError, match=r"train\.py") as error:
            best_checkpoint(folder)
        assert str(folder) in str(error.value)


def test_without_a_finite_loss_there_is_no_best(tmp_path: Path):
    put(tmp_path, 1, math.nan)
    with pytest.raises(CheckpointError):
        best_checkpoint(tmp_path)
    assert newest_checkpoint(tmp_path)[0].epoch == 1


@pytest.mark.parametrize(
    "name", ["model.keras", "epoch_1.keras", "my_" + checkpoint_name(9, 0, 0, 1), checkpoint_name(9, 0, 0, 1) + ".part"]
)
def test_files_with_other_names_are_ignored(tmp_path: Path, name: str):
    put(tmp_path, 1, 0.5)
    (tmp_path / name).write_bytes(b"not ours")
    assert [checkpoint.epoch for checkpoint in list_checkpoints(tmp_path)] == [1]
    assert best_checkpoint(tmp_path).epoch == newest_checkpoint(tmp_path)[0].epoch == 1
    assert (tmp_path / name).read_bytes() == b"not ours"


def test_a_flipped_byte_in_the_weights_is_found(tmp_path: Path):
    path = put(tmp_path, 1, 0.5)
    assert is_intact(path)
    content = bytearray(path.read_bytes())
    content[content.index(bytes(range(100, 120)))] ^= 1
    path.write_bytes(bytes(content))
    assert not is_intact(path)


def test_every_truncation_is_found(tmp_path: Path):
    path = put(tmp_path, 1, 0.5)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert not is_intact(path)


def test_a_flipped_byte_in_the_archive_s_directory_does_not_crash(tmp_path: Path):
    path = put(tmp_path, 1, 0.5)
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    for position in (directory + 6, directory + 8, directory + 10):
        path.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
        assert not is_intact(path)


def test_a_copy_made_by_a_file_manager_is_ignored(tmp_path: Path):
    name = checkpoint_name(3, 0.5, 0.25, 0.9)
    (tmp_path / name.replace(".keras", " (copy).keras")).touch()
    assert list_checkpoints(tmp_path) == []


def test_pruning_keeps_the_best_and_the_newest(tmp_path: Path):
    for epoch, val_loss in enumerate((0.5, 0.2, 0.4, 0.3, 0.6), 1):
        put(tmp_path, epoch, val_loss)
    other = tmp_path / "my_own.keras"
    other.write_bytes(b"")
    prune_checkpoints(tmp_path, 0)
    assert len(list_checkpoints(tmp_path)) == 5
    prune_checkpoints(tmp_path, 2)
    assert [checkpoint.epoch for checkpoint in list_checkpoints(tmp_path)] == [2, 4, 5]
    assert other.exists()


def test_pruning_keeps_the_best_intact_checkpoint(tmp_path: Path):
    for epoch, (val_loss, intact) in enumerate([(0.3, True), (0.1, False), (0.5, True), (0.4, True)], 1):
        put(tmp_path, epoch, val_loss, intact)
    prune_checkpoints(tmp_path, 1)
    assert best_checkpoint(tmp_path).epoch == 1


def test_pruning_keeps_all_if_no_loss_is_finite(tmp_path: Path):
    for epoch in (1, 2, 3):
        put(tmp_path, epoch, math.nan)
    prune_checkpoints(tmp_path, 1)
    assert len(list_checkpoints(tmp_path)) == 3


@pytest.mark.parametrize(
    ("exact", "best", "why"),
    [
        ([0.0, 0.0, 0.0], 2, "no image is correct yet; the lowest validation loss"),
        ([0.5, 0.98, 0.6], 2, "the highest exact match"),
        ([0.5, 1.0, 1.0], 3, "the latest of 2 epochs with this exact match"),
        ([0.97, 0.98, 0.97], 3, "the latest of 3 epochs whose exact match differs by no more than chance"),
    ],
)
def test_the_reason_why_a_checkpoint_is_the_best(tmp_path: Path, exact: list[float], best: int, why: str):
    rows = [
        {"epoch": epoch, "loss": 1.0, "val_loss": abs(epoch - 2) + 0.5, "val_exact": one, "validated": 100}
        for epoch, one in enumerate(exact, start=1)
    ]
    for row in rows:
        put(tmp_path, row["epoch"], row["val_loss"], val_exact=row["val_exact"], history=rows[: row["epoch"]])
    described = describe_best(tmp_path)
    assert described.startswith(f"epoch {best} of 3, exact match {exact[best - 1]:.2%} on validation images")
    assert described.endswith(f"({why})")
