"""The pretrained network: what it starts from, and what is published of it."""

from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts.card import read_card
from bearcat.artifacts.keras_files import load_model
from bearcat.artifacts.pretrained import PRETRAINED_FOLDER
from pretraining import network
from pretraining.scripts import ALIASES


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    """A network that starts from the tiny weights, and the file that is written of it."""
    folder = tmp_path_factory.mktemp("published")
    card = network.make_card("tiny")
    model = network.initial_network(card, PRETRAINED_FOLDER / "tiny.keras")
    network.save(model, card, folder)
    return model, folder / "tiny.keras"


def test_the_published_file_has_a_row_for_each_character_and_its_look_alikes(published: tuple[keras.Model, Path]):
    model, path = published
    card, trained = read_card(path)[0], network.make_card("tiny")
    assert set(card.characters) == {*trained.characters, *ALIASES}
    kernel = load_model(path).get_layer("logits").get_weights()[0]
    rows, trained_rows = card.vocabulary.index_of, trained.vocabulary.index_of
    assert np.array_equal(kernel[:, rows["٣"]], kernel[:, rows["۳"]])
    assert np.array_equal(kernel[:, rows["a"]], np.array(model.get_layer("logits").kernel)[:, trained_rows["a"]])
    assert path.stat().st_size < 5e6


def test_going_on_from_the_published_file_restores_all_weights(published: tuple[keras.Model, Path]):
    model, path = published
    again = network.initial_network(network.make_card("tiny"), path)
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), again.get_weights(), strict=True))


def test_weights_move_back_towards_those_of_the_start_but_for_what_it_does_not_know():
    card, start = network.make_card("tiny", "ab۳"), PRETRAINED_FOLDER / "tiny.keras"
    model = network.initial_network(card, start)
    before = model.get_weights()
    model.set_weights([values + 1 for values in before])
    network.move_towards(model, card.vocabulary, start, 0.25)
    unknown, head = card.vocabulary.index_of["۳"], model.get_layer("logits").get_weights()[0]
    for variable, old, new in zip(model.weights, before, model.get_weights(), strict=True):
        if not any(name in variable.path for name in ("logits", "positions")):
            assert np.allclose(new, old + 0.75, atol=1e-6), variable.path
    kernel = next(
        values for variable, values in zip(model.weights, before, strict=True) if variable.path == "logits/kernel"
    )
    assert np.allclose(np.delete(head - kernel, unknown, axis=1), 0.75, atol=1e-6)
    assert np.allclose((head - kernel)[:, unknown], 1, atol=1e-6)


def test_new_characters_take_little_probability_at_first(published: tuple[keras.Model, Path]):
    """They may outnumber those that the weights know: an empty image is blank throughout all the same."""
    image = np.full((1, 48, 160, 1), 255, np.float32)
    assert not np.asarray(published[0](image)["ctc"])[0].argmax(axis=-1).any()
