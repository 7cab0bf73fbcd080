"""The mix of colours: chosen by what the pretrained weights read, and found again in a trained kernel."""

from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bearcat.artifacts.card import Card
from bearcat.artifacts.colour_mix import DEFAULT, MIXES, choose_mix, see_nearest_mix
from bearcat.artifacts.weight_transfer import first_kernel, plain_name, transfer_weights
from bearcat.data.images import InputSpec
from bearcat.training.config import TrainingConfig
from models import build_model
from tests.helpers.animations import FONT
from tests.helpers.networks import pretrained_path

TEXTS = ["2357", "7532", "3275", "5723"]
CARD = Card("captcha", "CTC_TINY", "tiny", ("2", "3", "5", "7"), InputSpec(40, 120, 3), 4)


def draw(text: str, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    image = Image.new("RGB", (120, 40), paper)
    ImageDraw.Draw(image).text((14, 2), text, ink, ImageFont.truetype(FONT, 34))
    return np.asarray(image)


@pytest.fixture
def model() -> keras.Model:
    model = build_model(CARD, TrainingConfig())
    transfer_weights(model, CARD.vocabulary, pretrained_path())
    return model


def grey_kernel_of(model: keras.Model) -> np.ndarray:
    return np.array(first_kernel(model)).sum(axis=2, keepdims=True)


def test_letters_as_bright_as_their_background_are_seen_through_another_mix(model: keras.Model):
    pixels = np.stack([draw(text, (200, 40, 40), (60, 108, 60)) for text in TEXTS])
    grey_kernel = grey_kernel_of(model)
    chosen = choose_mix(model, CARD, pixels, TEXTS)
    assert chosen and chosen.name != DEFAULT
    assert chosen.similarity > 0.8 > chosen.similarity_of_default + 0.3
    mix = np.array(MIXES[chosen.name], np.float32)
    assert np.allclose(first_kernel(model), grey_kernel * mix[:, None], atol=1e-6)


def test_text_that_is_legible_in_grey_is_seen_through_the_luminance(model: keras.Model):
    kernel = np.array(first_kernel(model))
    chosen = choose_mix(model, CARD, np.stack([draw(text, (0, 0, 0), (255, 255, 255)) for text in TEXTS]), TEXTS)
    assert chosen and (chosen.name, chosen.images) == (DEFAULT, 4)
    assert np.allclose(first_kernel(model), kernel, atol=1e-6)


def test_nothing_is_chosen_for_other_networks_or_without_images(model: keras.Model):
    assert choose_mix(model, CARD, np.zeros((0, 40, 120, 3)), []) is None
    grey = replace(CARD, spec=InputSpec(40, 120, 1))
    assert choose_mix(build_model(grey, TrainingConfig()), grey, np.zeros((1, 40, 120, 1)), ["2"]) is None
    fresh = build_model(CARD, TrainingConfig())  # random weights see all colours already
    before = np.array(first_kernel(fresh))
    assert choose_mix(fresh, CARD, np.zeros((1, 40, 120, 3)), ["2"]) is None
    assert np.array_equal(before, first_kernel(fresh))


def test_the_mix_of_a_trained_kernel_is_found_again(model: keras.Model):
    grey_kernel = grey_kernel_of(model)
    mix = np.array([0.5, -0.25, 0.0, 0.75], np.float32)[:, None]
    rest = np.random.default_rng(0).normal(0, 1e-4, first_kernel(model).shape)
    see_nearest_mix(model, grey_kernel * mix + rest)
    assert np.allclose(first_kernel(model), grey_kernel * mix, atol=1e-3)


def test_weights_for_rgb_alone_are_kept_and_greyness_has_no_effect_at_first(model: keras.Model, tmp_path: Path):
    kernel = np.random.default_rng(0).normal(size=(5, 5, 3, 32)).astype(np.float32)
    layer, _, name = plain_name(first_kernel(model).path).rpartition("/")
    with h5py.File(tmp_path / "rgb.h5", "w") as file:
        file.attrs["layer_names"] = [layer.encode()]
        file.create_group(layer).attrs["weight_names"] = [name.encode()]
        file[layer][name] = kernel
    transfer_weights(model, CARD.vocabulary, tmp_path / "rgb.h5")
    transferred = np.array(first_kernel(model))
    assert np.array_equal(transferred[:, :, :3], kernel)
    assert not transferred[:, :, 3].any()
