"""The trained unit: it explains itself, and nothing is published that reads otherwise than Keras."""

import shutil
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

from bearcat.artifacts import export
from bearcat.artifacts.card import Card, find_units, read_card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.artifacts.inference import KerasEngine, OnnxEngine, Recogniser, choose_unit, load_recogniser
from bearcat.artifacts.keras_files import load_model
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction
from bearcat.data.images import extract_pixels


@pytest.fixture
def unit(trained: Path) -> Path:
    return trained / "App_model" / "captcha.onnx"


def test_a_unit_says_what_it_is(trained: Path, unit: Path):
    card = OnnxEngine(unit).card
    assert card.mode == trained.name.upper()
    assert card.characters == tuple("0123")
    assert card.spec.shape == (24, 48, 1)
    assert card.metrics["loss"] > 0
    assert 0 <= card.metrics["val_exact"] <= 1
    assert {"bearcat", "keras", "tensorflow", "python"} <= card.versions.keys()
    assert read_card(trained / "model" / "captcha.keras")[0] == card


def test_a_batch_reads_as_its_images_one_by_one(trained: Path, unit: Path):
    recogniser = Recogniser(OnnxEngine(unit))
    images = sorted((trained / "test_dataset").iterdir())
    together, alone = recogniser.read_batch(images), [recogniser.read(image) for image in images]
    assert [prediction.text for prediction in together] == [prediction.text for prediction in alone]
    assert all(0 <= prediction.confidence <= 1 for prediction in alone)


def test_what_disagrees_is_not_published(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
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
    """An engine that answers what it is told: one position of the texts a and b."""

    card = Card("fixed", "ORDINARY", "light", ("a", "b"), 8, 8, 1, 1, {})

    def __init__(self, *rows: float):
        self.answer = np.array([[rows]], np.float32)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        return self.answer


def test_a_tie_that_rounding_decides_is_no_disagreement():
    pixels = np.zeros((1, 8, 8, 1), np.uint8)
    assert 0 < export.compare_engines(Fixed(0, 1, 1.0001), Fixed(0, 1.0001, 1), pixels) < 1e-4
    with pytest.raises(ArtifactError, match="disagree on 1 of 1"):
        export.compare_engines(Fixed(-20, 1, 1.002), Fixed(-20, 1.002, 1), pixels)
    with pytest.raises(ArtifactError, match="disagree on 1 of 1"):
        export.compare_engines(Fixed(0, 1, 2), Fixed(np.nan, np.nan, np.nan), pixels)


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
def test_what_cannot_be_exported_is_served_by_keras(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    work = shutil.copytree(trained, tmp_path / "copy")
    image = next((work / "test_dataset").iterdir())
    checkpoint, pixels = best_checkpoint(work / "checkpoint").path, np.zeros((2, 24, 48, 1), np.uint8)
    unit = export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    expected = load_recogniser(unit.served_file).read(image)

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("no such operation\nin ONNX")

    with monkeypatch.context() as broken:
        broken.setattr(export.keras.Model, "export", fail)
        unit = export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert unit.problem == "ValueError: no such operation"
    assert find_units(work / "App_model") == {"captcha": work / "App_model" / "captcha.keras"}
    received = load_recogniser(unit.served_file).read(image)
    assert received.text == expected.text
    assert received.confidence == pytest.approx(expected.confidence, abs=1e-4)
    assert "could not be exported to ONNX" in caplog.text
    export.publish(checkpoint, "captcha", work / "model", work / "App_model", pixels)
    assert find_units(work / "App_model") == {"captcha": work / "App_model" / "captcha.onnx"}


def test_a_keras_unit_is_called_as_a_trace(trained: Path):
    engine = KerasEngine(trained / "model" / "captcha.keras")
    layer, eager = engine._model.layers[-1], []
    compute = layer.call

    def spy(*arguments: object, **options: object) -> object:
        eager.append(tf.executing_eagerly())
        return compute(*arguments, **options)

    layer.call = spy
    for _ in range(3):
        engine.logits(np.zeros((1, 24, 48, 1), np.float32))
    assert eager == [False]  # called once, by the tracer


def test_a_unit_with_a_changed_byte_is_refused(unit: Path, tmp_path: Path):
    content = bytearray(unit.read_bytes())
    for place in (len(content) // 3, len(content) // 2):
        damaged = content.copy()
        damaged[place] ^= 1
        (tmp_path / "damaged.onnx").write_bytes(damaged)
        with pytest.raises(ArtifactError, match="checksum does not hold"):
            OnnxEngine(tmp_path / "damaged.onnx")
    unsealed = onnx.load(unit)
    del unsealed.metadata_props[1]  # as units were before they had one
    onnx.save(unsealed, tmp_path / "older.onnx")
    assert OnnxEngine(tmp_path / "older.onnx").card.mode


def test_a_temperature_divides_the_logits_and_is_part_of_the_network(trained: Path):
    model = load_model(trained / "model" / "captcha.keras")
    temperature = OnnxEngine(trained / "App_model" / "captcha.onnx").card.metrics["temperature"]
    assert model.layers[-1].name == "temperature"
    assert model.layers[-1].scale == pytest.approx(1 / temperature)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 24, 48, 1)).astype(np.float32)
    bare = keras.Model(model.input, model.layers[-2].output)
    logits, divided = (np.asarray(one(pixels)) for one in (bare, export.with_temperature(bare, 4.0)))
    assert divided == pytest.approx(logits / 4, rel=1e-5)
    assert (divided.argmax(axis=-1) == logits.argmax(axis=-1)).all()


def test_without_labels_confidences_stay_as_they_are(trained: Path, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 48, 1)).astype(np.uint8)
    checkpoint = best_checkpoint(trained / "checkpoint").path
    published = export.publish(checkpoint, "plain", tmp_path / "model", tmp_path / "App_model", pixels)
    assert published.calibration is None
    assert "temperature" not in published.card.metrics
    # as units of before: they are read all the same
    assert (
        Recogniser(OnnxEngine(published.served_file)).read(next((trained / "test_dataset").iterdir())).confidence <= 1
    )


def test_an_onnx_file_from_elsewhere_is_refused(unit: Path, tmp_path: Path):
    stranger = onnx.load(unit)
    del stranger.metadata_props[:]
    onnx.save(stranger, tmp_path / "stranger.onnx")
    with pytest.raises(ArtifactError, match="says nothing of itself"):
        OnnxEngine(tmp_path / "stranger.onnx")


def test_a_card_of_a_newer_bearcat_or_a_damaged_one_is_refused():
    card = Card("captcha", "CTC", "light", ("a",), 24, 48, 1, 3)
    assert Card.from_json(card.to_json(), Path("x")) == card
    with pytest.raises(ArtifactError, match="newer Bearcat"):
        Card.from_json(card.to_json().replace('"format": 1', '"format": 2'), Path("x"))
    with pytest.raises(ArtifactError, match="damaged card"):
        Card.from_json("{}", Path("x"))
    with pytest.raises(ArtifactError, match="known are: ORDINARY, NUM_CLASSES, CTC, CTC_TINY"):
        Card.from_json(card.to_json().replace('"CTC"', '"CTX"'), Path("x"))


def test_the_unit_is_chosen_by_name_or_because_it_is_the_only_one(tmp_path: Path):
    with pytest.raises(ArtifactError, match="no trained unit"):
        find_units(tmp_path)
    for name in ("one", ".two.part"):
        (tmp_path / f"{name}.onnx").touch()
    assert choose_unit(find_units(tmp_path), "", tmp_path).stem == "one"
    (tmp_path / "three.onnx").touch()
    assert choose_unit(find_units(tmp_path), "three", tmp_path).stem == "three"
    for name in ("other", ""):
        with pytest.raises(ArtifactError, match="only one, three"):
            choose_unit(find_units(tmp_path), name, tmp_path)


def test_the_reader_uses_the_transform_it_is_given(trained: Path, unit: Path):
    image = next((trained / "test_dataset").iterdir())
    seen = []

    def spy(source, spec):
        seen.append((source, spec))
        return extract_pixels(source, spec)

    assert isinstance(Recogniser(OnnxEngine(unit), spy).read(image), Prediction)
    assert seen == [(image, OnnxEngine(unit).card.spec)]
