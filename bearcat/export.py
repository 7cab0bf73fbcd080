"""Publish a trained unit: the Keras model, and the one ONNX file that is served, held to be equal on real pictures."""

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np
import onnx

from bearcat.artifact import METADATA_KEY, ONNX_SUFFIX, read_card, write_card
from bearcat.errors import ArtifactError
from bearcat.files import written_beside
from bearcat.inference import KerasEngine, OnnxEngine
from bearcat.label_codecs import softmax
from bearcat.layers import load_model

LARGEST_DIFFERENCE = 1e-3  # between two probabilities of the same row


def save_keras(checkpoint: Path, target: Path) -> None:
    """Write a checkpoint's model without its optimizer, with its card."""
    card, _ = read_card(checkpoint)
    model = load_model(checkpoint)
    with written_beside(target) as part:
        model.save(part)
        write_card(part, {"card": vars(card)})


def save_onnx(keras_file: Path, folder: Path, pixels: np.ndarray) -> tuple[Path, float]:
    """Export a saved model to <folder>/<name>.onnx, its card in the metadata; publish it only if it reads the same.

    `pixels` (N, H, W, C) are real pictures as the network sees them. Returns the file and the largest difference of a
    probability. Raises ArtifactError where the two disagree, and leaves what was published before.
    """
    card, _ = read_card(keras_file)
    target = folder / f"{card.name}{ONNX_SUFFIX}"
    with written_beside(target) as part:
        model = load_model(keras_file)
        model.predict_on_batch(pixels[:1].astype(np.float32))  # export asks for a model that was called
        with _quietly():
            model.export(part, format="onnx", verbose=False)
        described = onnx.load(part)
        onnx.helper.set_model_props(described, {METADATA_KEY: card.to_json()})
        onnx.save(described, part)
        difference = compare_engines(KerasEngine(keras_file), OnnxEngine(part), pixels)
    return target, difference


def compare_engines(reference: KerasEngine, engine: OnnxEngine, pixels: np.ndarray) -> float:
    """Return the largest difference of a probability; raise ArtifactError where it is too large or a text differs."""
    images = pixels.astype(np.float32)
    expected, received = reference.logits(images), engine.logits(images)
    codec = engine.card.make_codec()
    difference = float(np.abs(softmax(expected) - softmax(received)).max())
    pairs = zip(codec.decode(expected), codec.decode(received), strict=True)
    unequal = sum(one.text != other.text for one, other in pairs)
    if difference > LARGEST_DIFFERENCE or unequal:
        raise ArtifactError(
            f"the ONNX file and the Keras model disagree on {unequal} of {len(pixels)} pictures (largest difference of "
            f"a probability: {difference:.1e}); nothing was published. This is a bug worth reporting"
        )
    return difference


@contextlib.contextmanager
def _quietly():
    """Keep the exporter's chatter off the screen."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx on a NumPy newer than itself
        yield
