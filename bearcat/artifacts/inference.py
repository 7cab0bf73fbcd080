"""Inference with a trained model: preprocessing, engine and decoding as the model's own card says."""

import importlib.util
import logging
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import onnxruntime

from bearcat.artifacts.card import KERAS_SUFFIX, METADATA_KEY, ONNX_SUFFIX, Card, read_card, verify_checksum
from bearcat.artifacts.run_guard import run_session, stop_if_dropped
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import DISK, ArtifactError, RequestOptionError
from bearcat.core.names import show_name
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.automata import compile_restriction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.images import InputSpec, Source, extract_pixels, open_image
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

NO_FOLDER = f"{os.devnull}/none"  # cannot exist
MAX_MODEL_BYTES = 2**30  # four times the largest network of Bearcat

log = logging.getLogger("bearcat.artifacts.inference")
onnxruntime.disable_telemetry_events()  # under Windows, where bearcat.core.telemetry does not reach
Extract = Callable[[Source, InputSpec], np.ndarray]  # image → pixels uint8 (height, width, channels)
Output = TypeVar("Output", Prediction, Detections)


def check_file(path: Path) -> None:
    """Checks that a model is a file that can be read as a whole: no pipe, device or folder, and not too large.

    Raises:
        ArtifactError: It is not.
    """
    shown = show_name(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise ArtifactError(f"{shown} is not there: run python save_model.py") from None
    except OSError as error:
        reason = DISK.get(error.errno or 0, error.strerror)
        raise ArtifactError(f"{shown} cannot be loaded: {reason}") from None
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"{shown} cannot be loaded: it is no file but a folder, a pipe or a device. Remove it")
    if status.st_size > MAX_MODEL_BYTES:
        raise ArtifactError(f"{shown} has {status.st_size:,} bytes: a model has at most {MAX_MODEL_BYTES:,}. Remove it")


class OnnxEngine:
    """An ONNX file in ONNX Runtime, with one thread per image: a second one spins and raises the tail latency.

    Args:
        path: The file.
        revise: Changes the content to load, after the checksum is verified.
    """

    def __init__(self, path: Path, revise: Callable[[bytes], bytes] = bytes):
        self.path = path
        shown = show_name(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # tensors in other files are looked for in this folder and not in the working directory
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", NO_FOLDER)
        check_file(path)
        content = path.read_bytes()
        verify_checksum(content, path)
        try:
            self.session = onnxruntime.InferenceSession(revise(content), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  onnxruntime's errors share no base class of their own
            if "external" in str(error).lower():
                raise ArtifactError(f"{shown} cannot be loaded: it refers to other files, which are not read") from None
            raise ArtifactError(f"{shown} cannot be loaded, run python save_model.py again ({error})") from None
        metadata = self.session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ArtifactError(f"{shown} was not written by Bearcat's save_model.py: it has no card")
        self.card = Card.from_json(metadata[METADATA_KEY], path)
        self._input = self.session.get_inputs()[0].name

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Computes the logits of images (N, H, W, C), float32 in 0 … 255."""
        return self.outputs(pixels)[0]

    def outputs(self, pixels: np.ndarray) -> list[np.ndarray]:
        """Computes the logits of images (N, H, W, C), and the outputs that `revise` has added."""
        return run_session(self.session, {self._input: pixels}, shrink=len(pixels) > 1)


class KerasEngine:
    """A .keras file as a traced call: the reference for ONNX files, and what serves a model that cannot be exported."""

    def __init__(self, path: Path):
        self.path = path
        check_file(path)
        self.card, _ = read_card(path)
        try:
            from bearcat.artifacts.keras_files import load_model
        except ImportError as error:
            raise ArtifactError(
                f"{show_name(path)} needs Keras and TensorFlow, which are not installed ({error})"
            ) from None
        self._model = load_model(path)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Computes the logits of images (N, H, W, C), float32 in 0 … 255."""
        return np.asarray(self._model.predict_on_batch(pixels))


Engine = OnnxEngine | KerasEngine


def start_keras_engine(path: Path) -> KerasEngine:
    """Loads a .keras file in a process that has not started TensorFlow yet."""
    check_file(path)  # before TensorFlow takes its seconds to start
    log.warning("%s could not be exported to ONNX: Keras serves it, which takes more time and memory", show_name(path))
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

    def extract(self, image: Source) -> np.ndarray:
        """Returns what the network gets of an image: pixels uint8 (H, W, C)."""
        return self._extract(image, self.card.spec)

    def predict(self, image: Source, allowed: Restriction | None = None) -> Output:
        """Predicts one image; raises as `predict_batch`."""
        return self.predict_batch([image], allowed)[0]

    def predict_batch(self, images: Sequence[Source], allowed: Restriction | None = None) -> list[Output]:
        """Predicts several images in one call of the network.

        Args:
            images: The images.
            allowed: Which texts may be predicted.

        Raises:
            ImageError: An image cannot be opened.
            RequestOptionError: The model cannot predict an allowed text, or predicts no texts.
        """
        self._check_restriction(allowed)
        pixels = np.stack(list(map(self.extract, images)))
        return self._predict_pixels(pixels, allowed)

    def check_allowed(self, allowed: Restriction | None) -> None:
        """Raises RequestOptionError if the model can predict no allowed text; it predicts a blank image to find out."""
        self._check_restriction(allowed)
        if allowed:
            self._predict_pixels(np.zeros((1, *self.card.spec.shape)), allowed)

    def _predict_pixels(self, pixels: np.ndarray, allowed: Restriction | None) -> list[Output]:
        logits = self.engine.logits(pixels.astype(np.float32))
        if allowed is None:
            return self._codec.decode(logits)
        predictions = []
        for prediction in self._codec.decode_allowed(logits, allowed):
            stop_if_dropped()
            predictions.append(prediction)
        return predictions

    def _check_restriction(self, allowed: Restriction | None) -> None:
        if allowed is None:
            return
        if MODES[self.card.mode].task is not Task.TEXT:
            texts = ", ".join(mode for mode, row in MODES.items() if row.task is Task.TEXT)
            raise RequestOptionError(
                f"{allowed}: only texts can be restricted ({texts}), and a model of {self.card.mode} predicts none"
            )
        compile_restriction(allowed, self.card.vocabulary)


class Detector(Recogniser[Detections]):
    """Finds objects; boxes are in pixels of the images as they were passed in."""

    def predict_batch(self, images: Sequence[Source], allowed: Restriction | None = None) -> list[Detections]:
        opened = [open_image(image, self.card.spec.frames) for image in images]
        detections = super().predict_batch(opened, allowed)
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
            f"{show_name(folder)} holds no model {name!r}, only {', '.join(map(show_name, models))}: "
            "set MODEL_NAME to one of them"
        )
    return models[name]
