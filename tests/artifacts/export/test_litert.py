"""LiteRT files: as right as Keras, described by the card in them, and read as the documentation says."""

import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import save_model
from bearcat.artifacts.card import Card, read_card, write_card
from bearcat.artifacts.export import litert
from bearcat.artifacts.export.images import ExportImages
from bearcat.artifacts.export.litert import LiteRtNetwork, convert, publish_litert
from bearcat.artifacts.export.quantization import Quantization
from bearcat.artifacts.inference import Recogniser
from bearcat.core.errors import ExportError
from bearcat.data.images import InputSpec
from bearcat.networks.registry import load_backbone_module
from tests.helpers.steps import ROOT

CHARACTERS = ("0", "1", "2", "3")
SPEC = InputSpec(16, 40, 1)
STEPS = {"ORDINARY": 4, "NUM_CLASSES": 1, "CTC": 20, "CTC_TINY": 20}


def card_of(mode: str, spec: InputSpec = SPEC) -> Card:
    return Card("captcha", mode, "tiny", CHARACTERS, spec, 4, {"val_exact": 0.5})


def write_model(file: Path, card: Card) -> Path:
    """Writes a Keras model with random weights, whose texts differ from image to image; returns its path."""
    keras.utils.set_random_seed(3)
    steps, classes, width = STEPS[card.mode], len(card.characters) + 1, card.spec.width
    pixels = keras.Input(card.spec.shape)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    kernel, strides = (card.spec.height, width // steps), (1, width // steps)
    logits = keras.layers.Conv2D(classes, kernel, strides, kernel_initializer="random_normal")(scaled)
    model = keras.Model(pixels, keras.layers.Reshape((steps, classes))(logits))
    model.save(file)
    write_card(file, card)
    return file


def patches(count: int, spec: InputSpec = SPEC, side: int = 8) -> np.ndarray:
    """Returns images uint8 (count, H, W, C) of random squares."""
    shape = count, -(-spec.height // side), -(-spec.width // side), spec.channels
    small = np.random.default_rng(7).integers(0, 256, shape).astype(np.uint8)
    return small.repeat(side, axis=1).repeat(side, axis=2)[:, : spec.height, : spec.width]


@pytest.fixture
def keras_file(tmp_path: Path) -> Path:
    """A Keras model of mode CTC with its card."""
    return write_model(tmp_path / "captcha.keras", card_of("CTC"))


def test_int8_is_written_where_it_is_as_right_as_keras(keras_file: Path, capfd: pytest.CaptureFixture, recwarn):
    capfd.readouterr()
    images = patches(60)
    written = publish_litert(keras_file, images[:20], trained_on=[(image, "0") for image in images[20:]])
    assert written.path == keras_file.with_suffix(".tflite")
    assert written.is_int8, written.quantization.problem
    assert written.quantization.images == 40
    assert written.difference < 1e-5
    assert zipfile.ZipFile(written.path).namelist() == ["bearcat.json"]
    card, _ = read_card(written.path)
    assert card.metrics == {"val_exact": 0.5, "quantized": 1.0}
    assert card.characters == CHARACTERS
    assert sorted(path.name for path in keras_file.parent.iterdir()) == ["captcha.keras", "captcha.tflite"]
    assert written.to_report()["quantized"] is True
    # neither the interpreter's notice of deprecation nor the converter's log
    assert capfd.readouterr() == ("", "")
    assert not [warning for warning in recwarn if "tf.lite" in str(warning.message)]


def test_float_is_written_where_int8_is_not_as_right(keras_file: Path, monkeypatch: pytest.MonkeyPatch):
    few = publish_litert(keras_file, patches(3))
    assert few.quantization.problem == "there are 3 images to compare on, at least 20 are needed"
    assert "quantized" not in read_card(few.path)[0].metrics
    monkeypatch.setattr(litert, "compare", lambda *values: Quantization(30, "only 3 of 30 texts are the same"))
    written = publish_litert(keras_file, patches(30))
    assert not written.is_int8
    images = patches(4).astype(np.float32)
    expected = np.asarray(keras.saving.load_model(keras_file)(images))
    assert LiteRtNetwork(written.path).logits(images) == pytest.approx(expected, abs=1e-4)


def test_nothing_is_written_that_computes_something_else_than_keras(keras_file: Path, monkeypatch: pytest.MonkeyPatch):
    earlier = keras_file.with_suffix(".tflite")
    for change in (lambda logits: np.roll(logits, 1, axis=-1), lambda logits: logits * np.nan):
        earlier.write_bytes(b"of an earlier training")
        with monkeypatch.context() as changed:
            right = LiteRtNetwork.logits
            changed.setattr(LiteRtNetwork, "logits", lambda self, pixels: change(right(self, pixels)))  # noqa: B023
            with pytest.raises(ExportError, match="computes something else than the Keras model"):
                publish_litert(keras_file, patches(4))
        assert not earlier.exists()


@keras.saving.register_keras_serializable("tests")
class Unusual(keras.layers.Layer):
    """A layer that LiteRT has no operation for."""

    def call(self, inputs):
        return tf.linalg.svd(inputs, compute_uv=False)


def test_a_network_that_cannot_be_converted_is_one_warning(tmp_path: Path, capfd: pytest.CaptureFixture):
    file = tmp_path / "captcha.keras"
    pixels = keras.Input(SPEC.shape)
    keras.Model(pixels, Unusual()(keras.layers.Reshape((64, 10))(pixels))).save(file)
    write_card(file, card_of("CTC"))
    file.with_suffix(".tflite").write_bytes(b"of an earlier training")
    capfd.readouterr()
    problem = save_model.save_litert(file, ExportImages(patches(2), [], []))["problem"]
    out, err = capfd.readouterr()
    assert out == f"Warning: the network could not be exported to LiteRT ({problem}). Everything else is saved\n"
    assert err == ""
    assert 0 < len(problem) < 300
    assert [path.name for path in tmp_path.iterdir()] == ["captcha.keras"]


def test_save_model_says_which_form_it_wrote(keras_file: Path, capsys: pytest.CaptureFixture, monkeypatch):
    class Same(LiteRtNetwork):
        """Computes the same in both forms."""

        def logits(self, pixels: np.ndarray) -> np.ndarray:
            return np.asarray(model.predict_on_batch(pixels))

    model, file = keras.saving.load_model(keras_file), keras_file.with_suffix(".tflite")
    monkeypatch.setattr(litert, "LiteRtNetwork", Same)
    report = save_model.save_litert(keras_file, ExportImages(patches(20), [], []))
    assert f"LiteRT: {file}, 0.0 MB, int8: the same text as by Keras on 20 of 20 images" in capsys.readouterr().out
    assert report["quantized"]
    save_model.save_litert(keras_file, ExportImages(patches(2), [], []))
    assert "MB, in float, not int8: there are 2 images" in capsys.readouterr().out


def test_a_light_network_needs_no_operations_of_tensorflow(tmp_path: Path):
    pixels = keras.Input((24, 48, 3))
    model = keras.Model(pixels, load_backbone_module("light").build("light", pixels))
    card = card_of("CTC", InputSpec(24, 48, 3))
    images = patches(2, card.spec).astype(np.float32)
    received = convert(model, card, tmp_path / "network.tflite", int8=False).logits(images)
    assert received == pytest.approx(np.asarray(model(images)), abs=1e-3)


def documented_lines() -> str:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "ai_edge_litert" in block)
    return code


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has TensorFlow's interpreter stand for that of the package ai-edge-litert, which has the same interface."""
    monkeypatch.setitem(sys.modules, "ai_edge_litert", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", SimpleNamespace(Interpreter=tf.lite.Interpreter))


@pytest.mark.usefixtures("runtime")
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.parametrize("mode", STEPS)
def test_the_documented_lines_read_images_as_bearcat_does(mode: str, tmp_path: Path, capsys: pytest.CaptureFixture):
    card = card_of(mode, InputSpec(16, 40, 3 if mode == "ORDINARY" else 1))
    written = publish_litert(write_model(tmp_path / "captcha.keras", card), patches(3, card.spec))
    network = LiteRtNetwork(written.path)
    recogniser = Recogniser(SimpleNamespace(card=card, logits=network.logits))
    code, texts = documented_lines(), []
    for number, (width, height) in enumerate([(40, 16), (40, 16), (90, 30), (21, 16), (37, 5), (40, 31)] * 2):
        image = tmp_path / f"{number}.png"
        colours = np.random.default_rng(number).integers(0, 256, (-(-height // 4), -(-width // 4), 3)).astype(np.uint8)
        Image.fromarray(colours.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]).save(image)
        exec(code, {"model": written.path, "image": image})
        texts.append(recogniser.predict(image).text)
        assert capsys.readouterr().out.rstrip("\n") == texts[-1]
    assert len(set(texts)) > 2
    if mode.startswith("CTC"):
        raw = ["".join(map(str, found)) for found in _classes(network, tmp_path, card)]
        assert any(re.search(r"([1-9])\1", found) for found in raw), "no repeats to merge"
        assert any(re.search(r"([1-9])0+\1", found) for found in raw), "no blank between equal characters"


def _classes(network: LiteRtNetwork, folder: Path, card: Card) -> np.ndarray:
    pixels = np.stack([save_model.Image_Processing.extraction_image(path, card.spec) for path in folder.glob("*.png")])
    return network.logits(pixels.astype(np.float32)).argmax(axis=-1)
