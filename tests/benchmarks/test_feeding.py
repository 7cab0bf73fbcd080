"""Timing of training steps, the benchmark of the packs, and the rows of its table and of the vocabularies'."""

import os
from pathlib import Path

import numpy as np
import pytest

from bearcat.data.tfrecord_index import load_index
from bearcat.data.tfrecords import read_records
from benchmarks import feeding, timing, vocabulary


def test_tasks_are_timed_in_turns_without_their_first_steps():
    calls = []
    tasks = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = timing.time_interleaved(tasks, rounds=2, steps=2, warm_up=1)
    assert "".join(calls) == "aaabbbbbbaaa"
    assert {name: len(of_one) for name, of_one in seconds.items()} == {"a": 2, "b": 2}
    assert all(one > 0 for of_one in seconds.values() for one in of_one)


def test_ratios_are_taken_round_by_round():
    # the machine was four times as slow in the second round
    assert timing.ratios([2.0, 8.0, 3.0], [1.0, 4.0, 1.0]) == (2, 2, 2.5)


def test_a_function_runs_in_a_new_process():
    assert timing.run_in_new_process(os.getpid) != os.getpid()
    assert timing.run_in_new_process(timing.peak_bytes) > 2**20


def test_the_packed_images_are_all_different(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeding, "DRAWN", 5)
    feeding.write_images(tmp_path / "pack", 15)
    index = load_index(tmp_path / "pack")
    assert (index.count, index.spec.shape) == (15, (feeding.HEIGHT, feeding.WIDTH, 1))
    (batch,) = read_records(tmp_path / "pack", index)
    assert len({image.tobytes() for image in batch["image"]}) == 15
    for label, target in zip(batch["label"], batch["target"], strict=True):
        assert label.decode() == "".join(feeding.CHARACTERS[index - 1] for index in target)
    assert np.ptp(batch["image"]) > 100


def test_a_row_of_the_feeding_table():
    seconds = {feeding.MEMORY: [0.08, 0.16], feeding.PLAIN: [0.08, 0.16], feeding.AUGMENTED: [0.1, 0.2]}
    alone = {feeding.MEMORY: (0.1, 2**29), feeding.AUGMENTED: (0.25, 2**30)}
    line = feeding.table_line(2_000, "CTC", seconds, alone)
    assert line == "| 2,000 | CTC | 267/s | 100.0% (100% – 100%) | 80.0% (80% – 80%) | 0.2 s | 1,024 MB | 512 MB |"


def test_a_row_of_the_vocabulary_table():
    line = vocabulary.table_line("CTC", 6_000, 1_234_567, 2**30, {62: [0.05, 0.1], 6_000: [0.06, 0.12]})
    assert line == "| CTC | 6,000 | 1,234,567 | 90 ms | 1.20 (1.20 – 1.20) | 1,024 MB |"
