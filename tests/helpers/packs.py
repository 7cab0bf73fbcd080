"""Packs of small works: packing them in this process, and comparing what was packed."""

import shutil
from dataclasses import replace
from pathlib import Path

from bearcat.core.storage import Place
from bearcat.core.workspace import Work
from bearcat.data.packing import SPLITS
from bearcat.data.tfrecord_index import load_index
from tests.helpers.faults import run_step


def step(work: Path, *arguments: str, script: str = "pack_dataset.py") -> str:
    """Runs a script that must succeed in this process; returns what it printed."""
    outcome = run_step(script, work, *arguments)
    assert outcome.code == 0, outcome
    return outcome.stdout


def packed_copy(work: Path, *arguments: str) -> Path:
    """Returns a copy of a work, packed on this machine."""
    copy = Path(shutil.copytree(work, work.with_name("copy"), ignore=shutil.ignore_patterns(".locks")))
    step(copy, *arguments)
    return copy


def serialised(folder: Place) -> list[bytes]:
    """Returns the bytes of a pack's records, sorted."""
    import tensorflow as tf

    index = load_index(folder)
    found = sorted(tf.data.TFRecordDataset([str(folder / name) for name in index.shards]).as_numpy_iterator())
    assert len(found) == index.count
    return found


def assert_same_packs(work: Path, other: Path, pack_folder: str | None = None) -> None:
    """Asserts that two works have the same vocabulary, and packs of the same records in as many shards.

    `pack_folder` is the PACK_FOLDER of the first one.
    """
    assert (work / "num_classes.json").read_bytes() == (other / "num_classes.json").read_bytes()
    for split in SPLITS:
        folders = Work(work).pack_folder(split, pack_folder), Work(other).pack_folder(split)
        indices = [load_index(folder) for folder in folders]
        assert len(indices[0].shards) == len(indices[1].shards)
        assert replace(indices[0], shards=[]) == replace(indices[1], shards=[])
        assert serialised(folders[0]) == serialised(folders[1])
