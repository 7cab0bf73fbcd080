"""Checkpoints of a pretraining, and its exact match by kind of image."""

from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.networks.optimizers import make_optimizer
from pretraining.plans import AS_BEFORE
from pretraining.progress import Checkpoint, describe_exact, exact_by_kind


def small_training() -> tuple[keras.Model, keras.optimizers.Optimizer]:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = make_optimizer("AdamW", 1e-2, 0.0)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mse")
    return model, optimizer


def test_a_training_continues_from_its_checkpoint_as_if_it_had_not_ended(tmp_path: Path):
    inputs, targets = np.eye(3, dtype=np.float32), np.ones((3, 2), np.float32)
    checkpoint, (model, optimizer) = Checkpoint(tmp_path / "light_checkpoint.npz"), small_training()
    assert checkpoint.load(model.weights + optimizer.variables) == 0
    model.fit(inputs, targets, epochs=3, verbose=0)
    checkpoint.save(model.weights + optimizer.variables, 17.5)
    model.fit(inputs, targets, epochs=2, verbose=0)
    again, its_optimizer = small_training()
    assert checkpoint.load(again.weights + its_optimizer.variables) == 17.5
    again.fit(inputs, targets, epochs=2, verbose=0)
    assert int(its_optimizer.iterations) == 5
    assert all(np.allclose(one, other) for one, other in zip(model.get_weights(), again.get_weights(), strict=True))
    checkpoint.delete()
    checkpoint.delete()
    assert not checkpoint.path.exists()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path):
    checkpoint = Checkpoint(tmp_path / "light_checkpoint.npz")
    checkpoint.save([keras.Variable(np.zeros(2))], 1.0)
    with pytest.raises(SystemExit, match="delete it to start anew"):
        checkpoint.load([keras.Variable(np.zeros(2)), keras.Variable(np.zeros(3))])
    with pytest.raises(SystemExit, match="not a checkpoint of this network"):
        checkpoint.load([keras.Variable(np.zeros(5))])


def test_exact_match_is_counted_by_kind_of_image():
    """Of images 0 to 3, the first two are as before; all are predicted as "1", which is right for 0 and 2."""
    logits = np.zeros((4, 6, 3), np.float32)
    logits[:, 0, 1] = logits[:, 1:, 0] = 5
    targets = np.array([[1, 0], [2, 0], [1, 0], [1, 2]])
    exact = exact_by_kind({"ctc": logits, "ordinary": logits}, targets)
    assert exact["CTC"] == exact["ORDINARY"]
    assert exact["CTC"][AS_BEFORE] == exact["CTC"]["all others"] == 0.5
    assert f"{AS_BEFORE} 50.0%" in describe_exact(exact)
