"""A LiteRT file of a saved model, for phones and small boards: int8 weights if that is as right as the Keras model.

The card is in a zip archive behind the network, where LiteRT's own metadata has files too, so that one file describes
itself. An interpreter reads the network and ignores what follows.
"""

import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bearcat.artifacts.card import Card, read_card, write_card
from bearcat.artifacts.export.publish import INT8, MAX_DIFFERENCE
from bearcat.artifacts.export.quantization import Quantization, compare, in_batches, too_few
from bearcat.artifacts.keras_files import load_model
from bearcat.core.devices import silence
from bearcat.core.errors import ExportError
from bearcat.core.files import atomic_write

LITERT_SUFFIX = ".tflite"
MAX_IMAGES = 1000  # to compare on, of which one may have another text
INPUT = "pixels"  # name of the network's input
# none of TensorFlow's own operations, for which a phone would need the Flex library
BUILT_IN = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}


@dataclass(frozen=True)
class LiteRtFile:
    """A LiteRT file.

    Args:
        path: The file.
        difference: Largest difference between two probabilities of the Keras model and of the float form.
        quantization: Comparison of the int8 form with the Keras model.
    """

    path: Path
    difference: float
    quantization: Quantization

    @property
    def is_int8(self) -> bool:
        return not self.quantization.problem

    def to_report(self) -> dict[str, object]:
        """Entry `litert` of report/save.json."""
        return {
            "model": self.path.name,
            "bytes": self.path.stat().st_size,
            "largest_difference": self.difference,
            "quantized": self.is_int8,
            "quantization": self.quantization.to_report(),
        }


class LiteRtNetwork:
    """A network in TensorFlow's interpreter of LiteRT files, which computes one image at a time."""

    def __init__(self, file: Path):
        with silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the interpreter will move to a package of its own
            # from memory, since Windows renames and deletes no open file
            interpreter = tf.lite.Interpreter(model_content=file.read_bytes())
            interpreter.allocate_tensors()
            self._run = interpreter.get_signature_runner()

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Computes the logits of images (N, H, W, C), float32 in 0 … 255."""
        outputs = [next(iter(self._run(**{INPUT: image[None]}).values())) for image in pixels]
        return np.concatenate(outputs)


def publish_litert(
    keras_file: Path,
    pixels: np.ndarray,
    labels: Sequence[Any] = (),
    trained_on: Sequence[tuple[np.ndarray, Any]] = (),
) -> LiteRtFile:
    """Writes a LiteRT file, with its card, beside a saved Keras model.

    Args:
        keras_file: The Keras model.
        pixels: Real images uint8 (n, H, W, C) to compare on.
        labels: Labels of the first of them, which are validation images.
        trained_on: Training images, each with pixels and label; to compare on as well.

    Raises:
        ExportError: The network cannot be converted, or the float form computes something else than Keras. The LiteRT
            file of an earlier training is deleted then, since it does not belong to the new Keras model.
    """
    file, card = keras_file.with_suffix(LITERT_SUFFIX), read_card(keras_file)[0]
    images, labels = _join(pixels, labels, trained_on)
    with tempfile.TemporaryDirectory() as folder:
        float_file, int8_file = Path(folder, f"float{LITERT_SUFFIX}"), Path(folder, f"int8{LITERT_SUFFIX}")
        try:
            difference, quantization = _make_forms(
                load_model(keras_file), card, (float_file, int8_file), images, labels
            )
        except ExportError:
            file.unlink(missing_ok=True)
            raise
        with atomic_write(file) as part:
            shutil.copyfile(float_file if quantization.problem else int8_file, part)
            write_card(part, card if quantization.problem else replace(card, metrics=card.metrics | INT8))
            LiteRtNetwork(part).logits(images[:1].astype(np.float32))
    return LiteRtFile(file, difference, quantization)


def _make_forms(
    model: keras.Model, card: Card, files: tuple[Path, Path], images: np.ndarray, labels: Sequence[Any]
) -> tuple[float, Quantization]:
    """Writes the float form and, with enough images, the int8 form of a model, and compares them with it.

    Returns:
        The largest difference between two probabilities of the model and of the float form; and the comparison of the
        int8 form, which has the bounds of int8 ONNX files.
    """
    networks, problem = [convert(model, card, files[0], int8=False)], too_few(images)
    if not problem:
        try:
            networks.append(convert(model, card, files[1], int8=True))
        except ExportError as error:
            problem = f"it cannot be quantized ({error})"
    difference, (expected, *received) = _predict(model, networks, card, images)
    if not difference <= MAX_DIFFERENCE:  # negated, so that NaN counts as different
        raise ExportError(
            f"it computes something else than the Keras model, probabilities differ by up to {difference:.1e}; please "
            "report this bug"
        )
    if problem:
        return difference, Quantization(len(images), problem)
    return difference, compare(card, expected, received[-1], labels)


def convert(model: keras.Model, card: Card, file: Path, int8: bool) -> LiteRtNetwork:
    """Converts a model to a network of LiteRT's built-in operations and loads it.

    Args:
        model: The model.
        card: Its card.
        file: The file to write.
        int8: Whether weights are stored as int8; activations are quantized while it runs, by their range in the image.

    Raises:
        ExportError: The network cannot be converted, or the interpreter refuses it.
    """
    # batches of any size would need TensorFlow's own operations
    signature = [keras.InputSpec(shape=(1, *card.spec.shape), dtype="float32", name=INPUT)]
    options = {"optimizations": [tf.lite.Optimize.DEFAULT] if int8 else [], "target_spec": BUILT_IN}
    try:
        with silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.export(file, format="litert", verbose=False, input_signature=signature, **options)
        return LiteRtNetwork(file)
    except OSError:
        raise  # such as a full disk, which is not the network's fault
    except Exception as error:  # the converter's errors share no base class of their own
        raise ExportError(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]:.200}") from error


def _join(
    pixels: np.ndarray, labels: Sequence[Any], trained_on: Sequence[tuple[np.ndarray, Any]]
) -> tuple[np.ndarray, list[Any]]:
    """Joins validation and training images to at most MAX_IMAGES, with the labels of the first of them."""
    if not trained_on:
        return pixels[:MAX_IMAGES], list(labels[:MAX_IMAGES])
    images = [*pixels[: len(labels)], *(image for image, _ in trained_on)]
    return np.stack(images[:MAX_IMAGES]), [*labels, *(label for _, label in trained_on)][:MAX_IMAGES]


def _predict(
    model: keras.Model, networks: Sequence[LiteRtNetwork], card: Card, images: np.ndarray
) -> tuple[float, list[list[Any]]]:
    """Predicts images with a model and with its converted forms, batch by batch: a detector's outputs are large.

    Returns:
        The largest difference between two probabilities of the model and of the first form; and the predictions of the
        model and of each form.
    """
    codec = card.make_codec()
    differences = []
    predictions: list[list[Any]] = [[] for _ in range(1 + len(networks))]
    for batch in in_batches(images):
        outputs = [np.asarray(model.predict_on_batch(batch)), *(network.logits(batch) for network in networks)]
        differences.append(np.abs(codec.probabilities(outputs[0]) - codec.probabilities(outputs[1])).max())
        for found, output in zip(predictions, outputs, strict=True):
            found += codec.decode(output)
    return float(np.max(differences)), predictions
