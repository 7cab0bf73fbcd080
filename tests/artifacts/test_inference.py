"""Inference: engines, recognisers, and which model of a folder is loaded."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import tensorflow as tf

from bearcat.artifacts.card import Card, find_models
from bearcat.artifacts.inference import KerasEngine, OnnxEngine, Recogniser, choose_model
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction, make_codec
from bearcat.data.images import InputSpec, extract_pixels, open_image
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.packing import Packer
from bearcat.data.vocabulary import Vocabulary
from tests.helpers.animations import Letters, one_after_the_other, save_animation
from tests.helpers.layouts import draw_two_lines
from utils import Image_Processing


@pytest.fixture
def served(trained: Path) -> Path:
    """The file that is served."""
    return trained / "App_model" / "captcha.onnx"


def test_a_batch_gives_the_predictions_of_its_images(trained: Path, served: Path):
    recogniser = Recogniser(OnnxEngine(served))
    images = sorted((trained / "test_dataset").iterdir())
    together, alone = recogniser.predict_batch(images), [recogniser.predict(image) for image in images]
    assert [prediction.text for prediction in together] == [prediction.text for prediction in alone]
    assert all(0 <= prediction.confidence <= 1 for prediction in alone)


def test_a_recogniser_uses_the_extract_function_that_is_passed(trained: Path, served: Path):
    image = next((trained / "test_dataset").iterdir())
    seen = []

    def spy(source, spec):
        seen.append((source, spec))
        return extract_pixels(source, spec)

    assert isinstance(Recogniser(OnnxEngine(served), spy).predict(image), Prediction)
    assert seen == [(image, OnnxEngine(served).card.spec)]


@pytest.mark.parametrize("how", ["first", "darkest", "spread"])
def test_the_network_gets_of_an_animation_what_the_card_says(served: Path, tmp_path: Path, how: str):
    file = save_animation(tmp_path / "k7xd_1.gif", one_after_the_other(Letters("k7xd")))
    engine = OnnxEngine(served)
    card = replace(engine.card, spec=replace(engine.card.spec, frames=how))
    seen = []
    stand_in = SimpleNamespace(card=card, logits=lambda pixels: (seen.append(pixels), engine.logits(pixels))[1])
    recogniser = Recogniser(stand_in)
    recogniser.predict_batch([file, file.read_bytes(), open_image(file, how)])
    codec = make_codec("CTC", Vocabulary(tuple("k7xd")), 0)
    packed = Packer(card.spec, codec, Image_Processing).record(LabelledImage(file, "k7xd")).image
    for pixels in seen[0]:
        np.testing.assert_array_equal(pixels, packed)


def test_the_network_gets_the_line_that_the_layout_of_the_card_makes(tmp_path: Path):
    file = tmp_path / "k7xd_1.png"
    draw_two_lines("k7xd").save(file)
    card = Card("captcha", "CTC", "light", tuple("k7xd"), InputSpec(40, 200, 1, layout="two_lines"), 4)
    seen = []
    stand_in = SimpleNamespace(card=card, logits=lambda pixels: (seen.append(pixels), np.zeros((len(pixels), 9, 5)))[1])
    Recogniser(stand_in).predict_batch([file, file.read_bytes(), open_image(file)])
    packed = Packer(card.spec, card.make_codec(), Image_Processing).record(LabelledImage(file, "k7xd")).image
    assert len(seen[0]) == 3
    for pixels in seen[0]:
        np.testing.assert_array_equal(pixels, packed)


def test_a_keras_model_is_called_as_a_traced_function(trained: Path):
    engine = KerasEngine(trained / "model" / "captcha.keras")
    layer, eager = engine._model.layers[-1], []
    compute = layer.call

    def spy(*arguments: object, **options: object) -> object:
        eager.append(tf.executing_eagerly())
        return compute(*arguments, **options)

    layer.call = spy
    for _ in range(3):
        engine.logits(np.zeros((1, 24, 48, 1), np.float32))
    assert eager == [False]  # called once, while it is traced


def test_a_file_with_a_changed_byte_is_refused(served: Path, tmp_path: Path):
    content = bytearray(served.read_bytes())
    for place in (len(content) // 3, len(content) // 2):
        damaged = content.copy()
        damaged[place] ^= 1
        (tmp_path / "damaged.onnx").write_bytes(damaged)
        with pytest.raises(ArtifactError, match="checksum does not match"):
            OnnxEngine(tmp_path / "damaged.onnx")
    without_checksum = onnx.load(served)
    del without_checksum.metadata_props[1]  # as in the first versions
    onnx.save(without_checksum, tmp_path / "older.onnx")
    assert OnnxEngine(tmp_path / "older.onnx").card.mode


def test_an_onnx_file_of_another_program_is_refused(served: Path, tmp_path: Path):
    foreign = onnx.load(served)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(ArtifactError, match="it has no card"):
        OnnxEngine(tmp_path / "foreign.onnx")


def test_a_model_is_chosen_by_name_unless_it_is_the_only_one(tmp_path: Path):
    with pytest.raises(ArtifactError, match="no trained model"):
        find_models(tmp_path)
    for name in ("one", ".two.part"):
        (tmp_path / f"{name}.onnx").touch()
    assert choose_model(find_models(tmp_path), "", tmp_path).stem == "one"
    (tmp_path / "three.onnx").touch()
    assert choose_model(find_models(tmp_path), "three", tmp_path).stem == "three"
    for name in ("other", ""):
        with pytest.raises(ArtifactError, match="only one, three"):
            choose_model(find_models(tmp_path), name, tmp_path)
