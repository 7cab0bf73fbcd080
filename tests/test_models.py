"""The networks: shapes, one training step that lowers the loss, saving and loading, and the metric shown."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import in_float32, load_model
from bearcat.core.devices import precision_set
from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import Task
from bearcat.networks.layers import ManyLogits, Sight
from bearcat.networks.metrics import ExactMatch
from bearcat.networks.registry import HEIGHT, LEAST_WIDTH, sight_of, width_with
from bearcat.training.config import Recipe
from models import MANY_ROWS, build_model, make_head

VOCABULARY = Vocabulary(tuple("abc"))
LABELS = ["a", "ba", "acc", "cab"]


def build(mode: str, channels: int = 1, size: tuple[int, int] = (24, 48), backbone: str = "light") -> keras.Model:
    return build_model(
        Card("captcha", mode, backbone, codec_of(mode).vocabulary.characters, *size, channels, 3), Recipe()
    )


def codec_of(mode: str):
    """Return a codec for LABELS."""
    return make_codec(mode, Vocabulary.of_symbols(map(TEXT_CODECS[mode].symbols, LABELS)), 3)


def make_batch(mode: str, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return four random images and their labels' targets."""
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
def test_logits_have_a_row_for_each_symbol_at_any_size(mode: str, size: tuple[int, int]):
    columns = sight_of(*size)[1] // 4
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


@pytest.mark.parametrize("mode", [mode for mode, codec in TEXT_CODECS.items() if codec.task == Task.TEXT])
@pytest.mark.parametrize("width", [3, 9])
def test_the_metric_counts_what_the_codec_reads(mode: str, width: int):
    random = np.random.default_rng(1)
    logits = random.normal(size=(400, 5, len(VOCABULARY))).astype(np.float32)
    texts = [prediction.text for prediction in make_codec(mode, VOCABULARY, 5).decode(logits)]
    # half of the labels are what is read, half are likely something else
    labels = [text if number % 2 else "".join(random.choice(list("abc"), 2)) for number, text in enumerate(texts)]
    kept = [number for number, label in enumerate(labels) if len(label) <= width]
    metric = ExactMatch(mode)
    metric.update_state(pad_targets([VOCABULARY.encode(labels[n]) for n in kept], width), logits[kept])
    assert float(metric.result()) == pytest.approx(np.mean([labels[n] == texts[n] for n in kept]))


def test_the_metric_of_classes_counts_the_best_one_the_blank_aside():
    metric = ExactMatch("NUM_CLASSES")
    metric.update_state(np.array([[1], [2]]), np.array([[[9.0, 2.0, 1.0]], [[9.0, 2.0, 1.0]]]))
    assert float(metric.result()) == 0.5


def test_the_metric_survives_saving():
    metric = ExactMatch("CTC")
    assert ExactMatch.from_config(metric.get_config()).mode == "CTC"


def test_text_is_seen_at_one_height_and_at_most_shapes_at_one_width():
    sizes = [(48, 160), (27, 72), (80, 240), (60, 100), (50, 200), (24, 24)]
    assert {sight_of(*size) for size in sizes} - {(48, 160)} == set()
    assert sight_of(30, 300) == (48, 320)


@pytest.mark.parametrize(("steps", "height"), [(60, 50), (41, 30), (80, 48)])
def test_images_as_wide_as_advised_give_the_time_steps(steps: int, height: int):
    width = width_with(steps, height)
    assert steps <= build("CTC", size=(height, width)).output_shape[1] <= steps + 2


def test_other_backbones_see_the_image_as_it_is():
    assert "sight" in [layer.name for layer in build("CTC").layers]
    assert "sight" not in [layer.name for layer in build("CTC", backbone="SqueezeNet").layers]
    assert build("CTC").get_layer("sight").output.shape[1:3] == (HEIGHT, LEAST_WIDTH)


@pytest.mark.parametrize(("height", "width"), [(80, 240), (27, 72), (48, 160), (60, 100)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_resized_as_pillow_does(height: int, width: int, channels: int):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    image = Image.fromarray(pixels.squeeze()).resize((LEAST_WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    seen = np.array(Sight(HEIGHT, LEAST_WIDTH)(pixels[None].astype(np.float32)))[0]
    assert np.abs(seen.squeeze() - np.asarray(image, np.float32)).max() <= 1


def test_many_logits_are_those_of_a_dense_layer_and_so_are_their_gradients():
    random = np.random.default_rng(0)
    features = tf.constant(random.normal(size=(4, 6, 32)), tf.float32)
    weights = [random.normal(size=shape).astype(np.float32) for shape in ((32, 600), (600,))]
    figures = []
    for kind in (keras.layers.Dense, ManyLogits):
        layer = kind(600, dtype="float32")
        layer.build(features.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(features)
            trained = layer(features, training=True)
            total = tf.reduce_sum(tf.sin(trained / 10))
        gradients = tape.gradient(total, [features, layer.kernel.value, layer.bias.value])
        assert {value.dtype for value in (trained, *gradients)} == {tf.float32}
        figures.append([layer(features, training=False), trained, *gradients])
    for number, (one, other) in enumerate(zip(*figures, strict=True)):
        # bfloat16 has three digits; what is not trained is float32
        assert np.abs(one - other).max() <= (0.01 if number else 0) * np.abs(one).max()
    assert np.any(figures[0][1] != figures[1][1])


@pytest.mark.parametrize(
    ("characters", "precision", "kind"),
    [
        (MANY_ROWS, "bfloat16", ManyLogits),
        (MANY_ROWS, "float32", keras.layers.Dense),
        (MANY_ROWS, "float16", keras.layers.Dense),
        (62, "bfloat16", keras.layers.Dense),
    ],
)
def test_many_logits_are_for_many_characters_in_bfloat16(characters: int, precision: str, kind: type):
    card = Card("captcha", "CTC", "light", tuple(map(chr, range(0x4E00, 0x4E00 + characters))), 24, 48, 1, 3)
    with precision_set(precision):
        assert type(make_head(card)) is kind


def test_a_network_of_many_characters_learns_and_is_saved(tmp_path: Path):
    keras.utils.set_random_seed(0)
    characters = tuple(map(chr, range(0x4E00, 0x4E00 + MANY_ROWS)))
    with precision_set("bfloat16"):
        model = build_model(Card("captcha", "CTC", "tiny", characters, 24, 48, 1, 3), Recipe(precision="bfloat16"))
        images, targets = make_batch("CTC")
        losses = [model.train_on_batch(images, targets * 100, return_dict=True)["loss"] for _ in range(12)]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = in_float32(load_model(tmp_path / "model.keras"))
    assert type(loaded.get_layer("logits")) is ManyLogits
    exact, rounded = (np.asarray(one.predict_on_batch(images)) for one in (loaded, model))
    assert np.abs(exact - rounded).max() < 0.1 * np.abs(exact).max()
