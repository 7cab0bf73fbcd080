"""Networks, losses, metrics and optimizers also run on JAX and PyTorch, if these are installed."""

import importlib.util
import subprocess
import sys

import pytest

from tests.helpers.steps import ROOT, SECONDS

STEP = """
import os, sys
os.environ["KERAS_BACKEND"] = sys.argv[1]
import keras, numpy as np
from bearcat.artifacts.card import Card
from bearcat.data.images import InputSpec
from bearcat.networks.registry import BACKBONES
from bearcat.detection.losses import NO_OBJECT
from bearcat.detection.configs import DETECTORS
from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.training.config import TrainingConfig
from bearcat.data.vocabulary import Vocabulary
from models import build_model

assert keras.backend.backend() == sys.argv[1]

def text_task(mode, name):
    codec = make_codec(mode, Vocabulary.of_symbols(map(TEXT_CODECS[mode].symbols, labels)), 3)
    targets = pad_targets([codec.encode(label) for label in labels], codec.target_width(3))
    return Card("captcha", mode, name, codec.vocabulary.characters, InputSpec(24, 48, 1), 3), targets

def detection_task(name):
    objects = np.full((4, 2, 5), NO_OBJECT, "float32")
    objects[:, 0] = 1, 20, 30, 50, 60
    return Card("captcha", "EFFICIENTDET", name, ("a", "b"), InputSpec(128, 128, 1), 3), objects

labels = ["a", "ba", "acc", "cab"]
for number, name in enumerate(sys.argv[2:] or [*BACKBONES, "EfficientDet_light", "EfficientDet_D0"]):
    modes = list(TEXT_CODECS) if name == "light" else [list(TEXT_CODECS)[number % len(TEXT_CODECS)]]
    for card, targets in [detection_task(name)] if name in DETECTORS else [text_task(mode, name) for mode in modes]:
        model = build_model(card, TrainingConfig(optimizer="AdaBelief", label_smoothing=0.1, weight_average=True))
        # eager JAX compiles each operation separately, which takes longer than compiling the step
        model.run_eagerly, model.jit_compile = sys.argv[1] == "torch", sys.argv[1] == "jax"
        images = np.random.default_rng(0).uniform(0, 255, (4, *card.spec.shape)).astype("float32")
        figures = model.train_on_batch(images, targets, return_dict=True)
        assert np.isfinite(float(figures["loss"])), (name, card.mode)
        print(card.mode, name, float(figures["loss"]), flush=True)
"""
FEW = ("light", "ShuffleNetV2_0_5", "EfficientDet_light")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_training_step_on_another_backend(backend: str, pytestconfig: pytest.Config):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    names = () if pytestconfig.getoption("--all-backbones") else FEW
    command = [sys.executable, "-c", STEP, backend, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=20 * SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        assert name in done.stdout
