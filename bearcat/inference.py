"""Recognise pictures with a trained unit: preprocessing, engine and decoding as the unit's own card says."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from bearcat.artifact import METADATA_KEY, Card, read_card
from bearcat.detection.decoding import Detections
from bearcat.errors import ArtifactError
from bearcat.images import InputSpec, Source, extract_pixels, open_image
from bearcat.label_codecs import CODECS, Reading

Extract = Callable[[Source, InputSpec], np.ndarray]


class OnnxEngine:
    """ONNX Runtime with one thread a picture: a second one spins and makes the slowest answers slower."""

    def __init__(self, path: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self.session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except FileNotFoundError:
            raise ArtifactError(f"{path} is not there: run python save_model.py") from None
        except Exception as error:  # noqa: BLE001  onnxruntime's errors share no base class of their own
            raise ArtifactError(f"{path} cannot be loaded, run python save_model.py again ({error})") from None
        metadata = self.session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ArtifactError(f"{path} was not written by Bearcat's save_model.py: it says nothing of itself")
        self.card = Card.from_json(metadata[METADATA_KEY], path)
        self._input = self.session.get_inputs()[0].name

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Return the logits of pictures (N, H, W, C), float32 in 0 … 255."""
        return self.session.run(None, {self._input: pixels})[0]


class KerasEngine:
    """The .keras file itself, traced: what save_model.py holds the ONNX file to."""

    def __init__(self, path: Path):
        from bearcat.layers import load_model  # imports Keras: heavy, and never needed where ONNX Runtime serves

        self.card, _ = read_card(path)
        self._model = load_model(path)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Return the logits of pictures (N, H, W, C), float32 in 0 … 255."""
        return np.asarray(self._model.predict_on_batch(pixels))


class Recogniser:
    """A trained unit at work: pictures in, readings out.

    `extract` turns a picture (file, bytes or opened) and the unit's input spec into uint8 pixels.
    """

    def __init__(self, engine: OnnxEngine | KerasEngine, extract: Extract = extract_pixels):
        self.engine = engine
        self.card = engine.card
        self._extract = extract
        self._codec = engine.card.make_codec()

    def read(self, image: Source) -> Reading:
        """Read one picture; raise ImageError where it cannot be opened."""
        return self.read_batch([image])[0]

    def read_batch(self, images: Sequence[Source]) -> list[Reading]:
        """Read several pictures at once."""
        pixels = np.stack([self._extract(image, self.card.spec) for image in images])
        return self._codec.decode(self.engine.logits(pixels.astype(np.float32)))


class Detector(Recogniser):
    """A trained unit that finds objects; boxes are in pixels of the pictures as they were given."""

    def read_batch(self, images: Sequence[Source]) -> list[Detections]:
        """Return what several pictures show."""
        opened = [open_image(image) for image in images]
        found = super().read_batch(opened)
        return [one.placed(*image.size, self.card.spec) for one, image in zip(found, opened, strict=True)]


RECOGNISERS = {"character": Recogniser, "class": Recogniser, "box": Detector}


def load_recogniser(path: Path, extract: Extract = extract_pixels) -> Recogniser:
    """Return the unit of an ONNX file at work."""
    engine = OnnxEngine(path)
    return RECOGNISERS[CODECS[engine.card.mode].unit](engine, extract)


def choose_unit(units: dict[str, Path], name: str, folder: Path) -> Path:
    """Return the unit of that name, or, where none is named, the only one; raise ArtifactError where there is none."""
    if not name and len(units) == 1:
        return next(iter(units.values()))
    if name not in units:
        raise ArtifactError(f"{folder} holds no unit {name!r}, only {', '.join(units)}: set MODEL_NAME to one of them")
    return units[name]
