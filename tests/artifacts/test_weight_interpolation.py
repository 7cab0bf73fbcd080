"""What a network gets back of its base: half of the way that costs no labelled image."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts import pretrained as weights
from bearcat.artifacts.card import Card, read_card, write_card
from bearcat.artifacts.checkpoints import newest_checkpoint
from bearcat.artifacts.export import publish
from bearcat.artifacts.keras_files import load_model
from bearcat.artifacts.pretrained import base_file, base_with, origin_of
from bearcat.artifacts.weight_interpolation import Blend, blend
from bearcat.artifacts.weight_transfer import take_over
from bearcat.modes import Task
from bearcat.training.config import Recipe
from models import build_model
from tests.helpers.steps import read_report

OF_BASE = Card("base", "CTC", "tiny", ("a", "b"), 24, 48, 1, 3)
OF_USER = Card("captcha", "CTC", "tiny", ("b", "x"), 24, 48, 1, 3)
METRICS = {"val_exact": 0.1, "val_loss": 9.0}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base whose weights are all 1."""
    return save(build_model(OF_BASE, Recipe()), tmp_path / "base.keras", {"card": vars(OF_BASE)})


@pytest.fixture
def model() -> keras.Model:
    """A network whose weights are all 0."""
    network = build_model(OF_USER, Recipe())
    network.set_weights([np.zeros_like(value) for value in network.get_weights()])
    return network


def save(network: keras.Model, path: Path, payload: dict) -> Path:
    network.set_weights([np.ones_like(value) for value in network.get_weights()])
    network.save(path)
    write_card(path, payload)
    return path


def first_weight(network: keras.Model) -> float:
    return float(network.get_weights()[0].flat[0])


@pytest.mark.parametrize(("lost_from", "share"), [(0.65, 0.3), (0.75, 0.35), (0.05, 0.0), (2.0, 0.5)])
def test_half_of_the_way_that_costs_nothing_is_gone(model: keras.Model, base: Path, lost_from: float, share: float):
    done = blend(model, OF_USER, base, lambda: np.array([True, first_weight(model) < lost_from, False]))
    assert done == Blend(pytest.approx(share), 3, 2, 2)
    kernel, bias = model.get_layer("logits").get_weights()
    assert kernel[:, [0, 1]] == pytest.approx(share)  # the blank's row and b's
    assert bias[[0, 1]] == pytest.approx(share)
    assert not kernel[:, 2].any()  # the base has no x
    assert first_weight(model) == pytest.approx(share)


def test_a_image_that_only_the_base_reads_makes_up_for_none_that_it_does_not(model: keras.Model, base: Path):
    won = lambda: [first_weight(model) > 0.05] * 3  # noqa: E731
    assert blend(model, OF_USER, base, lambda: np.array([True, *won()])) == Blend(0.5, 4, 4, 1)
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    assert blend(model, OF_USER, base, lambda: np.array([not won()[0], *won()])).share == 0


def test_what_is_lost_half_way_back_is_kept(model: keras.Model, base: Path):
    done = blend(
        model, OF_USER, base, lambda: np.array([not 0.12 < first_weight(model) < 0.18 and first_weight(model) < 0.35])
    )
    assert (done.share, first_weight(model)) == (0, 0)


def test_another_network_than_the_base_is_left_alone(base: Path):
    other = replace(OF_USER, mode="NUM_CLASSES", captcha_length=1)
    network = build_model(other, Recipe())
    before = network.get_weights()
    assert blend(network, other, base, lambda: np.array([True])) is None
    assert all(np.array_equal(one, two) for one, two in zip(before, network.get_weights(), strict=True))


def test_what_is_published_is_blended_and_says_where_it_comes_from(tmp_path: Path):
    path, card = base_file("tiny", Task.TEXT), replace(OF_USER, mode="CTC_TINY", metrics=METRICS)
    network, random = build_model(card, Recipe()), np.random.default_rng(0)
    take_over(network, card.vocabulary, path)
    of_base = network.get_layer("logits").get_weights()[0]
    network.set_weights([value + random.normal(0, 1e-4, value.shape) for value in network.get_weights()])
    own = network.get_layer("logits").get_weights()[0]
    pixels = random.integers(0, 256, (4, 24, 48, 1)).astype(np.uint8)
    texts = [
        prediction.text
        for prediction in card.make_codec().decode(network.predict(pixels.astype(np.float32), verbose=0))
    ]
    checkpoint = tmp_path / "checkpoint.keras"
    network.save(checkpoint)
    write_card(checkpoint, {"card": vars(card), "recipe": {"origin": origin_of(path), "precision": "float32"}})

    for folder in ("model", "App_model"):
        (tmp_path / folder).mkdir()
    folders, trained_on = (tmp_path / "model", tmp_path / "App_model"), [(pixels[3], texts[3])]
    unit = publish(checkpoint, "captcha", *folders, pixels, texts[:2], trained_on)
    assert unit.blend == Blend(0.5, 3, 3, 3)
    published = load_model(unit.keras_file).get_layer("logits").get_weights()[0]
    assert published[:, :2] == pytest.approx((own + of_base)[:, :2] / 2, abs=1e-7)
    assert unit.card.metrics["val_exact"] == 1
    assert "val_loss" not in unit.card.metrics  # that was the checkpoint's
    assert origin_of(unit.keras_file) == origin_of(path)
    assert publish(checkpoint, "captcha", *folders, pixels, texts[:2]).blend is None  # nothing to see the cost by


def test_the_origin_is_the_base_itself_or_what_a_training_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = base_file("tiny", Task.TEXT)
    assert base_with(origin_of(path)) == path
    network = build_model(OF_BASE, Recipe())
    payload = {"card": vars(OF_BASE)}
    gone_on = save(network, tmp_path / "gone_on.keras", payload | {"recipe": {"origin": origin_of(path)}})
    assert base_with(origin_of(gone_on)) == path
    assert origin_of(save(network, tmp_path / "plain.keras", payload)) == ""
    assert origin_of(tmp_path / "of_others.h5") == ""
    assert base_with("") is None
    monkeypatch.setattr(weights, "BASE_FOLDER", tmp_path / "newer")  # another base has come since
    assert base_with(origin_of(gone_on)) is None


def test_a_training_notes_its_origin_and_save_model_blends(trained: Path):
    recipe = read_card(newest_checkpoint(trained / "checkpoint")[0].path)[1]["recipe"]
    assert base_with(recipe["origin"]) == base_file("light", Task.TEXT)
    saved = read_report(trained, "save")
    assert saved["blend"]["pictures"] == 60 + 12
    assert saved["blend"]["right"] >= saved["blend"]["right_before"]
