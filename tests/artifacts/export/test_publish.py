"""Export: nothing is published that disagrees with Keras, and confidences are calibrated inside the network."""

import shutil
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from bearcat.artifacts.calibration import Calibration
from bearcat.artifacts.card import Card, find_models, read_card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.artifacts.export import publish, quantization
from bearcat.artifacts.export.images import load_export_images
from bearcat.artifacts.inference import OnnxEngine, Recogniser, load_recogniser
from bearcat.artifacts.keras_files import load_model
from bearcat.core.errors import ArtifactError
from bearcat.core.workspace import Work
from bearcat.data.images import InputSpec
from utils import Image_Processing


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_nothing_is_published_if_the_files_disagree(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work = shutil.copytree(trained, tmp_path / "copy")
    checkpoint = best_checkpoint(work / "checkpoint").path
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}

    class Shifted(OnnxEngine):
        def logits(self, pixels: np.ndarray) -> np.ndarray:
            return np.roll(super().logits(pixels), 1, axis=-1)

    monkeypatch.setattr(publish, "OnnxEngine", Shifted)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 48, 1)).astype(np.uint8)
    with pytest.raises(ArtifactError, match="nothing was published"):
        publish.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before


class Fixed:
    """An engine with fixed logits, for one position and the characters a and b."""

    card = Card("fixed", "ORDINARY", "light", ("a", "b"), InputSpec(8, 8, 1), 1, {})

    def __init__(self, *logits: float):
        self.fixed = np.array([[logits]], np.float32)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        return self.fixed


def test_a_tie_up_to_rounding_is_not_a_disagreement():
    pixels = np.zeros((1, 8, 8, 1), np.uint8)
    assert 0 < publish.compare_engines(Fixed(0, 1, 1.0001), Fixed(0, 1.0001, 1), pixels) < 1e-4
    with pytest.raises(ArtifactError, match="disagree on 1 of 1"):
        publish.compare_engines(Fixed(-20, 1, 1.002), Fixed(-20, 1.002, 1), pixels)
    with pytest.raises(ArtifactError, match="disagree on 1 of 1"):
        publish.compare_engines(Fixed(0, 1, 2), Fixed(np.nan, np.nan, np.nan), pixels)


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_keras_serves_what_cannot_be_exported(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    work = shutil.copytree(trained, tmp_path / "copy")
    image = next((work / "test_dataset").iterdir())
    checkpoint, pixels = best_checkpoint(work / "checkpoint").path, np.zeros((2, 24, 48, 1), np.uint8)
    published = publish.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    expected = load_recogniser(published.served_file).predict(image)

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("no such operation\nin ONNX")

    with monkeypatch.context() as broken:
        broken.setattr(publish.keras.Model, "export", fail)
        published = publish.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert published.export_error == "ValueError: no such operation"
    assert find_models(work / "App_model") == {"captcha": work / "App_model" / "captcha.keras"}
    received = load_recogniser(published.served_file).predict(image)
    assert received.text == expected.text
    assert received.confidence == pytest.approx(expected.confidence, abs=1e-4)
    assert "could not be exported to ONNX" in caplog.text
    publish.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert find_models(work / "App_model") == {"captcha": work / "App_model" / "captcha.onnx"}


def test_the_temperature_divides_the_logits_inside_the_network(trained: Path):
    model = load_model(trained / "model" / "captcha.keras")
    temperature = OnnxEngine(trained / "App_model" / "captcha.onnx").card.metrics["temperature"]
    assert model.layers[-1].name == "temperature"
    assert model.layers[-1].scale == pytest.approx(1 / temperature)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 24, 48, 1)).astype(np.float32)
    bare = keras.Model(model.input, model.layers[-2].output)
    logits, divided = (np.asarray(one(pixels)) for one in (bare, publish.with_temperature(bare, 4.0)))
    assert divided == pytest.approx(logits / 4, rel=1e-5)
    assert (divided.argmax(axis=-1) == logits.argmax(axis=-1)).all()


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_without_labels_there_is_no_calibration(trained: Path, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 48, 1)).astype(np.uint8)
    checkpoint = best_checkpoint(trained / "checkpoint").path
    published = publish.publish(checkpoint, "plain", tmp_path / "model", tmp_path / "App_model", pixels)
    assert published.calibration is None
    assert "temperature" not in published.card.metrics
    # as in the first versions, which are served too
    assert (
        Recogniser(OnnxEngine(published.served_file)).predict(next((trained / "test_dataset").iterdir())).confidence
        <= 1
    )


@pytest.fixture
def data(trained: Path) -> dict:
    """Images and labels of a trained work, as save_model.py passes them on."""
    work, checkpoint = Work(trained), best_checkpoint(trained / "checkpoint").path
    images = load_export_images(work, read_card(checkpoint)[0], 0, Image_Processing, with_training=True)
    return {"pixels": images.pixels, "labels": images.labels, "trained_on": images.trained_on}


def allow_anything(monkeypatch: pytest.MonkeyPatch, same: float) -> None:
    """Makes the comparison of int8 and float ask for nothing but a fraction of same texts."""
    for name, value in {"MIN_SAME_TEXT": same, "MAX_P_VALUE": 0.0, "MAX_CONFIDENCE_CHANGE": 1.0}.items():
        monkeypatch.setattr(quantization, name, value)


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_int8_is_published_with_the_temperature_that_fits_it(
    trained: Path, data: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    allow_anything(monkeypatch, same=0.0)
    monkeypatch.setattr(publish, "calibrate", lambda codec, logits, labels: Calibration(2.0, 0.1, 0.1, len(labels), 9))
    checkpoint, folders = best_checkpoint(trained / "checkpoint").path, (tmp_path / "model", tmp_path / "App_model")
    published = publish.publish(checkpoint, "captcha", *folders, **data, quantize="auto")
    assert published.to_report()["quantized"] is True
    engine = OnnxEngine(published.served_file)
    assert engine.card.metrics == published.card.metrics | {"quantized": 1.0}
    assert "quantized" not in read_card(published.keras_file)[0].metrics
    assert load_model(published.keras_file).layers[-1].scale == pytest.approx(1 / 2)
    nodes = onnx.load(published.served_file).graph.node
    assert "QuantizeLinear" in {node.op_type for node in nodes}
    assert (nodes[-1].op_type, nodes[-1].name) == ("Mul", "scale")
    in_float = publish.publish(checkpoint, "float", *folders, **data)
    assert in_float.quantization is None
    assert published.served_file.stat().st_size < 0.5 * in_float.served_file.stat().st_size


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_the_temperature_is_fitted_to_what_is_served(
    trained: Path, data: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, np.ndarray] = {}

    def keep(codec: object, logits: np.ndarray, labels: list[str]) -> Calibration:
        seen["logits"] = logits
        return Calibration(2.0, 0.1, 0.1, len(labels), 9)

    allow_anything(monkeypatch, same=0.0)
    monkeypatch.setattr(publish, "calibrate", keep)
    checkpoint = best_checkpoint(trained / "checkpoint").path
    published = publish.publish(checkpoint, "x", tmp_path / "model", tmp_path / "App_model", **data, quantize=True)
    served = OnnxEngine(published.served_file).logits(data["pixels"][: len(data["labels"])].astype(np.float32))
    assert served * 2 == pytest.approx(seen["logits"], abs=1e-3)


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_int8_that_is_demanded_and_less_right_is_an_error(
    trained: Path, data: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    allow_anything(monkeypatch, same=1.1)
    checkpoint, folders = best_checkpoint(trained / "checkpoint").path, (tmp_path / "model", tmp_path / "App_model")
    published = publish.publish(checkpoint, "captcha", *folders, **data, quantize="auto")
    assert published.to_report()["quantized"] is False
    assert "texts are the same" in published.to_report()["quantization"]["problem"]
    assert "quantized" not in OnnxEngine(published.served_file).card.metrics
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ArtifactError, match=r"QUANTIZE = True, but .* only .* are the same"):
        publish.publish(checkpoint, "captcha", *folders, **data, quantize=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
