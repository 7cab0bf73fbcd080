"""Detectors have the published sizes, and learn."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import load_model
from bearcat.data.images import InputSpec
from bearcat.detection.boxes import make_anchors
from bearcat.detection.configs import DETECTORS, LIGHT_PHI, DetectorConfig, detector_name
from bearcat.detection.losses import NO_OBJECT
from bearcat.detection.network import FastFusion, build_detector
from bearcat.training.config import TrainingConfig
from models import build_model
from tests.helpers.networks import count_parameters, without_values

SIDE = 64
CARD = Card("c", "EFFICIENTDET", detector_name(LIGHT_PHI), ("a", "b"), InputSpec(SIDE, SIDE, 1), 8)
OBJECTS = np.array([[0, 4, 4, 28, 30], [1, 30, 20, 60, 50], [NO_OBJECT] * 5], np.float32)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


# Tan, Pang, Le 2020, table 2: 3.9 M and 6.6 M parameters, for the 90 classes of COCO
@pytest.mark.parametrize(("detector", "side", "published"), [("D0", 512, 3.9e6), ("D1", 640, 6.6e6)])
def test_an_efficientdet_has_the_published_number_of_parameters(detector: str, side: int, published: float):
    config = DETECTORS[f"EfficientDet_{detector}"]

    def build() -> keras.Model:
        pixels = keras.Input((side, side, 3))
        model = keras.Model(pixels, build_detector(pixels, config, 90))
        assert model.output_shape == (None, len(make_anchors(config, side, side)), 94)
        return model

    assert count_parameters(build) == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("phi", range(8))
def test_every_phi_builds_with_its_kind_of_fusion(phi: int):
    config = DETECTORS[detector_name(phi)]
    assert config.weighted == (phi < 6)
    thin = DetectorConfig(**vars(config) | {"backbone": "plain", "filters": 8, "cells": 1, "depth": 1})
    pixels = keras.Input((128, 256, 1))
    with without_values():
        model = keras.Model(pixels, build_detector(pixels, thin, 2))
    assert model.output_shape[1:] == (len(make_anchors(config, 128, 256)), 6)
    assert any(isinstance(layer, FastFusion) for layer in model.layers) == config.weighted


def test_the_weights_of_fast_fusion_sum_to_one_and_are_never_negative():
    fusion, maps = FastFusion(), [np.full((1, 2, 2, 1), value, np.float32) for value in (1.0, 4.0)]
    np.testing.assert_allclose(fusion(maps), np.full((1, 2, 2, 1), 2.5), rtol=1e-4)
    fusion.shares.assign([-1.0, 2.0])
    np.testing.assert_allclose(fusion(maps), np.full((1, 2, 2, 1), 4.0), rtol=1e-4)


def make_batch() -> tuple[np.ndarray, np.ndarray]:
    """Returns two images of noise with the same objects."""
    images = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 1)).astype(np.float32)
    return images, np.tile(OBJECTS[None], (2, 1, 1))


def test_training_lowers_the_loss_and_the_saved_model_computes_the_same(tmp_path: Path):
    model, (images, targets) = build_model(CARD, TrainingConfig(lr=1e-3)), make_batch()
    model.run_eagerly = True  # a few steps are faster without tracing
    first = model.train_on_batch(images, targets)
    later = [model.train_on_batch(images, targets)[0] for _ in range(2)]
    assert min(later) < first[0]
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras", compile=True)
    np.testing.assert_allclose(loaded(images), model(images), atol=1e-4)
    assert loaded.loss.get_config() == model.loss.get_config()


@pytest.mark.parametrize("backbone", ["plain", "EfficientNet_b0"])
def test_a_step_changes_all_weights_of_d0(backbone: str, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config):
    if backbone != "plain" and not pytestconfig.getoption("--all-backbones"):
        pytest.skip("its own backbone takes half a minute: make test-backbones")
    thin = replace(DETECTORS["EfficientDet_D0"], backbone=backbone, cells=1, depth=1)
    monkeypatch.setitem(DETECTORS, "EfficientDet_D0", thin)
    card = replace(CARD, backbone="EfficientDet_D0", spec=InputSpec(128, 128, 1))
    model = build_model(card, TrainingConfig(lr=1e-3))
    model.run_eagerly = True  # a single step is faster without tracing
    before = [np.array(weight) for weight in model.trainable_weights]
    images, targets = make_batch()
    loss, _ = model.train_on_batch(np.pad(images, ((0, 0), (0, SIDE), (0, SIDE), (0, 0))), targets)
    assert np.isfinite(loss)
    changed = [not np.array_equal(old, new) for old, new in zip(before, model.trainable_weights, strict=True)]
    assert np.mean(changed) > 0.95
