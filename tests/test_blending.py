"""What a network gets back of its base: half of the way that costs no labelled picture."""

from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import read_report

from bearcat import weights
from bearcat.artifact import Card, read_card, write_card
from bearcat.blending import Blend, blend
from bearcat.checkpoints import newest_checkpoint
from bearcat.recipe import Recipe
from bearcat.weights import base_file, base_with, origin_of
from models import build_model

OF_BASE = Card("base", "CTC", "tiny", ("a", "b"), 24, 48, 1, 3)
OF_USER = Card("captcha", "CTC", "tiny", ("b", "x"), 24, 48, 1, 3)


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


@pytest.mark.parametrize(("lost_from", "share"), [(0.65, 0.3), (0.05, 0.0), (2.0, 0.5)])
def test_half_of_the_way_that_costs_nothing_is_gone(model: keras.Model, base: Path, lost_from: float, share: float):
    done = blend(model, OF_USER, base, lambda: 7 - (first_weight(model) >= lost_from), 9)
    assert done == Blend(pytest.approx(share), 9, 7, 7)
    kernel, bias = model.get_layer("logits").get_weights()
    assert kernel[:, [0, 1]] == pytest.approx(share)  # the blank's row and b's
    assert bias[[0, 1]] == pytest.approx(share)
    assert not kernel[:, 2].any()  # the base has no x
    assert first_weight(model) == pytest.approx(share)


def test_pictures_that_only_the_base_reads_count(model: keras.Model, base: Path):
    assert blend(model, OF_USER, base, lambda: round(10 * first_weight(model)), 10) == Blend(0.5, 10, 5, 0)


def test_the_origin_is_the_base_itself_or_what_a_training_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = base_file("tiny", "character")
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
    assert base_with(recipe["origin"]) == base_file("light", "character")
    told = read_report(trained, "save")["blend"]
    assert told["pictures"] == 60 + 12
    assert told["right"] >= told["right_before"]
