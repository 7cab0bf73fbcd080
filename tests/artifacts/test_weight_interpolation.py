"""Weight interpolation with the pretrained weights: half of the way on which no labelled image is lost."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts.card import Card, read_card, write_card
from bearcat.artifacts.checkpoints import newest_checkpoint
from bearcat.artifacts.export.publish import publish
from bearcat.artifacts.keras_files import load_model
from bearcat.artifacts.pretrained import find_pretrained, origin_of, pretrained_file
from bearcat.artifacts.weight_interpolation import Interpolation, interpolate_weights
from bearcat.artifacts.weight_transfer import first_kernel, transfer_weights
from bearcat.data.images import InputSpec
from bearcat.modes import Task
from bearcat.training.config import TrainingConfig
from models import build_model
from tests.helpers.steps import read_report

PRETRAINED_CARD = Card("base", "CTC", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)
CARD = Card("captcha", "CTC", "tiny", ("b", "x"), InputSpec(24, 48, 1), 3)
METRICS = {"val_exact": 0.1, "val_loss": 9.0}


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """Pretrained weights that are all 1."""
    return save(build_model(PRETRAINED_CARD, TrainingConfig()), tmp_path / "pretrained.keras")


@pytest.fixture
def model() -> keras.Model:
    """A network whose weights are all 0."""
    network = build_model(CARD, TrainingConfig())
    network.set_weights([np.zeros_like(value) for value in network.get_weights()])
    return network


def save(network: keras.Model, path: Path, **further: object) -> Path:
    """Saves a network with all weights 1."""
    network.set_weights([np.ones_like(value) for value in network.get_weights()])
    network.save(path)
    write_card(path, PRETRAINED_CARD, **further)
    return path


def first_weight(network: keras.Model) -> float:
    return float(network.get_weights()[0].flat[0])


@pytest.mark.parametrize(("lost_from", "fraction"), [(0.65, 0.3), (0.75, 0.35), (0.05, 0.0), (2.0, 0.5)])
def test_the_fraction_is_half_of_the_largest_without_a_loss(
    model: keras.Model, pretrained: Path, lost_from: float, fraction: float
):
    found = interpolate_weights(
        model, CARD, pretrained, lambda: np.array([True, first_weight(model) < lost_from, False])
    )
    assert found == Interpolation(pytest.approx(fraction), 3, 2, 2)
    kernel, bias = model.get_layer("logits").get_weights()
    assert kernel[:, [0, 1]] == pytest.approx(fraction)  # the columns of the blank and of b
    assert bias[[0, 1]] == pytest.approx(fraction)
    assert not kernel[:, 2].any()  # the pretrained vocabulary has no x
    assert first_weight(model) == pytest.approx(fraction)


def test_an_image_that_is_won_does_not_make_up_for_one_that_is_lost(model: keras.Model, pretrained: Path):
    won = lambda: [first_weight(model) > 0.05] * 3  # noqa: E731
    found = interpolate_weights(model, CARD, pretrained, lambda: np.array([True, *won()]))
    assert found == Interpolation(0.5, 4, 4, 1)
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    found = interpolate_weights(model, CARD, pretrained, lambda: np.array([not won()[0], *won()]))
    assert found.fraction == 0


def test_an_image_that_is_lost_at_the_fraction_itself_counts(model: keras.Model, pretrained: Path):
    found = interpolate_weights(
        model,
        CARD,
        pretrained,
        lambda: np.array([not 0.12 < first_weight(model) < 0.18 and first_weight(model) < 0.35]),
    )
    assert (found.fraction, first_weight(model)) == (0, 0)


def test_a_network_for_colour_keeps_the_mix_of_colours_that_it_sees(pretrained: Path):
    card = replace(CARD, spec=InputSpec(24, 48, 3))
    network, mix = build_model(card, TrainingConfig()), np.array([0, 0, 0, 1], np.float32)
    network.set_weights([np.zeros_like(value) for value in network.get_weights()])
    first_kernel(network).assign(np.ones(first_kernel(network).shape) * mix[:, None])
    found = interpolate_weights(network, card, pretrained, lambda: np.array([True]))
    assert found and found.fraction == 0.5
    assert np.array_equal(first_kernel(network), np.ones(first_kernel(network).shape) * mix[:, None])
    assert network.get_layer("logits").get_weights()[0][:, :2] == pytest.approx(0.5)


def test_a_network_that_differs_from_the_pretrained_one_is_unchanged(pretrained: Path):
    other = replace(CARD, mode="NUM_CLASSES", captcha_length=1)
    network = build_model(other, TrainingConfig())
    before = network.get_weights()
    assert interpolate_weights(network, other, pretrained, lambda: np.array([True])) is None
    assert all(np.array_equal(one, two) for one, two in zip(before, network.get_weights(), strict=True))


def test_the_report_keeps_the_keys_of_earlier_versions():
    report = Interpolation(fraction=0.25, images=8, correct=7, correct_before=6).to_report()
    assert report == {"share": 0.25, "pictures": 8, "right": 7, "right_before": 6}


def test_a_published_model_is_interpolated_and_names_its_origin(tmp_path: Path):
    path, card = pretrained_file("tiny", Task.TEXT), replace(CARD, mode="CTC_TINY", metrics=METRICS)
    network, random = build_model(card, TrainingConfig()), np.random.default_rng(0)
    transfer_weights(network, card.vocabulary, path)
    pretrained = network.get_layer("logits").get_weights()[0]
    network.set_weights([value + random.normal(0, 1e-4, value.shape) for value in network.get_weights()])
    own = network.get_layer("logits").get_weights()[0]
    pixels = random.integers(0, 256, (4, 24, 48, 1)).astype(np.uint8)
    texts = [
        prediction.text
        for prediction in card.make_codec().decode(network.predict(pixels.astype(np.float32), verbose=0))
    ]
    checkpoint = tmp_path / "checkpoint.keras"
    network.save(checkpoint)
    write_card(checkpoint, card, recipe={"origin": origin_of(path), "precision": "float32"})

    for folder in ("model", "App_model"):
        (tmp_path / folder).mkdir()
    folders, trained_on = (tmp_path / "model", tmp_path / "App_model"), [(pixels[3], texts[3])]
    published = publish(checkpoint, "captcha", *folders, pixels, texts[:2], trained_on)
    assert published.interpolation == Interpolation(0.5, 3, 3, 3)
    saved = load_model(published.keras_file).get_layer("logits").get_weights()[0]
    assert saved[:, :2] == pytest.approx((own + pretrained)[:, :2] / 2, abs=1e-7)
    assert published.card.metrics["val_exact"] == 1
    assert "val_loss" not in published.card.metrics  # that was the checkpoint's
    assert origin_of(published.keras_file) == origin_of(path)
    # without training images there is nothing to measure the cost on
    assert publish(checkpoint, "captcha", *folders, pixels, texts[:2]).interpolation is None


def test_a_training_records_its_origin_and_save_model_interpolates(trained: Path):
    recipe = read_card(newest_checkpoint(trained / "checkpoint")[0].path)[1]["recipe"]
    assert find_pretrained(recipe["origin"]) == pretrained_file("light", Task.TEXT)
    saved = read_report(trained, "save")
    assert saved["blend"]["pictures"] == 60 + 12
    assert saved["blend"]["right"] >= saved["blend"]["right_before"]
