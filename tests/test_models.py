"""The networks of the text and class modes: shapes, training that lowers the loss, saving and loading."""

from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import load_model, to_float32
from bearcat.core.devices import precision_scope
from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.data.images import InputSpec
from bearcat.data.vocabulary import Vocabulary
from bearcat.networks.layers import ManyLogits
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT, input_size_for, width_for_steps
from bearcat.training.config import TrainingConfig
from models import LARGE_VOCABULARY, build_model, make_head

LABELS = ["a", "ba", "acc", "cab"]


def build(mode: str, channels: int = 1, size: tuple[int, int] = (24, 48), backbone: str = "light") -> keras.Model:
    characters = codec_of(mode).vocabulary.characters
    return build_model(Card("captcha", mode, backbone, characters, InputSpec(*size, channels), 3), TrainingConfig())


def codec_of(mode: str):
    """Returns a codec for LABELS."""
    return make_codec(mode, Vocabulary.of_symbols(map(TEXT_CODECS[mode].symbols, LABELS)), 3)


def make_batch(mode: str, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Returns random images, and the targets of LABELS."""
    images = np.random.default_rng(0).uniform(0, 255, (len(LABELS), 24, 48, channels)).astype(np.float32)
    codec = codec_of(mode)
    return images, pad_targets([codec.encode(label) for label in LABELS], codec.target_width(3))


@pytest.mark.parametrize("mode", TEXT_CODECS)
@pytest.mark.parametrize("channels", [1, 3])
def test_training_on_one_batch_lowers_its_loss(mode: str, channels: int):
    keras.utils.set_random_seed(0)
    model, (images, targets) = build(mode, channels), make_batch(mode, channels)
    losses = [model.train_on_batch(images, targets, return_dict=True)["loss"] for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("mode", TEXT_CODECS)
@pytest.mark.parametrize("size", [(27, 72), (50, 200), (32, 90)])
def test_logits_have_a_class_per_symbol_at_any_size(mode: str, size: tuple[int, int]):
    columns = input_size_for(*size)[1] // 4
    steps = {"ORDINARY": 3, "NUM_CLASSES": 1, "CTC": columns, "CTC_TINY": columns}[mode]
    assert build(mode, size=size).output_shape == (None, steps, len(codec_of(mode).vocabulary))


@pytest.mark.parametrize("mode", TEXT_CODECS)
def test_a_saved_model_computes_the_same_and_keeps_its_optimizer(mode: str, tmp_path: Path):
    model, (images, targets) = build(mode), make_batch(mode)
    model.train_on_batch(images, targets)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", compile=True)
    assert np.allclose(model.predict_on_batch(images), loaded.predict_on_batch(images), atol=1e-6)
    assert int(loaded.optimizer.iterations) == 1
    pairs = zip(model.optimizer.variables, loaded.optimizer.variables, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(("steps", "height"), [(60, 50), (41, 30), (80, 48)])
def test_images_of_the_recommended_width_give_the_time_steps(steps: int, height: int):
    width = width_for_steps(steps, height)
    assert steps <= build("CTC", size=(height, width)).output_shape[1] <= steps + 2


def test_only_the_light_backbones_resize_text():
    assert "sight" in [layer.name for layer in build("CTC").layers]
    assert "sight" not in [layer.name for layer in build("CTC", backbone="SqueezeNet").layers]
    assert build("CTC").get_layer("sight").output.shape[1:3] == (TEXT_HEIGHT, MIN_TEXT_WIDTH)


@pytest.mark.parametrize(
    ("characters", "precision", "layer_class"),
    [
        (LARGE_VOCABULARY, "bfloat16", ManyLogits),
        (LARGE_VOCABULARY, "float32", keras.layers.Dense),
        (LARGE_VOCABULARY, "float16", keras.layers.Dense),
        (62, "bfloat16", keras.layers.Dense),
    ],
)
def test_many_logits_are_for_large_vocabularies_in_bfloat16(characters: int, precision: str, layer_class: type):
    vocabulary = tuple(map(chr, range(0x4E00, 0x4E00 + characters)))
    card = Card("captcha", "CTC", "light", vocabulary, InputSpec(24, 48, 1), 3)
    with precision_scope(precision):
        assert type(make_head(card)) is layer_class


def test_a_network_of_a_large_vocabulary_learns_and_is_saved(tmp_path: Path):
    keras.utils.set_random_seed(0)
    characters = tuple(map(chr, range(0x4E00, 0x4E00 + LARGE_VOCABULARY)))
    card = Card("captcha", "CTC", "tiny", characters, InputSpec(24, 48, 1), 3)
    with precision_scope("bfloat16"):
        model = build_model(card, TrainingConfig(precision="bfloat16"))
        images, targets = make_batch("CTC")
        losses = [model.train_on_batch(images, targets * 100, return_dict=True)["loss"] for _ in range(12)]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = to_float32(load_model(tmp_path / "model.keras"))
    assert type(loaded.get_layer("logits")) is ManyLogits
    exact, rounded = (np.asarray(one.predict_on_batch(images)) for one in (loaded, model))
    assert np.abs(exact - rounded).max() < 0.1 * np.abs(exact).max()
