"""Export: a model describes itself, and nothing is published that disagrees with Keras."""

import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

from bearcat.artifacts import export
from bearcat.artifacts.card import Card, find_models, read_card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.artifacts.inference import KerasEngine, OnnxEngine, Recogniser, choose_model, load_recogniser
from bearcat.artifacts.keras_files import load_model
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction
from bearcat.data.images import InputSpec, extract_pixels


@pytest.fixture
def served(trained: Path) -> Path:
    """The file that is served."""
    return trained / "App_model" / "captcha.onnx"


def test_a_model_describes_itself(trained: Path, served: Path):
    card = OnnxEngine(served).card
    assert card.mode == trained.name.upper()
    assert card.characters == tuple("0123")
    assert card.spec.shape == (24, 48, 1)
    assert card.metrics["loss"] > 0
    assert 0 <= card.metrics["val_exact"] <= 1
    assert {"bearcat", "keras", "tensorflow", "python"} <= card.versions.keys()
    assert read_card(trained / "model" / "captcha.keras")[0] == card


def test_a_batch_gives_the_predictions_of_its_images(trained: Path, served: Path):
    recogniser = Recogniser(OnnxEngine(served))
    images = sorted((trained / "test_dataset").iterdir())
    together, alone = recogniser.predict_batch(images), [recogniser.predict(image) for image in images]
    assert [prediction.text for prediction in together] == [prediction.text for prediction in alone]
    assert all(0 <= prediction.confidence <= 1 for prediction in alone)


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


def test_an_onnx_file_of_another_program_is_refused(served: Path, tmp_path: Path):
    foreign = onnx.load(served)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(ArtifactError, match="it has no card"):
        OnnxEngine(tmp_path / "foreign.onnx")


def test_a_card_is_stored_with_the_keys_of_earlier_versions():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3, {"val_exact": 1.0}, {"keras": "3"})
    assert card.to_dict() == {
        "name": "captcha",
        "mode": "CTC",
        "backbone": "light",
        "characters": ("a",),
        "height": 24,
        "width": 48,
        "channels": 1,
        "captcha_length": 3,
        "metrics": {"val_exact": 1.0},
        "versions": {"keras": "3"},
        "format": 1,
    }


def test_differences_name_what_makes_weights_unfit():
    card = Card("captcha", "ORDINARY", "light", ("a",), InputSpec(24, 48, 1), 3)
    assert card.differences(card) == []
    assert card.differences(replace(card, backbone="auto", name="other", metrics={"loss": 1.0})) == []
    other = replace(card, mode="CTC", spec=InputSpec(24, 64, 3), captcha_length=4, characters=("b",))
    assert [line.partition(":")[0] for line in card.differences(other)] == [
        "mode",
        "width",
        "channels",
        "captcha_length",
        "vocabulary",
    ]


def test_damaged_cards_and_those_of_newer_versions_are_refused():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3)
    assert Card.from_json(card.to_json(), Path("x")) == card
    with pytest.raises(ArtifactError, match="newer Bearcat"):
        Card.from_json(card.to_json().replace('"format": 1', '"format": 2'), Path("x"))
    with pytest.raises(ArtifactError, match="damaged card"):
        Card.from_json("{}", Path("x"))
    with pytest.raises(ArtifactError, match="known are: ORDINARY, NUM_CLASSES, CTC, CTC_TINY"):
        Card.from_json(card.to_json().replace('"CTC"', '"CTX"'), Path("x"))


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


def test_a_recogniser_uses_the_extract_function_that_is_passed(trained: Path, served: Path):
    image = next((trained / "test_dataset").iterdir())
    seen = []

    def spy(source, spec):
        seen.append((source, spec))
        return extract_pixels(source, spec)

    assert isinstance(Recogniser(OnnxEngine(served), spy).predict(image), Prediction)
    assert seen == [(image, OnnxEngine(served).card.spec)]
