"""Recognise images with a trained unit: preprocessing, engine and decoding as the unit's own card says."""

import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from bearcat.artifacts.card import KERAS_SUFFIX, METADATA_KEY, ONNX_SUFFIX, Card, check_seal, read_card
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction
from bearcat.data.images import InputSpec, Source, extract_pixels, open_image
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

log = logging.getLogger("bearcat.artifacts.inference")
Extract = Callable[[Source, InputSpec], np.ndarray]


class OnnxEngine:
    """ONNX Runtime with one thread an image: a second one spins and makes the slowest answers slower."""

    def __init__(self, path: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise ArtifactError(f"{path} is not there: run python save_model.py") from None
        check_seal(content, path)
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  onnxruntime's errors share no base class of their own
            raise ArtifactError(f"{path} cannot be loaded, run python save_model.py again ({error})") from None
        metadata = self.session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ArtifactError(f"{path} was not written by Bearcat's save_model.py: it says nothing of itself")
        self.card = Card.from_json(metadata[METADATA_KEY], path)
        self._input = self.session.get_inputs()[0].name

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Return the logits of images (N, H, W, C), float32 in 0 … 255."""
        return self.session.run(None, {self._input: pixels})[0]


class KerasEngine:
    """The .keras file itself, as a traced call: what ONNX files are held to, and serves what can't be exported."""

    def __init__(self, path: Path):
        self.card, _ = read_card(path)
        try:
            from bearcat.artifacts.keras_files import load_model
        except ImportError as error:
            raise ArtifactError(f"{path} needs Keras and TensorFlow, which are not installed ({error})") from None
        self._model = load_model(path)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Return the logits of images (N, H, W, C), float32 in 0 … 255."""
        return np.asarray(self._model.predict_on_batch(pixels))


def start_keras_engine(path: Path) -> KerasEngine:
    """Return a .keras file at work in a process that has no TensorFlow yet."""
    log.warning("%s could not be exported to ONNX: Keras reads with it, which takes more time and memory", path)
    if importlib.util.find_spec("tensorflow"):
        start_tensorflow(use_gpu=False)
    return KerasEngine(path)


class Recogniser:
    """A trained unit at work: images in, readings out.

    `extract` turns an image (file, bytes or opened) and the unit's input spec into uint8 pixels.
    """

    def __init__(self, engine: OnnxEngine | KerasEngine, extract: Extract = extract_pixels):
        self.engine = engine
        self.card = engine.card
        self._extract = extract
        self._codec = engine.card.make_codec()

    def read(self, image: Source) -> Prediction:
        """Read one image; raise ImageError where it cannot be opened."""
        return self.read_batch([image])[0]

    def read_batch(self, images: Sequence[Source]) -> list[Prediction]:
        """Read several images at once."""
        pixels = np.stack([self._extract(image, self.card.spec) for image in images])
        return self._codec.decode(self.engine.logits(pixels.astype(np.float32)))


class Detector(Recogniser):
    """A trained unit that finds objects; boxes are in pixels of the images as they were given."""

    def read_batch(self, images: Sequence[Source]) -> list[Detections]:
        """Return what several images show."""
        opened = [open_image(image) for image in images]
        found = super().read_batch(opened)
        return [one.placed(*image.size, self.card.spec) for one, image in zip(found, opened, strict=True)]


ENGINES: dict[str, Callable[[Path], "OnnxEngine | KerasEngine"]] = {
    ONNX_SUFFIX: OnnxEngine,
    KERAS_SUFFIX: start_keras_engine,
}
RECOGNISERS = {Task.TEXT: Recogniser, Task.CLASSIFICATION: Recogniser, Task.DETECTION: Detector}


def load_recogniser(path: Path, extract: Extract = extract_pixels) -> Recogniser:
    """Return the unit of a file of App_model at work."""
    engine = ENGINES[path.suffix](path)
    return RECOGNISERS[MODES[engine.card.mode].task](engine, extract)


def choose_unit(units: dict[str, Path], name: str, folder: Path) -> Path:
    """Return the unit of that name, or, where none is named, the only one; raise ArtifactError where there is none."""
    if not name and len(units) == 1:
        return next(iter(units.values()))
    if name not in units:
        raise ArtifactError(f"{folder} holds no unit {name!r}, only {', '.join(units)}: set MODEL_NAME to one of them")
    return units[name]
