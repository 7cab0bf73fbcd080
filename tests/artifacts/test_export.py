"""Export: nothing is published that disagrees with Keras, and confidences are calibrated inside the network."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.artifacts import export
from bearcat.artifacts.card import Card, find_models
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.artifacts.inference import OnnxEngine, Recogniser, load_recogniser
from bearcat.artifacts.keras_files import load_model
from bearcat.core.errors import ArtifactError
from bearcat.data.images import InputSpec


def test_nothing_is_published_if_the_files_disagree(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work = shutil.copytree(trained, tmp_path / "copy")
    checkpoint = best_checkpoint(work / "checkpoint").path
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}

    class Shifted(OnnxEngine):
        def logits(self, pixels: np.ndarray) -> np.ndarray:
            return np.roll(super().logits(pixels), 1, axis=-1)

    monkeypatch.setattr(export, "OnnxEngine", Shifted)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 48, 1)).astype(np.uint8)
    with pytest.raises(ArtifactError, match="nothing was published"):
        export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
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
    assert 0 < export.compare_engines(Fixed(0, 1, 1.0001), Fixed(0, 1.0001, 1), pixels) < 1e-4
    with pytest.raises(ArtifactError, match="disagree on 1 of 1"):
        export.compare_engines(Fixed(-20, 1, 1.002), Fixed(-20, 1.002, 1), pixels)
    with pytest.raises(ArtifactError, match="disagree on 1 of 1"):
        export.compare_engines(Fixed(0, 1, 2), Fixed(np.nan, np.nan, np.nan), pixels)


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_keras_serves_what_cannot_be_exported(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    work = shutil.copytree(trained, tmp_path / "copy")
    image = next((work / "test_dataset").iterdir())
    checkpoint, pixels = best_checkpoint(work / "checkpoint").path, np.zeros((2, 24, 48, 1), np.uint8)
    published = export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    expected = load_recogniser(published.served_file).predict(image)

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("no such operation\nin ONNX")

    with monkeypatch.context() as broken:
        broken.setattr(export.keras.Model, "export", fail)
        published = export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert published.export_error == "ValueError: no such operation"
    assert find_models(work / "App_model") == {"captcha": work / "App_model" / "captcha.keras"}
    received = load_recogniser(published.served_file).predict(image)
    assert received.text == expected.text
    assert received.confidence == pytest.approx(expected.confidence, abs=1e-4)
    assert "could not be exported to ONNX" in caplog.text
    export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert find_models(work / "App_model") == {"captcha": work / "App_model" / "captcha.onnx"}


def test_the_temperature_divides_the_logits_inside_the_network(trained: Path):
    model = load_model(trained / "model" / "captcha.keras")
    temperature = OnnxEngine(trained / "App_model" / "captcha.onnx").card.metrics["temperature"]
    assert model.layers[-1].name == "temperature"
    assert model.layers[-1].scale == pytest.approx(1 / temperature)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 24, 48, 1)).astype(np.float32)
    bare = keras.Model(model.input, model.layers[-2].output)
    logits, divided = (np.asarray(one(pixels)) for one in (bare, export.with_temperature(bare, 4.0)))
    assert divided == pytest.approx(logits / 4, rel=1e-5)
    assert (divided.argmax(axis=-1) == logits.argmax(axis=-1)).all()


def test_without_labels_there_is_no_calibration(trained: Path, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 48, 1)).astype(np.uint8)
    checkpoint = best_checkpoint(trained / "checkpoint").path
    published = export.publish(checkpoint, "plain", tmp_path / "model", tmp_path / "App_model", pixels)
    assert published.calibration is None
    assert "temperature" not in published.card.metrics
    # as in the first versions, which are served too
    assert (
        Recogniser(OnnxEngine(published.served_file)).predict(next((trained / "test_dataset").iterdir())).confidence
        <= 1
    )
