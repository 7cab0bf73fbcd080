"""Initial weights: transferred if they fit, else listed; columns of the head follow their symbols."""

from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.weight_transfer import plain_name, read_weights, start_new_symbols, transfer_weights
from bearcat.core.errors import ArtifactError
from bearcat.data.images import InputSpec
from bearcat.training.config import TrainingConfig
from models import build_model

OLD = Card("captcha", "CTC", "tiny", ("a", "b", "c"), InputSpec(24, 48, 1), 3)


@pytest.fixture
def old(tmp_path: Path) -> tuple[keras.Model, Path]:
    """A trained model and its file."""
    keras.utils.set_random_seed(1)
    model, path = build_model(OLD, TrainingConfig()), tmp_path / "old.keras"
    for variable in model.weights:
        variable.assign(np.random.default_rng(variable.shape[0]).uniform(size=variable.shape))
    model.save(path)
    write_card(path, OLD)
    return model, path


def head_of(model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array(variable) for variable in model.get_layer("logits").weights)


def test_all_weights_of_the_same_network_are_transferred(old: tuple[keras.Model, Path]):
    model = build_model(OLD, TrainingConfig())
    transferred, left = transfer_weights(model, OLD.vocabulary, old[1])
    assert (len(transferred), left) == (len(model.weights), [])
    assert all(np.array_equal(one, other) for one, other in zip(model.weights, old[0].weights, strict=True))


def test_symbols_of_an_extended_vocabulary_keep_their_weights_in_any_order(old: tuple[keras.Model, Path]):
    card = replace(OLD, characters=("c", "x", "a", "b"))
    model = build_model(card, TrainingConfig())
    fresh_kernel, _ = head_of(model)
    _, left = transfer_weights(model, card.vocabulary, old[1])
    assert left == []
    (kernel, bias), (old_kernel, old_bias) = head_of(model), head_of(old[0])
    # the blank, c, a and b; x keeps its own
    assert np.array_equal(kernel[:, [0, 1, 3, 4]], old_kernel[:, [0, 3, 1, 2]])
    assert np.array_equal(bias[[0, 1, 3, 4]], old_bias[[0, 3, 1, 2]])
    assert np.array_equal(kernel[:, 2], fresh_kernel[:, 2])


def test_new_symbols_start_near_the_mean_of_the_known_ones(old: tuple[keras.Model, Path]):
    card = replace(OLD, characters=("c", "x", "a", "B", "y"))
    model = build_model(card, TrainingConfig())
    transfer_weights(model, card.vocabulary, old[1])
    (random_kernel, random_bias), (old_kernel, old_bias) = head_of(model), head_of(old[0])
    start_new_symbols(model, card.vocabulary, old[1])
    kernel, bias = head_of(model)
    new, known = [2, 5], [0, 1, 3, 4]
    mean = old_kernel[:, 1:].mean(axis=1, keepdims=True)
    assert kernel[:, new] == pytest.approx(mean + random_kernel[:, new] / 2, abs=1e-6)
    assert bias[new] == pytest.approx(old_bias[1:].mean() - 1, abs=1e-6)
    assert np.array_equal(kernel[:, known], random_kernel[:, known])
    assert np.array_equal(bias[known], random_bias[known])


@pytest.mark.parametrize("card", [OLD, replace(OLD, mode="CTC_TINY", characters=("x",))], ids=["no new", "narrower"])
def test_without_new_symbols_or_with_other_features_the_head_stays(old: tuple[keras.Model, Path], card: Card):
    model = build_model(card, TrainingConfig())
    before = head_of(model)
    start_new_symbols(model, card.vocabulary, old[1])
    assert all(np.array_equal(one, other) for one, other in zip(head_of(model), before, strict=True))


def test_only_the_backbone_is_transferred_to_another_mode(old: tuple[keras.Model, Path]):
    card = replace(OLD, mode="NUM_CLASSES")
    model = build_model(card, TrainingConfig())
    transferred, left = transfer_weights(model, card.vocabulary, old[1])
    backbone = model.get_layer("tiny")
    assert len(transferred) == len(backbone.weights)
    assert sorted(left) == sorted(variable.path for variable in model.get_layer("logits").weights)
    old_backbone = old[0].get_layer("tiny").weights
    assert all(np.array_equal(one, other) for one, other in zip(backbone.weights, old_backbone, strict=True))


def test_the_first_kernel_is_not_transferred_from_colour_to_grey(tmp_path: Path):
    card = replace(OLD, spec=InputSpec(24, 48, 3))
    build_model(card, TrainingConfig()).save(tmp_path / "colour.keras")
    write_card(tmp_path / "colour.keras", card)
    model = build_model(OLD, TrainingConfig())
    transferred, left = transfer_weights(model, OLD.vocabulary, tmp_path / "colour.keras")
    assert len(left) == 1
    assert len(transferred) == len(model.weights) - 1


def test_h5_weights_of_keras_applications_are_read(tmp_path: Path):
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
def test_a_file_without_weights_is_refused_by_name(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(b"noise")
    with pytest.raises(ArtifactError, match=name):
        transfer_weights(build_model(OLD, TrainingConfig()), OLD.vocabulary, path)


def test_counters_are_removed_from_layer_names():
    assert plain_name("conv2d_12/kernel") == "conv2d/kernel"
    assert plain_name("conv2_block1_1_conv/kernel:0") == "conv2_block1_1_conv/kernel"


def test_unknown_letters_start_from_the_other_case(old: tuple[keras.Model, Path]):
    card = replace(OLD, characters=("A", "b"))
    model = build_model(card, TrainingConfig())
    transfer_weights(model, card.vocabulary, old[1])
    (kernel, _), (old_kernel, _) = head_of(model), head_of(old[0])
    assert np.array_equal(kernel, old_kernel[:, [0, 1, 2]])


def test_a_colour_network_starts_by_seeing_the_luminance(old: tuple[keras.Model, Path]):
    card = replace(OLD, spec=InputSpec(24, 48, 3))
    model = build_model(card, TrainingConfig())
    _, left = transfer_weights(model, card.vocabulary, old[1])
    assert left == []
    colours = np.random.default_rng(0).uniform(0, 255, (2, 24, 48, 3)).astype(np.float32)
    grey = (colours @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    assert np.allclose(model.predict_on_batch(colours), old[0].predict_on_batch(grey), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_positions_that_both_networks_have_are_transferred(tmp_path: Path, length: int):
    old = build_model(replace(OLD, mode="ORDINARY"), TrainingConfig())
    old.save(tmp_path / "old.keras")
    write_card(tmp_path / "old.keras", OLD)
    model = build_model(replace(OLD, mode="ORDINARY", captcha_length=length), TrainingConfig())
    _, left = transfer_weights(model, OLD.vocabulary, tmp_path / "old.keras")
    assert left == []
    shared = min(3, length)
    kernel, old_kernel = (np.array(one.get_layer("positions").kernel)[:, :shared] for one in (model, old))
    assert np.array_equal(kernel, old_kernel)
