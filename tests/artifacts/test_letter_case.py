"""The case of the head's letters: chosen by what images show, and found again in a trained head."""

import string
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bearcat.artifacts.card import Card
from bearcat.artifacts.letter_case import CaseColumns, choose_letter_case, see_nearest_case
from bearcat.artifacts.weight_transfer import head_weights, transfer_weights
from bearcat.data.images import InputSpec
from bearcat.training.config import TrainingConfig
from models import build_model
from tests.helpers.animations import FONT
from tests.helpers.networks import pretrained_path

CARD = Card("captcha", "CTC_TINY", "tiny", tuple(string.digits + "abdehr"), InputSpec(40, 120, 1), 4)
TEXTS = ["a3b4", "bad7", "r2de", "h5ea", "hard", "2bed"]


def draw(text: str) -> np.ndarray:
    image = Image.new("L", (120, 40), 255)
    ImageDraw.Draw(image).text((10, 0), text, 0, ImageFont.truetype(FONT, 32))
    return np.asarray(image)[..., None]


def draw_all(texts: list[str]) -> np.ndarray:
    return np.stack([draw(text) for text in texts])


def make_model(card: Card = CARD) -> keras.Model:
    model = build_model(card, TrainingConfig())
    transfer_weights(model, card.vocabulary, pretrained_path())
    return model


def count_correct(model: keras.Model, pixels: np.ndarray, labels: list[str]) -> int:
    predictions = CARD.make_codec().decode(np.asarray(model(pixels.astype(np.float32), training=False)))
    return sum(prediction.text == label for prediction, label in zip(predictions, labels, strict=True))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return make_model()


@pytest.fixture(autouse=True)
def restored(model: keras.Model):
    before = model.get_weights()
    yield
    model.set_weights(before)


def test_letters_drawn_in_upper_case_start_from_it_whatever_the_labels(model: keras.Model):
    pixels = draw_all([text.upper() for text in TEXTS])
    before = count_correct(model, pixels, TEXTS)
    chosen = choose_letter_case(model, CARD, pretrained_path(), pixels, TEXTS)
    assert chosen and chosen.images == len(TEXTS)
    assert len(chosen.starts["other"]) >= 5
    assert f"{chosen.starts['other']} start from the other case" in chosen.describe()
    assert before < 2
    assert count_correct(model, pixels, TEXTS) > len(TEXTS) - 2


def test_letters_drawn_as_labelled_keep_their_case(model: keras.Model):
    head = [np.array(variable) for variable in head_weights(model)]
    chosen = choose_letter_case(model, CARD, pretrained_path(), draw_all(TEXTS), TEXTS)
    assert chosen and chosen.is_as_labelled
    assert all(np.allclose(one, other, atol=1e-7) for one, other in zip(head_weights(model), head, strict=True))


def test_a_letter_that_no_label_contains_starts_like_most(model: keras.Model):
    texts = [text.replace("h", "9") for text in TEXTS]
    chosen = choose_letter_case(model, CARD, pretrained_path(), draw_all([text.upper() for text in texts]), texts)
    assert chosen and "h" in chosen.starts["other"]


def test_letters_drawn_in_either_case_start_from_both():
    card = replace(CARD, characters=tuple(string.digits + "abder"))
    texts = ["dear", "DEAR", "read", "READ", "bad1", "BAD1"]
    labels = [text.lower() for text in texts]
    chosen = choose_letter_case(make_model(card), card, pretrained_path(), draw_all(texts), labels)
    assert chosen and {"d", "e", "r"} & set(chosen.starts.get("both", ""))


def test_a_trained_head_shows_where_its_letters_started(model: keras.Model):
    starts = {"a": "other", "b": "both", "d": "own", "e": "other", "h": "both", "r": "own"}
    columns = CaseColumns(model, CARD.vocabulary, pretrained_path())
    columns.apply(starts)
    generator = np.random.default_rng(0)
    expected = [np.array(variable) for variable in head_weights(model)]
    trained = [values + generator.normal(0, 0.02, values.shape).astype(np.float32) for values in expected]
    columns.apply({})
    see_nearest_case(model, CARD, pretrained_path(), trained)
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(head_weights(model), expected, strict=True))


def test_the_columns_of_a_start_are_those_of_the_pretrained_head(model: keras.Model):
    upper = replace(CARD, characters=tuple(string.digits + "ABDEHR"))
    columns = CaseColumns(model, CARD.vocabulary, pretrained_path())
    columns.apply(dict.fromkeys("abdehr", "other"))
    pairs = zip(head_weights(model), head_weights(make_model(upper)), strict=True)
    assert all(np.allclose(one, other, atol=1e-7) for one, other in pairs)


@pytest.mark.parametrize("characters", [string.digits, "aAbB", "äöü"])
def test_without_letters_in_one_case_nothing_changes(characters: str):
    card = replace(CARD, characters=tuple(characters))
    model = make_model(card)
    before = model.get_weights()
    assert choose_letter_case(model, card, pretrained_path(), draw_all([characters[:2]]), [characters[:2]]) is None
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), before, strict=True))


def test_labels_that_the_network_has_no_room_for_are_ignored(model: keras.Model):
    too_long = "a" * 40
    assert choose_letter_case(model, CARD, pretrained_path(), draw_all(["a"]), [too_long]) is None
    assert choose_letter_case(model, CARD, pretrained_path(), draw_all(["a"])[:0], []) is None


def test_labels_longer_than_captcha_length_are_ignored(model: keras.Model):
    short = replace(CARD, captcha_length=2)
    assert choose_letter_case(model, short, pretrained_path(), draw_all(TEXTS), TEXTS) is None
