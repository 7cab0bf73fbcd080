"""Pretrained weights: texts and images are reproducible and varied, and the network is that of the modes."""

import importlib.util
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import captcha.image
import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.artifacts.card import Card, write_card
from bearcat.artifacts.pretrained import pretrained_file
from bearcat.artifacts.weight_transfer import transfer_weights
from bearcat.core.fonts import system_fonts
from bearcat.data.images import InputSpec
from bearcat.generation.generate import seeded_secrets
from bearcat.modes import Task
from bearcat.training.config import TrainingConfig
from bearcat.training.starting_weights import keep_averages
from models import build_model
from pretraining import fonts as font_choice
from pretraining import images
from pretraining.drawing import draw
from pretraining.network import BlankInMargins, build_network, encode, make_card, margin_transforms, steps_in_margins
from pretraining.texts import CHARACTERS, choose_sum, choose_text
from pretraining.training import add_margins
from tests.helpers.steps import ROOT, SECONDS

MODES = [("light", "CTC"), ("light", "ORDINARY"), ("tiny", "CTC_TINY")]  # backbone and mode
TEXTS = [choose_text(random.Random(number)) for number in range(2000)]


def test_texts_are_3_to_8_characters_or_sums_and_cover_all_characters():
    sums = [text for text in TEXTS if not text.isalnum()]
    assert set("".join(TEXTS)) >= set(CHARACTERS) - set("÷")
    assert 100 < len(sums) < 400
    assert {len(text) for text in TEXTS if text.isalnum()} >= {3, 4, 5, 6, 7, 8}
    assert max(map(len, TEXTS)) <= 8


def test_sums_are_two_numbers_and_an_operator():
    for number in range(50):
        assert len(choose_sum(random.Random(number)).rstrip("=?")) >= 3


@pytest.fixture(scope="module")
def fonts() -> list:
    found = list(system_fonts())
    if len(found) < 4:
        pytest.skip("needs four fonts of the system (Debian: apt-get install fonts-dejavu fonts-liberation)")
    return found


def test_the_same_seed_draws_the_same_image_and_others_differ(fonts: list):
    drawn = [draw("ab3D", fonts, random.Random(seed)) for seed in (1, 1, 2)]
    assert drawn[0].tobytes() == drawn[1].tobytes() != drawn[2].tobytes()


def test_images_vary_in_size_and_lightness_and_are_never_empty(fonts: list):
    images = [draw(text, fonts, random.Random(text)) for text in TEXTS[:120]]
    lightness = [np.asarray(image.convert("L")).mean() for image in images]
    assert len({image.height for image in images}) > 20
    assert min(lightness) < 80 and max(lightness) > 200
    assert all(len(Counter(image.convert("L").getdata())) > 1 for image in images)


def test_a_font_of_small_capitals_is_detected(fonts: list, monkeypatch: pytest.MonkeyPatch):
    upright = next((path for path in fonts if path.name == "DejaVuSans.ttf"), None)
    if upright is None:
        pytest.skip("needs DejaVuSans.ttf (Debian: apt-get install fonts-dejavu)")
    assert font_choice.distinguishes_cases(upright)
    assert font_choice._difference(upright, "a", "a") == 0.0
    monkeypatch.setattr(font_choice, "TWO_SHAPES", "svwxz")  # these differ from their capitals in size only
    assert not font_choice.distinguishes_cases(upright)


def test_a_cache_draws_missing_chunks_and_loads_images_with_their_texts(
    tmp_path: Path, fonts: list, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(images, "CHUNK", 3)
    monkeypatch.setattr(images, "draw_image", lambda number, fonts: np.full((48, 160), number, np.uint8))
    cache, drawn = images.ImageCache(tmp_path, 8), []
    assert (cache.count, cache.chunks) == (9, 3)
    for number in (0, 2):
        cache._draw_chunk(number, fonts)
    monkeypatch.setattr(cache, "_draw_chunk", lambda number, fonts: drawn.append(number))
    monkeypatch.setattr(images, "ProcessPoolExecutor", ThreadPool)
    monkeypatch.setattr(images, "find_fonts", lambda folder: {"Latin": fonts})
    assert [cache.is_drawn(number) for number in range(4)] == [True, False, True, False]
    cache.draw()
    assert drawn == [1]
    pixels, texts = cache.chunk(2)
    assert pixels[:, 0, 0].tolist() == [6, 7, 8]
    assert texts == ["3*90=?", "۸۸۰٥۲", "пcчpш2"]  # with others, images drawn before would not match


class ThreadPool(ThreadPoolExecutor):
    """Threads in place of processes, which would not see what the test has patched."""

    def __init__(self, count: int, mp_context):
        super().__init__(count)


WARP_BY_JAX = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
import numpy as np
from pretraining.gpu_training import warp
images, coefficients = np.load(sys.argv[1]), np.load(sys.argv[2])
np.save(sys.argv[3], np.asarray(warp(images, list(coefficients))))
"""


def test_jax_transforms_images_as_tensorflow_does(tmp_path: Path):
    if not importlib.util.find_spec("jax"):
        pytest.skip("jax is not installed")
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (8, 48, 160, 1)).astype(np.float32)
    coefficients, _ = margin_transforms(lambda least: rng.uniform(least, 1, 8).astype(np.float32), np.where, (48, 160))
    zeros = 0 * coefficients[0]
    transforms = np.stack([*coefficients, zeros, zeros], axis=1).astype(np.float32)
    files = [tmp_path / f"{name}.npy" for name in ("images", "coefficients", "moved")]
    np.save(files[0], images)
    np.save(files[1], np.stack(coefficients).astype(np.float32))
    command = [sys.executable, "-c", WARP_BY_JAX, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=5 * SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    by_tensorflow = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=[48, 160],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    assert np.abs(np.load(files[2]) - by_tensorflow.numpy()).max() < 0.5


def test_targets_are_padded_with_blanks():
    vocabulary = make_card("tiny").vocabulary
    assert encode(["3+4", "a"], vocabulary)[:, :4].tolist() == [
        [*vocabulary.encode("3+4"), 0],
        [*vocabulary.encode("a"), 0, 0, 0],
    ]


def test_half_of_the_images_get_margins_anywhere():
    """A dark bar from edge to edge then starts anywhere, and is at least half as wide."""
    keras.utils.set_random_seed(0)
    bars = np.full((200, 48, 160, 1), 255, np.uint8)
    bars[:, 10:38, 2:158] = 0
    images, margins = add_margins(tf.constant(bars))
    dark = images.numpy()[..., 0] < 128
    starts = dark.any(axis=1).argmax(axis=1)
    widths, heights = dark.any(axis=1).sum(axis=1), dark.any(axis=2).sum(axis=1)
    assert 0.4 < np.mean(widths == 156) < 0.6
    assert starts.min() < 4 and starts.max() > 50
    assert np.allclose(margins[:, 0] * 160 + (1 - margins.numpy().sum(axis=1)) * 2, starts, atol=1)
    assert 76 <= widths.min() < 90 and 19 <= heights.min() < 23 and heights.max() == 28


def test_the_loss_in_margins_is_the_negative_log_probability_of_the_blank():
    """A margin of 10 of 40 columns on the left counts its first 5: augmentation may move the text into the others."""
    in_margins = steps_in_margins(tf.constant([[0.25, 0.0], [0.0, 0.2]]))
    assert in_margins.numpy().nonzero()[1].tolist() == [0, 1, 2, 3, 4, 37, 38, 39]
    logits = np.zeros((2, 40, 4), np.float32)
    assert np.allclose(BlankInMargins(reduction=None)(in_margins, logits), [5 * np.log(4), 3 * np.log(4)])


@pytest.mark.parametrize(("backbone", "mode"), MODES)
def test_all_weights_of_each_mode_are_transferred(backbone: str, mode: str, tmp_path: Path):
    keras.utils.set_random_seed(0)
    card = make_card(backbone)
    build_network(card).save(tmp_path / "pretrained.keras")
    write_card(tmp_path / "pretrained.keras", card)
    of_user = replace(card, mode=mode, characters=("3", "a", "龙"), spec=InputSpec(50, 200, 1), captcha_length=5)
    model = build_model(of_user, TrainingConfig())
    assert transfer_weights(model, of_user.vocabulary, tmp_path / "pretrained.keras")[1] == []


def draw_digits(count: int, seed: str) -> tuple[np.ndarray, np.ndarray]:
    """Draws images (count, 60, 120, 1) of four digits with the captcha package, and their targets (count, 4)."""
    rng, generator = random.Random(seed), captcha.image.ImageCaptcha(120, 60)
    texts = ["".join(rng.choices("0123456789", k=4)) for _ in range(count)]
    with seeded_secrets(captcha.image, seed):
        images = [np.asarray(generator.generate_image(text).convert("L"), np.float32)[..., None] for text in texts]
    return np.stack(images), np.array([[int(digit) + 1 for digit in text] for text in texts])


EPOCHS = 8  # of one step


@pytest.mark.parametrize(("backbone", "mode"), MODES)
def test_a_few_labels_are_enough_only_with_pretrained_weights(backbone: str, mode: str):
    """Without them they are not: shown for one mode, by the same network before it gets them."""
    card = Card("digits", mode, backbone, tuple("0123456789"), InputSpec(60, 120, 1), 4)
    labelled, unseen = draw_digits(32, "train"), draw_digits(64, "test")
    keras.utils.set_random_seed(0)
    model = build_model(card, TrainingConfig(lr=1e-3))

    def train() -> float:
        """Trains the model and returns the exact match on other images."""
        model.fit(*labelled, batch_size=len(labelled[0]), epochs=EPOCHS, verbose=0)
        return model.evaluate(*unseen, verbose=0, return_dict=True)["exact"]

    if mode == "CTC_TINY":
        assert train() < 0.1
    taken, _ = transfer_weights(model, card.vocabulary, pretrained_file(backbone, Task.TEXT))
    keep_averages(model, taken)  # as train.py does
    assert train() > 0.7
