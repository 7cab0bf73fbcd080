"""DETERMINISTIC: the same SEED, data and machine give the same weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bearcat.artifacts.checkpoints import newest_checkpoint
from bearcat.artifacts.keras_files import load_model
from tests.helpers.steps import run_fresh


@pytest.mark.parametrize("trained", ["ORDINARY", "CTC"], indirect=True)
def test_two_trainings_lead_to_the_same_weights(trained: Path, tmp_path: Path, pytestconfig: pytest.Config):
    if not pytestconfig.getoption("--faults"):
        pytest.skip("trains three times: make test-faults")
    first, again, other = (train(trained, tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def train(trained: Path, work: Path, seed: int) -> list[np.ndarray]:
    """Trains two epochs in a new interpreter, which hashes differently; returns the weights."""
    shutil.copytree(trained, work, ignore=shutil.ignore_patterns("checkpoint", "logs", "CSVLogger"))
    changed = (f"SEED={seed}", "DETERMINISTIC=True", "EPOCHS=2", "MIN_EPOCH_STEPS=3")
    (done,) = run_fresh([("train.py", "--work", work, *(argument for one in changed for argument in ("--set", one)))])
    assert done.returncode == 0, done.stderr
    checkpoint, _ = newest_checkpoint(work / "checkpoint")
    return load_model(checkpoint.path).get_weights()
