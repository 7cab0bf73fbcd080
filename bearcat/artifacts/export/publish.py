"""Export of a trained model: a Keras model, and one ONNX file that is served once both agree on real images."""

import contextlib
import io
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx

from bearcat.artifacts.calibration import Calibration, calibrate
from bearcat.artifacts.card import (
    CHECKSUM_KEY,
    CHECKSUM_PLACEHOLDER,
    KERAS_SUFFIX,
    METADATA_KEY,
    ONNX_SUFFIX,
    Card,
    insert_checksum,
    read_card,
    write_card,
)
from bearcat.artifacts.export.graph_rewrites import append_scale, simplify_graph
from bearcat.artifacts.export.images import IMAGES_COMPARED
from bearcat.artifacts.export.quantization import Form, Quantization, choose_form, compute
from bearcat.artifacts.inference import KerasEngine, OnnxEngine
from bearcat.artifacts.keras_files import load_evaluated, to_float32
from bearcat.artifacts.pretrained import find_pretrained, origin_of
from bearcat.artifacts.weight_interpolation import (
    Interpolation,
    find_correct,
    interpolate_weights,
    predict_logits,
)
from bearcat.core.errors import ArtifactError, ExportError
from bearcat.core.files import atomic_write
from bearcat.data.codecs import TEXT_CODECS

MAX_DIFFERENCE = 1e-3  # between two probabilities of the same class
ROUNDING = 1e-3  # between two logits: if they differ by less and the texts differ, these were equally likely
INT8 = {"quantized": 1.0}  # in the metrics of the card of an ONNX file


@dataclass(frozen=True)
class Published:
    """A published model.

    Args:
        card: Its card.
        keras_file: The Keras model.
        served_file: The ONNX file; the Keras model again if it could not be exported.
        compared: Number of images on which both files were compared.
        difference: Largest difference between two probabilities on them, before the network was quantized.
        calibration: The fitted temperature; None without labels.
        interpolation: Weight interpolation with the pretrained weights; None if there was none.
        export_error: Why there is no ONNX file; '' if there is one.
        quantization: Comparison of int8 with float; None if int8 was not asked for.
    """

    card: Card
    keras_file: Path
    served_file: Path
    compared: int
    difference: float
    calibration: Calibration | None
    interpolation: Interpolation | None = None
    export_error: str = ""
    quantization: Quantization | None = None

    @property
    def is_int8(self) -> bool:
        return self.quantization is not None and not self.quantization.problem

    def to_report(self) -> dict[str, object]:
        """Everything in report/save.json but the checkpoint."""
        return {
            "model": self.keras_file.name,
            "app_model": self.served_file.name,
            "bytes": self.served_file.stat().st_size,
            "export_problem": self.export_error or None,
            "images_compared": self.compared,
            "largest_difference": self.difference,
            "quantized": self.is_int8,
            "quantization": self.quantization.to_report() if self.quantization else None,
            "blend": self.interpolation.to_report() if self.interpolation else None,
            "calibration": asdict(self.calibration) if self.calibration else None,
            "metrics": self.card.metrics,
        }


def publish(
    checkpoint: Path,
    name: str,
    model_folder: Path,
    app_folder: Path,
    pixels: np.ndarray,
    labels: Sequence[Any] = (),
    trained_on: Sequence[tuple[np.ndarray, Any]] = (),
    quantize: str | bool = False,
) -> Published:
    """Writes <model_folder>/<name>.keras and <app_folder>/<name>.onnx from a checkpoint, both with its card.

    If the network cannot be exported to ONNX, the Keras model is written to `app_folder` too.

    Args:
        checkpoint: The checkpoint.
        name: The name of the model.
        model_folder: Where the Keras model goes.
        app_folder: Where the served file goes.
        pixels: Real images uint8 (n, H, W, C) on which the two files are compared.
        labels: Labels of the first of them, which are validation images; confidences are calibrated on these.
        trained_on: Training images, each with pixels and label. A model that started from pretrained weights is
            interpolated with them, unless there are none; ranges of int8 come from them.
        quantize: The value of QUANTIZE.

    Raises:
        ArtifactError: The two files disagree, or int8 was demanded and is not as right as float; the files that were
            published before are kept.
    """
    card = replace(read_card(checkpoint)[0], name=name)
    keras_file, onnx_file = model_folder / f"{name}{KERAS_SUFFIX}", app_folder / f"{name}{ONNX_SUFFIX}"
    with atomic_write(keras_file) as keras_part:
        model = to_float32(load_evaluated(checkpoint))
        card, interpolation = _interpolate(model, card, checkpoint, (pixels, labels), trained_on)
        network, export_error = _export(model, card)
        form = _choose_form(card, network, (pixels, labels), trained_on, quantize) if network else None
        if quantize is True and not (form and form.is_int8):
            raise ArtifactError(_explain_no_int8(form, export_error))
        calibration = None
        if len(labels) and card.mode in TEXT_CODECS:
            validation = pixels[: len(labels)]
            computed = form.logits if form else None
            logits = predict_logits(model, validation) if computed is None else computed[: len(labels)]
            calibration = calibrate(card.make_codec(), logits, labels)
            model = with_temperature(model, calibration.temperature)
            card = replace(card, metrics=card.metrics | calibration.metrics())
        model.save(keras_part)
        write_card(keras_part, card, origin=origin_of(checkpoint))
        scale = 1 / calibration.temperature if calibration else 1.0
        difference = _serve(card, keras_part, onnx_file, network, form, scale, pixels[:IMAGES_COMPARED])
    return Published(
        card=card,
        keras_file=keras_file,
        served_file=onnx_file.with_suffix(KERAS_SUFFIX) if export_error else onnx_file,
        compared=min(len(pixels), IMAGES_COMPARED),
        difference=difference,
        calibration=calibration,
        interpolation=interpolation,
        export_error=export_error,
        quantization=form.quantization if form else None,
    )


def _export(model: keras.Model, card: Card) -> tuple[onnx.ModelProto | None, str]:
    """Exports a network; if that fails, returns None and the reason."""
    try:
        return simplify_graph(export_network(model, card)), ""
    except ExportError as error:
        return None, str(error)


def _choose_form(
    card: Card,
    network: onnx.ModelProto,
    validation: tuple[np.ndarray, Sequence[Any]],
    trained_on: Sequence[tuple[np.ndarray, Any]],
    quantize: str | bool,
) -> Form:
    """Chooses the form that is served, on validation and training images."""
    pixels, labels = validation
    if not quantize:
        return Form(network, compute(network, card, pixels[: len(labels)])[0] if len(labels) else None)
    if not trained_on:
        return choose_form(card, network, pixels, labels, pixels)
    training = np.stack([image for image, _ in trained_on])
    images = np.concatenate([pixels[: len(labels)], training])
    return choose_form(card, network, images, [*labels, *(label for _, label in trained_on)], training)


def _explain_no_int8(form: Form | None, export_error: str) -> str:
    problem = form.quantization.problem if form and form.quantization else f"no ONNX file: {export_error}"
    return (
        f"QUANTIZE = True, but the int8 form cannot be served: {problem}. Nothing was published. Set QUANTIZE = 'auto' "
        "to serve the float form in that case"
    )


def _serve(
    card: Card,
    keras_part: Path,
    onnx_file: Path,
    network: onnx.ModelProto | None,
    form: Form | None,
    scale: float,
    pixels: np.ndarray,
) -> float:
    """Writes the ONNX file of a saved model, or copies the .keras file if it could not be exported.

    The other file of an earlier training is deleted: if both were there, the ONNX file would be served.

    Args:
        card: The card.
        keras_part: The saved Keras model.
        onnx_file: Where the ONNX file goes.
        network: The float form; None if there is none.
        form: The form that is served.
        scale: Factor of the logits, 1 / temperature.
        pixels: Real images uint8 (n, H, W, C) on which the Keras model and the float form are compared.

    Returns:
        The largest difference between two probabilities of the Keras model and of the float network.
    """
    fallback_file = onnx_file.with_suffix(KERAS_SUFFIX)
    if network is None or form is None:
        with atomic_write(fallback_file) as fallback_part:
            shutil.copyfile(keras_part, fallback_part)
        onnx_file.unlink(missing_ok=True)
        return 0.0
    with atomic_write(onnx_file) as onnx_part:
        write_onnx(append_scale(network, scale), card, onnx_part)
        difference = compare_engines(KerasEngine(keras_part), OnnxEngine(onnx_part), pixels)
        if form.is_int8:
            write_onnx(append_scale(form.network, scale), replace(card, metrics=card.metrics | INT8), onnx_part)
            OnnxEngine(onnx_part).logits(pixels[:1].astype(np.float32))
    fallback_file.unlink(missing_ok=True)
    return difference


def _interpolate(
    model: keras.Model,
    card: Card,
    checkpoint: Path,
    validation: tuple[np.ndarray, Sequence[str]],
    trained_on: Sequence[tuple[np.ndarray, str]],
) -> tuple[Card, Interpolation | None]:
    """Interpolates a checkpoint's model with its pretrained weights; updates the card's exact match."""
    pretrained = find_pretrained(origin_of(checkpoint)) if trained_on else None
    if pretrained is None:
        return card, None
    labels = [*validation[1], *(label for _, label in trained_on)]
    pixels = np.concatenate([validation[0][: len(validation[1])], np.stack([image for image, _ in trained_on])])
    interpolation = interpolate_weights(model, card, pretrained, lambda: find_correct(model, card, pixels, labels))
    validated = len(validation[1])
    if not interpolation or not interpolation.fraction or not validated:
        return card, interpolation
    measured = {"val_exact": float(find_correct(model, card, pixels[:validated], labels[:validated]).mean())}
    kept = {name: value for name, value in card.metrics.items() if name != "val_loss"}
    return replace(card, metrics=kept | measured), interpolation


def with_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """Appends a layer that divides the logits by a temperature, so that every engine has the same confidences."""
    divided = keras.layers.Rescaling(1 / temperature, name="temperature", dtype="float32")(model.output)
    return keras.Model(model.input, divided, name=model.name)


def export_network(model: keras.Model, card: Card) -> onnx.ModelProto:
    """Converts a model to an ONNX graph.

    Raises:
        ExportError: The network cannot be exported.
    """
    model(np.zeros((1, *card.spec.shape), np.float32))  # Keras exports only a model that was called
    try:
        with _quietly(), tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "network.onnx")
            model.export(file, format="onnx", verbose=False)
            return onnx.load(file)
    except OSError:
        raise  # such as a full disk, which is not the network's fault
    except Exception as error:  # the exporters' errors share no base class of their own
        raise ExportError(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error


def write_onnx(network: onnx.ModelProto, card: Card, file: Path) -> None:
    """Writes an ONNX file with a card and checksum."""
    onnx.helper.set_model_props(network, {METADATA_KEY: card.to_json(), CHECKSUM_KEY: CHECKSUM_PLACEHOLDER})
    file.write_bytes(insert_checksum(network.SerializeToString()))


def compare_engines(reference: KerasEngine, engine: OnnxEngine, pixels: np.ndarray) -> float:
    """Compares what two engines compute for images (n, H, W, C).

    Texts may differ if the logits are equal up to rounding: a network that has learned little has ties.

    Returns:
        The largest difference between two probabilities.

    Raises:
        ArtifactError: It is larger than MAX_DIFFERENCE, or texts differ.
    """
    images = pixels.astype(np.float32)
    expected, received = reference.logits(images), engine.logits(images)
    codec = engine.card.make_codec()
    difference = float(np.abs(codec.probabilities(expected) - codec.probabilities(received)).max())
    pairs = zip(codec.decode(expected), codec.decode(received), strict=True)
    # negated comparisons, so that NaN counts as different
    differ = ~(np.abs(expected - received).reshape(len(pixels), -1).max(axis=1) <= ROUNDING)
    unequal = sum(far and one.text != other.text for far, (one, other) in zip(differ, pairs, strict=True))
    if not difference <= MAX_DIFFERENCE or unequal:
        raise ArtifactError(
            f"the ONNX file and the Keras model disagree on {unequal} of {len(pixels)} images (largest difference "
            f"between two probabilities: {difference:.1e}); nothing was published. Please report this bug"
        )
    return difference


@contextlib.contextmanager
def _quietly():
    """Silences the exporters."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tf2onnx with a newer NumPy
        yield
