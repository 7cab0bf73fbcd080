"""A training on few images of known characters keeps close to its starting weights."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.pretrained import PRETRAINED_FOLDER, knows_nearly_all
from bearcat.core.devices import Device
from bearcat.core.workspace import Work
from bearcat.data.images import InputSpec
from bearcat.networks.layers import FusedBatchNormalization
from bearcat.settings_rules import load_settings
from bearcat.training.config import TrainingConfig
from bearcat.training.sanity_check import leaf_layers
from bearcat.training.self_training.rounds import Round
from bearcat.training.starting_weights import keep_averages, load_starting_weights
from bearcat.training.trainer import Trainer
from models import build_model
from tests.helpers.steps import ROOT

CARD = Card("captcha", "CTC", "light", ("1", "2"), InputSpec(32, 64, 1), 3)
CPU = Device("the CPU", has_gpu=False)
SOURCE = SimpleNamespace(sample=lambda *_: (np.zeros((2, 32, 64, 1), np.uint8), ["1", "1"]))  # two images


def build_as_asked(card: Card, config: TrainingConfig, *_: object) -> tuple[keras.Model, Card, TrainingConfig]:
    """Builds the network of a card, without a choice of backbone or precision."""
    return build_model(card, config), card, config


def normalizations(model: keras.Model) -> list[FusedBatchNormalization]:
    """The layers of batch normalization."""
    return [layer for layer in leaf_layers(model) if isinstance(layer, FusedBatchNormalization)]


def test_a_step_changes_scales_and_offsets_but_not_the_averages_that_were_loaded():
    model = build_model(CARD, TrainingConfig())
    taken = load_starting_weights(model, CARD, PRETRAINED_FOLDER / "light.keras")
    foreign = model.get_layer("columns_norm")
    keep_averages(model, set(taken) - {foreign.moving_mean.path})
    layers = normalizations(model)
    kept = [layer for layer in layers if layer is not foreign]
    assert len(kept) > 6  # of the backbone, whose layers are in a model of their own, and of the columns
    before = {layer: [np.array(weight) for weight in layer.weights] for layer in layers}
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 64, 1)).astype(np.float32)
    model.train_on_batch(pixels, np.array([[1, 2, 0], [2, 1, 0], [1, 1, 0], [2, 2, 0]]))
    for layer in layers:
        unchanged = [np.array_equal(*pair) for pair in zip(before[layer], layer.weights, strict=True)]
        assert unchanged == [False, False, layer is not foreign, layer is not foreign]


@pytest.mark.parametrize(
    ("images", "characters", "rate", "keeps"),
    [(100, "1B", 1e-3, True), (400, "1B", 2e-3, False), (25, "12加", 1e-3, False), (100, "12加", 2e-3, False)],
)
def test_trainings_on_few_images_of_known_characters_keep_the_averages_and_take_a_lower_rate(
    tmp_path: Path, images: int, characters: str, rate: float, keeps: bool
):
    settings = load_settings(ROOT / "settings.py", None, ["WEIGHTS='pretrained'", "LR=2e-3"])
    trainer = Trainer(Work(tmp_path), settings, replace(CARD, characters=tuple(characters)), labelled=images)
    model = trainer.start(CPU, build_as_asked, SOURCE)
    assert {layer.keeps_averages for layer in normalizations(model)} == {keeps}
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("characters", "expected"),
    [("0aZ", True), ("0123456789", True), ("012345678加", True), ("01234567加减", False), ("", True)],
)
def test_weights_know_nearly_all_characters_from_nine_of_ten_on(characters: str, expected: bool):
    assert knows_nearly_all(PRETRAINED_FOLDER / "light.keras", characters) == expected


def test_a_letter_is_known_in_either_case(tmp_path: Path):
    path = tmp_path / "digits.keras"
    build_model(CARD, TrainingConfig()).save(path)
    write_card(path, replace(CARD, characters=("a", "B")))
    assert knows_nearly_all(path, "Ab")
    assert not knows_nearly_all(path, "Abc")


@pytest.mark.parametrize(("images", "weight"), [(399, 0.0), (400, 1.0)])
def test_images_without_labels_count_in_the_first_round_only_if_it_is_not_careful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: int, weight: float
):
    monkeypatch.setattr("bearcat.training.trainer.measure_start", lambda *_: 1.0)
    settings = load_settings(ROOT / "settings.py", None, ["WEIGHTS='pretrained'"])
    trainer = Trainer(Work(tmp_path), settings, CARD, labelled=images, unlabelled=100)
    trainer.start(CPU, build_as_asked, SOURCE)
    assert trainer.round == Round(1, weight)
