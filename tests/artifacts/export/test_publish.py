"""Export: nothing is published that disagrees with Keras, and confidences are calibrated inside the network."""

from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from PIL import Image

from bearcat.artifacts.calibration import Calibration
from bearcat.artifacts.card import Card, find_models, read_card, write_card
from bearcat.artifacts.checkpoints import checkpoint_name
from bearcat.artifacts.export import publish, quantization
from bearcat.artifacts.inference import OnnxEngine, Recogniser, load_recogniser
from bearcat.artifacts.keras_files import load_model
from bearcat.core.errors import ArtifactError
from bearcat.data.images import InputSpec

SPEC = InputSpec(24, 48, 1)
PIXELS = np.random.default_rng(0).integers(0, 256, (40, *SPEC.shape)).astype(np.uint8)
# images and labels, as save_model.py passes them on
DATA = {"pixels": PIXELS[:12], "labels": ["01"] * 12, "trained_on": [(pixels, "01") for pixels in PIXELS[12:]]}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a network with few layers and random weights, which is exported soon."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input(SPEC.shape)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    maps = keras.layers.Conv2D(64, 5, strides=4, padding="same", activation="relu")(scaled)
    columns = keras.layers.Reshape((12, 6 * 64))(keras.layers.Permute((2, 1, 3))(maps))
    model = keras.Model(pixels, keras.layers.Dense(5)(keras.layers.Dense(64, activation="relu")(columns)))
    path = tmp_path_factory.mktemp("checkpoint") / checkpoint_name(1, 1.0, 1.0, 0.0)
    model.save(path)
    write_card(path, Card("captcha", "CTC", "tiny", tuple("0123"), SPEC, 3, {"val_exact": 0.5}))
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file with one of the images."""
    path = tmp_path / "image.png"
    Image.fromarray(PIXELS[0, :, :, 0]).save(path)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the Keras model goes, and where the served one."""
    return tmp_path / "model", tmp_path / "App_model"


def files_in(folder: Path) -> dict[Path, bytes]:
    """Returns the contents of all files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_published_if_the_files_disagree(
    checkpoint: Path, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for folder, name in zip(folders, ("captcha.keras", "captcha.onnx"), strict=True):
        folder.mkdir()
        (folder / name).write_bytes(b"of an earlier training")
    before = files_in(tmp_path)

    class Shifted(OnnxEngine):
        def logits(self, pixels: np.ndarray) -> np.ndarray:
            return np.roll(super().logits(pixels), 1, axis=-1)

    monkeypatch.setattr(publish, "OnnxEngine", Shifted)
    with pytest.raises(ArtifactError, match="nothing was published"):
        publish.publish(checkpoint, "captcha", *folders, PIXELS[:2])
    assert files_in(tmp_path) == before


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


def test_keras_serves_what_cannot_be_exported(
    checkpoint: Path,
    folders: tuple[Path, Path],
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    served = folders[1]
    published = publish.publish(checkpoint, "captcha", *folders, PIXELS[:2])
    expected = load_recogniser(published.served_file).predict(image)

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("no such operation\nin ONNX")

    with monkeypatch.context() as broken:
        broken.setattr(publish.keras.Model, "export", fail)
        published = publish.publish(checkpoint, "captcha", *folders, PIXELS[:2])
    assert published.export_error == "ValueError: no such operation"
    assert find_models(served) == {"captcha": served / "captcha.keras"}
    received = load_recogniser(published.served_file).predict(image)
    assert received.text == expected.text
    assert received.confidence == pytest.approx(expected.confidence, abs=1e-4)
    assert "could not be exported to ONNX" in caplog.text
    publish.publish(checkpoint, "captcha", *folders, PIXELS[:2])
    assert find_models(served) == {"captcha": served / "captcha.onnx"}


def test_the_temperature_divides_the_logits_inside_the_network(checkpoint: Path):
    bare, pixels = load_model(checkpoint), PIXELS[:2].astype(np.float32)
    logits, divided = (np.asarray(one(pixels)) for one in (bare, publish.with_temperature(bare, 4.0)))
    assert divided == pytest.approx(logits / 4, rel=1e-5)
    assert (divided.argmax(axis=-1) == logits.argmax(axis=-1)).all()


def test_without_labels_there_is_no_calibration(checkpoint: Path, folders: tuple[Path, Path], image: Path):
    published = publish.publish(checkpoint, "plain", *folders, PIXELS[:2])
    assert published.calibration is None
    assert "temperature" not in published.card.metrics
    # as in the first versions, which are served too
    assert Recogniser(OnnxEngine(published.served_file)).predict(image).confidence <= 1


def allow_anything(monkeypatch: pytest.MonkeyPatch, same: float) -> None:
    """Makes the comparison of int8 and float ask for nothing but a fraction of same texts."""
    for name, value in {"MIN_SAME_TEXT": same, "MAX_P_VALUE": 0.0, "MAX_CONFIDENCE_CHANGE": 1.0}.items():
        monkeypatch.setattr(quantization, name, value)


@pytest.mark.parametrize("quantize", ["auto", True])
def test_int8_is_published_with_the_temperature_that_fits_it(
    checkpoint: Path, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, quantize: str | bool
):
    seen: list[np.ndarray] = []

    def keep(codec: object, logits: np.ndarray, labels: list[str]) -> Calibration:
        seen.append(logits)
        return Calibration(2.0, 0.1, 0.1, len(labels), 9)

    allow_anything(monkeypatch, same=0.0)
    monkeypatch.setattr(publish, "calibrate", keep)
    published = publish.publish(checkpoint, "captcha", *folders, **DATA, quantize=quantize)
    assert published.to_report()["quantized"] is True
    engine = OnnxEngine(published.served_file)
    assert engine.card.metrics == published.card.metrics | {"quantized": 1.0}
    assert engine.card.metrics["temperature"] == 2
    assert "quantized" not in read_card(published.keras_file)[0].metrics
    last = load_model(published.keras_file).layers[-1]
    assert (last.name, last.scale) == ("temperature", pytest.approx(1 / 2))
    nodes = onnx.load(published.served_file).graph.node
    assert "QuantizeLinear" in {node.op_type for node in nodes}
    assert (nodes[-1].op_type, nodes[-1].name) == ("Mul", "scale")
    in_float = publish.publish(checkpoint, "float", *folders, **DATA)
    assert in_float.quantization is None
    # fitted to the logits of what is served, in int8 and in float
    images = DATA["pixels"].astype(np.float32)
    assert engine.logits(images) * 2 == pytest.approx(seen[0], abs=1e-4)
    assert OnnxEngine(in_float.served_file).logits(images) * 2 == pytest.approx(seen[1], abs=1e-4)
    assert not np.allclose(seen[0], seen[1], atol=1e-3)
    assert published.served_file.stat().st_size < 0.5 * in_float.served_file.stat().st_size


def test_int8_that_is_demanded_and_less_right_is_an_error(
    checkpoint: Path, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    allow_anything(monkeypatch, same=1.1)
    published = publish.publish(checkpoint, "captcha", *folders, **DATA, quantize="auto")
    assert published.to_report()["quantized"] is False
    assert "texts are the same" in published.to_report()["quantization"]["problem"]
    assert "quantized" not in OnnxEngine(published.served_file).card.metrics
    before = files_in(tmp_path)
    with pytest.raises(ArtifactError, match=r"QUANTIZE = True, but .* only .* are the same"):
        publish.publish(checkpoint, "captcha", *folders, **DATA, quantize=True)
    assert files_in(tmp_path) == before
