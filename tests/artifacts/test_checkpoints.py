"""Checkpoints: their names carry the figures, and a broken file is passed over."""

import math
import zipfile
from pathlib import Path

import pytest

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.checkpoints import (
    best_checkpoint,
    best_epoch,
    checkpoint_name,
    is_whole,
    list_checkpoints,
    newest_checkpoint,
    thin_checkpoints,
)
from bearcat.core.errors import CheckpointError

CARD = Card("captcha", "CTC", "tiny", ("a", "b"), 24, 48, 1, 3)


def put(folder: Path, epoch: int, val_loss: float, whole: bool = True, val_exact: float = 0.0, history=()) -> Path:
    """Write a checkpoint that is a small zip archive, or the first half of one."""
    path = folder / checkpoint_name(epoch, 1.0, val_loss, val_exact)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", bytes(range(200)))
    write_card(path, {"card": vars(CARD), "history": list(history)})
    if not whole:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    "figures",
    [
        (1, 0.5, 0.25, 0.0),
        (200, 12.345678, 0.000001, 1.0),
        (12345, 0.0, 100000.5, 0.1234),
        (7, math.inf, math.inf, 0.5),
    ],
)
def test_the_figures_come_back_from_the_name(tmp_path: Path, figures: tuple):
    path = tmp_path / checkpoint_name(*figures)
    path.write_bytes(b"")
    (found,) = list_checkpoints(tmp_path)
    assert (found.path, found.epoch, found.loss, found.val_loss, found.val_exact) == (path, *figures)


def test_a_loss_that_is_no_number_comes_back_as_such(tmp_path: Path):
    (tmp_path / checkpoint_name(3, math.nan, math.nan, 0.0)).write_bytes(b"")
    (found,) = list_checkpoints(tmp_path)
    assert found.epoch == 3
    assert math.isnan(found.loss) and math.isnan(found.val_loss)


def test_checkpoints_are_listed_by_epoch_even_past_four_digits(tmp_path: Path):
    for epoch in (10, 12345, 9, 1, 9999):
        put(tmp_path, epoch, 1.0)
    assert [checkpoint.epoch for checkpoint in list_checkpoints(tmp_path)] == [1, 9, 10, 9999, 12345]


def test_the_best_is_the_latest_that_reads_no_worse_than_chance_allows(tmp_path: Path):
    """Of 100 images 90 right is 3 uncertain: 88 may be as good, 86 is not. The best's own file was thinned out."""
    shares, fixed = [0.5, 0.9, 0.88, 0.86], {"val_loss": 1.0, "validated": 100}
    rows = [{"epoch": n, "val_exact": share} | fixed for n, share in enumerate(shares, 1)]
    for row in rows[2:]:
        put(tmp_path, row["epoch"], row["val_loss"], val_exact=row["val_exact"], history=rows[: row["epoch"]])
    assert best_checkpoint(tmp_path).epoch == best_epoch(rows)["epoch"] == 3


@pytest.mark.parametrize(
    ("shares", "validated", "best"),
    [
        ([0.8, 0.9, 0.7], 10, 2),
        ([0.8, 0.9, 0.8], 10, 3),  # one of ten is chance
        ([0.8, 0.9, 0.8], 10_000, 2),
        ([1.0, 1.0, 0.0], 2, 2),
        ([0.9, 0.9, 0.8], None, 2),  # of a version that did not count
        ([0.0, 0.0, 0.0], 10, 1),  # nothing is read: the loss decides
    ],
)
def test_the_best_epoch_is_told_from_chance(shares: list[float], validated: int | None, best: int):
    counted = {} if validated is None else {"validated": validated}
    rows = [{"epoch": n, "val_loss": float(n), "val_exact": share} | counted for n, share in enumerate(shares, 1)]
    assert best_epoch(rows)["epoch"] == best


def test_while_nothing_is_read_the_best_has_the_smallest_validation_loss(tmp_path: Path):
    for epoch, val_loss in enumerate([0.9, 0.3, 0.5, 0.3], start=1):
        put(tmp_path, epoch, val_loss)
    assert best_checkpoint(tmp_path).val_loss == 0.3


def test_the_best_passes_over_nan_and_broken_files(tmp_path: Path):
    put(tmp_path, 1, 0.7)
    put(tmp_path, 2, math.nan)
    put(tmp_path, 3, 0.1, whole=False)
    put(tmp_path, 4, 0.5)
    (tmp_path / checkpoint_name(5, 1, 0.2, 0.0)).write_bytes(b"")
    assert best_checkpoint(tmp_path).epoch == 4


def test_the_newest_passes_over_broken_files_and_names_those_that_are_newer(tmp_path: Path):
    older_broken = put(tmp_path, 1, 0.9, whole=False)
    put(tmp_path, 2, 0.1)
    put(tmp_path, 3, 0.8)
    newer_broken = [put(tmp_path, epoch, 0.5, whole=False) for epoch in (4, 5)]
    newest, broken = newest_checkpoint(tmp_path)
    assert newest.epoch == 3
    assert sorted(broken) == newer_broken
    assert older_broken.exists() and all(path.exists() for path in broken)


def test_a_folder_without_a_whole_checkpoint_has_no_newest_and_no_best(tmp_path: Path):
    assert newest_checkpoint(tmp_path) == (None, [])
    assert newest_checkpoint(tmp_path / "absent") == (None, [])
    broken = put(tmp_path, 1, 0.1, whole=False)
    assert newest_checkpoint(tmp_path) == (None, [broken])
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(CheckpointError, match=r"train\.py") as error:
            best_checkpoint(folder)
        assert str(folder) in str(error.value)


def test_only_nan_is_no_best(tmp_path: Path):
    put(tmp_path, 1, math.nan)
    with pytest.raises(CheckpointError):
        best_checkpoint(tmp_path)
    assert newest_checkpoint(tmp_path)[0].epoch == 1


@pytest.mark.parametrize(
    "name", ["model.keras", "epoch_1.keras", "my_" + checkpoint_name(9, 0, 0, 1), checkpoint_name(9, 0, 0, 1) + ".part"]
)
def test_a_foreign_file_is_no_checkpoint_and_is_left_alone(tmp_path: Path, name: str):
    put(tmp_path, 1, 0.5)
    (tmp_path / name).write_bytes(b"not ours")
    assert [checkpoint.epoch for checkpoint in list_checkpoints(tmp_path)] == [1]
    assert best_checkpoint(tmp_path).epoch == newest_checkpoint(tmp_path)[0].epoch == 1
    assert (tmp_path / name).read_bytes() == b"not ours"


def test_a_flipped_byte_in_the_weights_is_found(tmp_path: Path):
    path = put(tmp_path, 1, 0.5)
    assert is_whole(path)
    content = bytearray(path.read_bytes())
    content[content.index(bytes(range(100, 120)))] ^= 1
    path.write_bytes(bytes(content))
    assert not is_whole(path)


def test_every_cut_is_found(tmp_path: Path):
    path = put(tmp_path, 1, 0.5)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert not is_whole(path)


def test_a_flipped_byte_in_the_archives_directory_is_no_crash(tmp_path: Path):
    path = put(tmp_path, 1, 0.5)
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    for position in (directory + 6, directory + 8, directory + 10):
        path.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
        assert not is_whole(path)


def test_a_copy_that_a_file_manager_made_is_left_alone(tmp_path: Path):
    name = checkpoint_name(3, 0.5, 0.25, 0.9)
    (tmp_path / name.replace(".keras", " (copy).keras")).touch()
    assert list_checkpoints(tmp_path) == []


def test_old_checkpoints_go_but_the_best_and_the_newest_stay(tmp_path: Path):
    for epoch, val_loss in enumerate((0.5, 0.2, 0.4, 0.3, 0.6), 1):
        put(tmp_path, epoch, val_loss)
    other = tmp_path / "my_own.keras"
    other.write_bytes(b"")
    thin_checkpoints(tmp_path, 0)
    assert len(list_checkpoints(tmp_path)) == 5
    thin_checkpoints(tmp_path, 2)
    assert [checkpoint.epoch for checkpoint in list_checkpoints(tmp_path)] == [2, 4, 5]
    assert other.exists()


def test_a_broken_best_does_not_cost_the_best_whole_one(tmp_path: Path):
    for epoch, (val_loss, whole) in enumerate([(0.3, True), (0.1, False), (0.5, True), (0.4, True)], 1):
        put(tmp_path, epoch, val_loss, whole)
    thin_checkpoints(tmp_path, 1)
    assert best_checkpoint(tmp_path).epoch == 1


def test_without_figures_all_checkpoints_stay(tmp_path: Path):
    for epoch in (1, 2, 3):
        put(tmp_path, epoch, math.nan)
    thin_checkpoints(tmp_path, 1)
    assert len(list_checkpoints(tmp_path)) == 3
