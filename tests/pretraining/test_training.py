"""The training of the pretrained weights on a CPU, when it goes on from weights that there are."""

from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts.card import read_card
from bearcat.artifacts.keras_files import load_model
from bearcat.artifacts.pretrained import PRETRAINED_FOLDER
from bearcat.artifacts.weight_transfer import plain_name
from pretraining import training
from pretraining.progress import Checkpoint

IMAGES = 24


def kernels(path: Path) -> dict[str, np.ndarray]:
    return {plain_name(layer.name): layer.get_weights()[0] for layer in load_model(path).layers if layer.get_weights()}


@pytest.fixture
def _small_training(monkeypatch: pytest.MonkeyPatch):
    """Six batches of four images, of which the first four validate."""
    for name, value in {"BATCH_SIZE": 4, "HELD_OUT": 4, "EPOCH_STEPS": 2, "HEAD_STEPS": 2}.items():
        monkeypatch.setattr(training, name, value)
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.mark.usefixtures("_small_training")
def test_the_head_alone_is_trained_at_the_end(tmp_path: Path):
    """The time is up at once, so that the weights before it are those of the start."""
    start, checkpoint = PRETRAINED_FOLDER / "tiny.keras", Checkpoint(tmp_path / "checkpoint.npz")
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 48, 160), np.uint8)
    training.train(images, ["ab3"] * IMAGES, "tiny", 1e-6, tmp_path, checkpoint, start)
    before, after = kernels(start), kernels(tmp_path / "tiny.keras")
    head, positions, norms = "logits", "positions", {name for name in before if "norm" in name}
    assert after[head].shape[-1] > before[head].shape[-1]
    assert after[positions].shape[-1] > before[positions].shape[-1]
    for name in before.keys() - {head, positions} - norms:
        assert np.allclose(before[name], after[name], atol=1e-3), name
    rows = [read_card(path)[0].vocabulary.index_of["a"] for path in (start, tmp_path / "tiny.keras")]
    assert not np.allclose(before[head][:, rows[0]], after[head][:, rows[1]], atol=1e-3)
    assert not checkpoint.path.exists()
