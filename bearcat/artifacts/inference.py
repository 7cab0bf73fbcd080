"""Inference with a trained model: preprocessing, engine and decoding as the model's own card says."""

import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import onnxruntime

from bearcat.artifacts.card import KERAS_SUFFIX, METADATA_KEY, ONNX_SUFFIX, Card, read_card, verify_checksum
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction
from bearcat.data.images import InputSpec, Source, extract_pixels, open_image
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

log = logging.getLogger("bearcat.artifacts.inference")
Extract = Callable[[Source, InputSpec], np.ndarray]  # image → pixels uint8 (height, width, channels)
Output = TypeVar("Output", Prediction, Detections)


class OnnxEngine:
    """An ONNX file in ONNX Runtime, with one thread per image: a second one spins and raises the tail latency."""

    def __init__(self, path: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise ArtifactError(f"{path} is not there: run python save_model.py") from None
        verify_checksum(content, path)
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  onnxruntime's errors share no base class of their own
            raise ArtifactError(f"{path} cannot be loaded, run python save_model.py again ({error})") from None
        metadata = self.session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ArtifactError(f"{path} was not written by Bearcat's save_model.py: it has no card")
        self.card = Card.from_json(metadata[METADATA_KEY], path)
        self._input = self.session.get_inputs()[0].name

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Computes the logits of images (N, H, W, C), float32 in 0 … 255."""
        return self.session.run(None, {self._input: pixels})[0]


class KerasEngine:
    """A .keras file as a traced call: the reference for ONNX files, and what serves a model that cannot be exported."""

    def __init__(self, path: Path):
        self.card, _ = read_card(path)
        try:
            from bearcat.artifacts.keras_files import load_model
        except ImportError as error:
            raise ArtifactError(f"{path} needs Keras and TensorFlow, which are not installed ({error})") from None
        self._model = load_model(path)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Computes the logits of images (N, H, W, C), float32 in 0 … 255."""
        return np.asarray(self._model.predict_on_batch(pixels))


Engine = OnnxEngine | KerasEngine


def start_keras_engine(path: Path) -> KerasEngine:
    """Loads a .keras file in a process that has not started TensorFlow yet."""
    log.warning("%s could not be exported to ONNX: Keras serves it, which takes more time and memory", path)
    if importlib.util.find_spec("tensorflow"):
        start_tensorflow(use_gpu=False)
    return KerasEngine(path)


class Recogniser(Generic[Output]):
    """Predicts what images show.

    Args:
        engine: Runs the network.
        extract: Turns an image (path, bytes or opened) into uint8 pixels of the model's input size.
    """

    def __init__(self, engine: Engine, extract: Extract = extract_pixels):
        self.engine = engine
        self.card = engine.card
        self._extract = extract
        self._codec = engine.card.make_codec()

    def predict(self, image: Source) -> Output:
        """Predicts one image. Raises ImageError if it cannot be opened."""
        return self.predict_batch([image])[0]

    def predict_batch(self, images: Sequence[Source]) -> list[Output]:
        """Predicts several images in one call of the network."""
        pixels = np.stack([self._extract(image, self.card.spec) for image in images])
        return self._codec.decode(self.engine.logits(pixels.astype(np.float32)))


class Detector(Recogniser[Detections]):
    """Finds objects; boxes are in pixels of the images as they were passed in."""

    def predict_batch(self, images: Sequence[Source]) -> list[Detections]:
        opened = [open_image(image) for image in images]
        detections = super().predict_batch(opened)
        return [found.to_image(*image.size, self.card.spec) for found, image in zip(detections, opened, strict=True)]


ENGINES: dict[str, Callable[[Path], Engine]] = {ONNX_SUFFIX: OnnxEngine, KERAS_SUFFIX: start_keras_engine}
RECOGNISERS: dict[Task, type[Recogniser[Any]]] = {
    Task.TEXT: Recogniser,
    Task.CLASSIFICATION: Recogniser,
    Task.DETECTION: Detector,
}


def load_recogniser(path: Path, extract: Extract = extract_pixels) -> Recogniser[Any]:
    """Loads a file of App_model with the engine and the recogniser that fit it."""
    engine = ENGINES[path.suffix](path)
    return RECOGNISERS[MODES[engine.card.mode].task](engine, extract)


def choose_model(models: dict[str, Path], name: str, folder: Path) -> Path:
    """Chooses the model with a name, or the only one if no name is given.

    Args:
        models: Name → file, as `find_models` returns them.
        name: The name, or ''.
        folder: Where they were found, for the message.

    Raises:
        ArtifactError: There is no such model, or several and no name.
    """
    if not name and len(models) == 1:
        return next(iter(models.values()))
    if name not in models:
        raise ArtifactError(
            f"{folder} holds no model {name!r}, only {', '.join(models)}: set MODEL_NAME to one of them"
        )
    return models[name]
