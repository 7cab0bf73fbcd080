"""Publish a trained unit: the Keras model, and the one ONNX file that is served, held to be equal on real images."""

import contextlib
import io
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import onnx

from bearcat.artifacts.calibration import Calibration, calibrate
from bearcat.artifacts.card import (
    CHECKSUM_KEY,
    IMAGES_COMPARED,
    KERAS_SUFFIX,
    METADATA_KEY,
    ONNX_SUFFIX,
    UNSEALED,
    Card,
    read_card,
    sealed,
    write_card,
)
from bearcat.artifacts.inference import KerasEngine, OnnxEngine
from bearcat.artifacts.keras_files import in_float32, load_validated
from bearcat.artifacts.pretrained import base_with, origin_of
from bearcat.artifacts.weight_interpolation import Blend, blend
from bearcat.core.errors import ArtifactError, ExportError
from bearcat.core.files import written_beside

LARGEST_DIFFERENCE = 1e-3  # between two probabilities of the same row
ROUNDING = 1e-3  # of an output: where engines differ by less, a text that differs was a tie between two texts
BATCH = 64  # images


@dataclass(frozen=True)
class Published:
    """A trained unit's card, its two files, the largest difference of a probability between them, its calibration.

    `blend` says what it got back of the base that it comes from. `problem` says why there is no ONNX file; the Keras
    model is then served itself.
    """

    card: Card
    keras_file: Path
    served_file: Path
    difference: float
    calibration: Calibration | None
    blend: Blend | None = None
    problem: str = ""


def publish(
    checkpoint: Path,
    name: str,
    model_folder: Path,
    app_folder: Path,
    pixels: np.ndarray,
    labels: Sequence[str] = (),
    trained_on: Sequence[tuple[np.ndarray, str]] = (),
) -> Published:
    """Write <model_folder>/<name>.keras and <app_folder>/<name>.onnx from a checkpoint, both with its card.

    `pixels` (N, H, W, C) are real images as the network sees them; where there are `labels`, of the first of them,
    confidences are fitted to what these show. A network that comes from the base gets some of it back, as far as that
    costs none of those images and of images that it was `trained_on` (pixels and label each; without any it is
    left as it is). A network that cannot be exported is served as a .keras file. Raises ArtifactError where the two
    files read the images differently, and then leaves what was published before.
    """
    card = replace(read_card(checkpoint)[0], name=name)
    keras_file, onnx_file = model_folder / f"{name}{KERAS_SUFFIX}", app_folder / f"{name}{ONNX_SUFFIX}"
    with written_beside(keras_file) as keras_part:
        model = in_float32(load_validated(checkpoint))
        card, blended = blend_with_base(model, card, checkpoint, (pixels, labels), trained_on)
        calibration = calibrated(model, card, pixels, labels) if len(labels) else None
        if calibration:
            model = with_temperature(model, calibration.temperature)
            card = replace(card, metrics=card.metrics | calibration.figures())
        model.save(keras_part)
        write_card(keras_part, {"card": vars(card), "origin": origin_of(checkpoint)})
        difference, problem = serve(model, card, keras_part, onnx_file, pixels[:IMAGES_COMPARED])
    served_file = onnx_file.with_suffix(KERAS_SUFFIX) if problem else onnx_file
    return Published(card, keras_file, served_file, difference, calibration, blended, problem)


def serve(model: keras.Model, card: Card, keras_part: Path, onnx_file: Path, pixels: np.ndarray) -> tuple[float, str]:
    """Put the ONNX file of a saved model in its place, or the .keras file itself where it cannot be exported.

    Returns the largest difference of a probability between the two, and why there is no ONNX file. Of an earlier
    training nothing stays: of two files the ONNX file would be served.
    """
    fallback_file, reference = onnx_file.with_suffix(KERAS_SUFFIX), KerasEngine(keras_part)
    try:
        with written_beside(onnx_file) as onnx_part:
            export_onnx(model, card, onnx_part)
            difference = compare_engines(reference, OnnxEngine(onnx_part), pixels)
    except ExportError as error:
        with written_beside(fallback_file) as fallback_part:
            shutil.copyfile(keras_part, fallback_part)
        onnx_file.unlink(missing_ok=True)
        return 0.0, str(error)
    fallback_file.unlink(missing_ok=True)
    return difference, ""


def blend_with_base(
    model: keras.Model,
    card: Card,
    checkpoint: Path,
    validation: tuple[np.ndarray, Sequence[str]],
    trained_on: Sequence[tuple[np.ndarray, str]],
) -> tuple[Card, Blend | None]:
    """Give a checkpoint's model back what of its base costs no labelled image; return card and how much that was.

    The card gets the exact match that the blended network has on the validation images.
    """
    base = base_with(origin_of(checkpoint)) if trained_on else None
    if base is None:
        return card, None
    codec, labels = card.make_codec(), [*validation[1], *(label for _, label in trained_on)]
    pixels = np.concatenate([validation[0][: len(validation[1])], np.stack([image for image, _ in trained_on])])

    def find_right() -> np.ndarray:
        predictions = codec.decode(predict_logits(model, pixels))
        return np.array([prediction.text == label for prediction, label in zip(predictions, labels, strict=True)])

    blended = blend(model, card, base, find_right)
    if not blended or not blended.share or not len(validation[1]):
        return card, blended
    measured = {"val_exact": float(find_right()[: len(validation[1])].mean())}
    kept = {figure: value for figure, value in card.metrics.items() if figure != "val_loss"}
    return replace(card, metrics=kept | measured), blended


def calibrated(model: keras.Model, card: Card, pixels: np.ndarray, labels: Sequence[str]) -> Calibration:
    """Return how far the confidences of a network are to be trusted, by images whose labels are known."""
    return calibrate(card.make_codec(), predict_logits(model, pixels[: len(labels)]), labels)


def predict_logits(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Return what a network makes of images (N, H, W, C)."""
    batches = (pixels[start : start + BATCH].astype(np.float32) for start in range(0, len(pixels), BATCH))
    return np.concatenate([np.asarray(model.predict_on_batch(batch)) for batch in batches])


def with_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """Return a network whose logits are divided by a temperature: every engine then has the same confidences."""
    divided = keras.layers.Rescaling(1 / temperature, name="temperature", dtype="float32")(model.output)
    return keras.Model(model.input, divided, name=model.name)


def export_onnx(model: keras.Model, card: Card, file: Path) -> None:
    """Write a model as an ONNX file that holds its card; raise ExportError where that cannot be done."""
    model.predict_on_batch(np.zeros((1, *card.spec.shape), np.float32))  # export asks for a model that was called
    try:
        with _quietly():
            model.export(file, format="onnx", verbose=False)
        described = onnx.load(file)
    except OSError:
        raise  # a full disk is no fault of the network
    except Exception as error:  # the exporters' errors share no base class of their own
        raise ExportError(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
    onnx.helper.set_model_props(described, {METADATA_KEY: card.to_json(), CHECKSUM_KEY: UNSEALED})
    file.write_bytes(sealed(described.SerializeToString()))


def compare_engines(reference: KerasEngine, engine: OnnxEngine, pixels: np.ndarray) -> float:
    """Return the largest difference of a probability; raise ArtifactError where it is too large or a text differs.

    A text may differ where rounding alone decides: a network that has hardly learnt has ties.
    """
    images = pixels.astype(np.float32)
    expected, received = reference.logits(images), engine.logits(images)
    codec = engine.card.make_codec()
    difference = float(np.abs(codec.probabilities(expected) - codec.probabilities(received)).max())
    pairs = zip(codec.decode(expected), codec.decode(received), strict=True)
    # put so that NaN is apart, and too large
    apart = ~(np.abs(expected - received).reshape(len(pixels), -1).max(axis=1) <= ROUNDING)
    unequal = sum(far and one.text != other.text for far, (one, other) in zip(apart, pairs, strict=True))
    if not difference <= LARGEST_DIFFERENCE or unequal:
        raise ArtifactError(
            f"the ONNX file and the Keras model disagree on {unequal} of {len(pixels)} images (largest difference of "
            f"a probability: {difference:.1e}); nothing was published. This is a bug worth reporting"
        )
    return difference


@contextlib.contextmanager
def _quietly():
    """Keep the exporter's chatter off the screen."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx on a NumPy newer than itself
        yield
