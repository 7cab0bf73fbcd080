"""One training step of each mode on one replica and on two: losses and the difference of the weights, as JSON.

python tests/helpers/replicas.py MODE …: run by test_distribution.py in a process of its own, since the CPU must be
divided before TensorFlow computes anything. Both replicas get the same images, so that batch normalisation sees the
statistics of one replica; without dropout nothing else can differ.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from bearcat.artifacts.card import Card
from bearcat.core.devices import start_tensorflow
from bearcat.data.images import InputSpec
from bearcat.detection.configs import LIGHT_PHI, detector_name
from bearcat.modes import MODES, Task
from bearcat.training.cluster import ALONE
from bearcat.training.config import TrainingConfig
from bearcat.training.distribution import SINGLE_REPLICA, Replicas, start_replicas
from bearcat.training.sanity_check import leaf_layers
from tests.helpers.toy_networks import shrink_networks

HALF = 4
DETECTOR = detector_name(LIGHT_PHI)
SIZES = {Task.DETECTION: (64, 64), Task.TEXT: (24, 48), Task.CLASSIFICATION: (24, 48)}


def main(modes: list[str]) -> None:
    """Prints mode → the result of one training step on two replicas and on one."""
    device = start_tensorflow(use_gpu=False, seed=0)
    replicas = start_replicas("mirrored", ALONE, device)
    shrink_networks(pytest.MonkeyPatch())
    print(json.dumps({mode: compare(mode, replicas) for mode in modes}))


def compare(mode: str, replicas: Replicas) -> dict:
    """Returns the result of one training step of a mode on two replicas and on one."""
    backbone = DETECTOR if MODES[mode].task is Task.DETECTION else "tiny"
    card = Card("c", mode, backbone, ("a", "b", "c"), InputSpec(*SIZES[MODES[mode].task], 1), 3)
    images, targets = draw_batch(card)
    one = step(SINGLE_REPLICA, card, np.tile(images, (2, 1, 1, 1)), np.concatenate([targets, targets]))
    two = step(replicas, card, images, targets, one.pop("before"))
    two.pop("before")
    gaps = [float(np.abs(a - b).max()) for a, b in zip(one.pop("after"), two.pop("after"), strict=True)]
    return {"replicas": replicas.count, "one": one, "two": two, "largest_gap": max(gaps)}


def draw_batch(card: Card) -> tuple[np.ndarray, np.ndarray]:
    """Returns random images and targets."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (HALF, *card.spec.shape)).astype(np.float32)
    if MODES[card.mode].task is not Task.DETECTION:
        width = card.make_codec().target_width(2)
        targets = np.zeros((HALF, width), np.int32)
        targets[:, : min(2, width)] = random.integers(1, 3, (HALF, min(2, width)))
        return images, targets
    corners = random.uniform(0, 30, (HALF, 2, 2))
    return images, np.concatenate([np.zeros((HALF, 2, 1)), corners, corners + 24], axis=-1).astype(np.float32)


def step(replicas: Replicas, card: Card, images, targets, weights: list | None = None) -> dict:
    """Trains one step and validates, from given weights or new ones; returns losses, and weights before and after."""
    import tensorflow as tf

    from models import build_model

    with replicas.scope():
        model = build_model(card, TrainingConfig(lr=1e-2, optimizer="SGD"))
    if weights:
        model.set_weights(weights)
    for layer in leaf_layers(model):
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    before = model.get_weights()
    model.run_eagerly = replicas is SINGLE_REPLICA  # what is compared with needs no tracing
    batches = tf.data.Dataset.from_tensors((images, targets)).repeat()
    replicas.prepare(model, batches)
    distributed = replicas.distribute(batches)
    history = model.fit(distributed, steps_per_epoch=1, verbose=0, shuffle=False).history
    replicas.sync_batch_norm(model)()
    valid = model.evaluate(distributed, steps=1, verbose=0, return_dict=True)
    return {"loss": history["loss"][0], "valid": valid, "before": before, "after": model.get_weights()}


if __name__ == "__main__":
    main(sys.argv[1:])
