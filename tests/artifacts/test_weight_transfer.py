"""Starting weights: taken where they fit, listed where not; rows of the head follow their symbols."""

from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.pretrained import find_weight_file
from bearcat.artifacts.weight_transfer import plain_name, read_weights, take_over
from bearcat.core.errors import ArtifactError
from bearcat.training.config import Recipe
from models import build_model

OLD = Card("captcha", "CTC", "tiny", ("a", "b", "c"), 24, 48, 1, 3)


@pytest.fixture
def old(tmp_path: Path) -> tuple[keras.Model, Path]:
    """A trained unit's model and its file."""
    keras.utils.set_random_seed(1)
    model, path = build_model(OLD, Recipe()), tmp_path / "old.keras"
    for variable in model.weights:
        variable.assign(np.random.default_rng(variable.shape[0]).uniform(size=variable.shape))
    model.save(path)
    write_card(path, {"card": vars(OLD)})
    return model, path


def head_of(model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array(variable) for variable in model.get_layer("logits").weights)


def test_the_same_network_takes_everything(old: tuple[keras.Model, Path]):
    model = build_model(OLD, Recipe())
    taken, left = take_over(model, OLD.vocabulary, old[1])
    assert (len(taken), left) == (len(model.weights), [])
    assert all(np.array_equal(one, other) for one, other in zip(model.weights, old[0].weights, strict=True))


def test_an_extended_vocabulary_keeps_what_the_old_rows_learnt_wherever_they_stand(old: tuple[keras.Model, Path]):
    card = replace(OLD, characters=("c", "x", "a", "b"))
    model = build_model(card, Recipe())
    fresh_kernel, _ = head_of(model)
    _, left = take_over(model, card.vocabulary, old[1])
    assert left == []
    (kernel, bias), (old_kernel, old_bias) = head_of(model), head_of(old[0])
    # the blank, c, a and b; x in between keeps its own
    assert np.array_equal(kernel[:, [0, 1, 3, 4]], old_kernel[:, [0, 3, 1, 2]])
    assert np.array_equal(bias[[0, 1, 3, 4]], old_bias[[0, 3, 1, 2]])
    assert np.array_equal(kernel[:, 2], fresh_kernel[:, 2])


def test_a_network_of_another_mode_takes_the_backbone_and_lists_the_rest(old: tuple[keras.Model, Path]):
    card = replace(OLD, mode="NUM_CLASSES")
    model = build_model(card, Recipe())
    taken, left = take_over(model, card.vocabulary, old[1])
    backbone = model.get_layer("tiny")
    assert len(taken) == len(backbone.weights)
    assert sorted(left) == sorted(variable.path for variable in model.get_layer("logits").weights)
    old_backbone = old[0].get_layer("tiny").weights
    assert all(np.array_equal(one, other) for one, other in zip(backbone.weights, old_backbone, strict=True))


def test_grey_for_colour_leaves_the_first_convolution_out(tmp_path: Path):
    card = replace(OLD, channels=3)
    build_model(card, Recipe()).save(tmp_path / "colour.keras")
    write_card(tmp_path / "colour.keras", {"card": vars(card)})
    model = build_model(OLD, Recipe())
    taken, left = take_over(model, OLD.vocabulary, tmp_path / "colour.keras")
    assert len(left) == 1
    assert len(taken) == len(model.weights) - 1


def test_weights_as_keras_applications_has_them_are_read(tmp_path: Path):
    path = tmp_path / "published.h5"
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"conv_1", b"pool"]
        group = file.create_group("conv_1")
        group.attrs["weight_names"] = [b"conv_1/kernel:0"]
        group["conv_1/kernel:0"] = values
        file.create_group("pool").attrs["weight_names"] = []
    weights, vocabulary = read_weights(path)
    assert vocabulary is None
    (weight,) = weights
    assert weight.name == "conv/kernel"
    assert np.array_equal(weight.values, values)


@pytest.mark.parametrize("name", ["noise.keras", "noise.h5"])
def test_a_file_without_weights_is_named(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(b"noise")
    with pytest.raises(ArtifactError, match=name):
        take_over(build_model(OLD, Recipe()), OLD.vocabulary, path)


def test_names_lose_the_numbers_that_tell_layers_of_one_kind_apart():
    assert plain_name("conv2d_12/kernel") == "conv2d/kernel"
    assert plain_name("conv2_block1_1_conv/kernel:0") == "conv2_block1_1_conv/kernel"


def test_the_folder_of_starting_weights_holds_one_file_or_none(tmp_path: Path):
    assert find_weight_file(tmp_path / "weight") is None
    (tmp_path / "a.keras").touch()
    (tmp_path / "notes.txt").touch()
    assert find_weight_file(tmp_path) == tmp_path / "a.keras"
    (tmp_path / "b.h5").touch()
    with pytest.raises(ArtifactError, match="holds 2 files of weights"):
        find_weight_file(tmp_path)


def test_letters_of_the_other_case_start_from_those_that_are_known(old: tuple[keras.Model, Path]):
    card = replace(OLD, characters=("A", "b"))
    model = build_model(card, Recipe())
    take_over(model, card.vocabulary, old[1])
    (kernel, _), (old_kernel, _) = head_of(model), head_of(old[0])
    assert np.array_equal(kernel, old_kernel[:, [0, 1, 2]])


def test_a_network_of_colours_sees_their_grey_as_the_grey_one_did(old: tuple[keras.Model, Path]):
    card = replace(OLD, channels=3)
    model = build_model(card, Recipe())
    _, left = take_over(model, card.vocabulary, old[1])
    assert left == []
    colours = np.random.default_rng(0).uniform(0, 255, (2, 24, 48, 3)).astype(np.float32)
    grey = (colours @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    assert np.allclose(model.predict_on_batch(colours), old[0].predict_on_batch(grey), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_positions_are_taken_as_far_as_both_have_them(tmp_path: Path, length: int):
    old = build_model(replace(OLD, mode="ORDINARY"), Recipe())
    old.save(tmp_path / "old.keras")
    write_card(tmp_path / "old.keras", {"card": vars(OLD)})
    model = build_model(replace(OLD, mode="ORDINARY", captcha_length=length), Recipe())
    _, left = take_over(model, OLD.vocabulary, tmp_path / "old.keras")
    assert left == []
    shared = min(3, length)
    kernel, old_kernel = (np.array(one.get_layer("positions").kernel)[:, :shared] for one in (model, old))
    assert np.array_equal(kernel, old_kernel)
