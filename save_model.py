"""Step 9: save and export the best checkpoint.

Reads:  checkpoint; validation_dataset, to calibrate confidences; train_dataset, for weight interpolation with the
        pretrained weights and for int8 (QUANTIZE); images of all data sets, to compare the exported file with the
        Keras model
Writes: model/<MODEL_NAME>.keras, App_model/<MODEL_NAME>.onnx (the file that is served; if the network cannot be
        exported, App_model/<MODEL_NAME>.keras), report/save.json; with --litert model/<MODEL_NAME>.tflite
Next:   python test.py
"""

from pathlib import Path

from bearcat.artifacts.calibration import FEWEST_CORRECT, FEWEST_INCORRECT, Calibration
from bearcat.artifacts.card import read_card
from bearcat.artifacts.checkpoints import best_checkpoint, describe_best
from bearcat.artifacts.export.images import ExportImages, load_export_images
from bearcat.artifacts.export.quantization import Quantization
from bearcat.artifacts.pretrained import find_pretrained, origin_of
from bearcat.cli import echo, make_parser, open_step, run
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import ExportError
from utils import Image_Processing


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--litert", action="store_true", help="also write model/<MODEL_NAME>.tflite, for phones and small boards"
    )
    step = open_step(parser)
    work, settings, with_litert = step.work, step.settings, step.arguments.litert
    best = best_checkpoint(work.folder("checkpoint"))
    echo(f"Best checkpoint: {best.path.name}")
    echo(f"That is {describe_best(work.folder('checkpoint'))}")
    card, is_pretrained = read_card(best.path)[0], find_pretrained(origin_of(best.path)) is not None
    with_training = is_pretrained or settings.QUANTIZE is not False or with_litert
    images = load_export_images(work, card, settings.SEED, Image_Processing, with_training)
    start_tensorflow(use_gpu=False)  # the GPU may be busy with a training, and few images do not need it
    from bearcat.artifacts.export.publish import publish

    folders = work.folder("model"), work.folder("App_model")
    published = publish(
        best.path,
        settings.MODEL_NAME,
        *folders,
        images.pixels,
        images.labels,
        images.trained_on,
        quantize=settings.QUANTIZE,
    )
    echo_export(published)
    if published.quantization:
        echo_quantization(published.quantization)
    if is_pretrained:
        echo_interpolation(published.interpolation, len(images.trained_on))
    echo_calibration(published.calibration)
    litert = save_litert(published.keras_file, images) if with_litert else None
    step.write_report("save", {"checkpoint": best.path.name, **published.to_report(), "litert": litert})
    step.next("python test.py", "evaluate it on unseen images; python app.py serves it")


def save_litert(keras_file: Path, images: ExportImages) -> dict[str, object]:
    """Writes the LiteRT file and prints what it is; returns its entry in the report."""
    from bearcat.artifacts.export.litert import publish_litert

    try:
        written = publish_litert(keras_file, images.pixels, images.labels, images.trained_on)
    except ExportError as error:
        echo(f"Warning: the network could not be exported to LiteRT ({error}). Everything else is saved")
        return {"problem": str(error)}
    found, size = written.quantization, f"{written.path.stat().st_size / 1e6:.1f} MB"
    if found.problem:
        form = f"in float, not int8: {found.problem}"
    elif found.map_50_95 is not None:
        form = f"int8: mAP50-95 is {found.map_50_95:.3f}, {found.map_50_95_float:.3f} by Keras"
    else:
        form = f"int8: the same text as by Keras on {found.same} of {found.images} images"
    echo(f"LiteRT: {written.path}, {size}, {form}")
    return written.to_report()


def echo_export(published) -> None:
    """Prints what was written."""
    echo(f"Saved: {published.keras_file}")
    if published.export_error:
        echo(f"Warning: the network could not be exported to ONNX ({published.export_error})")
        echo(f"The Keras model is served instead, which takes TensorFlow, time and memory: {published.served_file}")
    else:
        echo(f"Exported: {published.served_file}")
        echo(
            f"Keras and ONNX agree on {published.compared} images "
            f"(probabilities differ by at most {published.difference:.0e})"
        )


def echo_quantization(found: Quantization) -> None:
    """Prints whether the file is int8, and how it compares with float."""
    if found.problem:
        echo(f"Served in float, not int8: {found.problem}")
    elif found.map_50_95 is not None:
        echo(
            f"Served as int8: mAP50-95 is {found.map_50_95:.3f}, {found.map_50_95_float:.3f} in float, on "
            f"{found.labelled} validation and training images"
        )
    else:
        echo(
            f"Served as int8: the same text as in float on {found.same} of {found.images} validation and training "
            f"images, {found.correct} of {found.labelled} correct, {found.correct_float} in float"
        )


def echo_interpolation(interpolation, trained_on: int) -> None:
    """Prints the result of weight interpolation."""
    if not trained_on:
        echo("No weight interpolation: there are no training images left to measure its cost on")
    elif interpolation is None:
        echo("No weight interpolation: the network is no longer the pretrained one")
    elif interpolation.fraction:
        echo(
            f"Weights interpolated, {interpolation.fraction:.0%} pretrained: {interpolation.correct} of "
            f"{interpolation.images} labelled images are correct, {interpolation.correct_before} without it"
        )
    else:
        echo("Weights not interpolated: labelled images that are predicted correctly now would become incorrect")


def echo_calibration(calibration: Calibration | None) -> None:
    """Prints how the confidences were calibrated."""
    if calibration is None:
        echo("Confidence: not calibrated, since there are no validation images with text labels")
        return
    if calibration.is_fitted:
        echo(
            f"Confidence: calibrated on {calibration.images} validation images "
            f"(temperature {calibration.temperature:.2f})"
        )
        return
    echo(
        f"Confidence: not calibrated, since {calibration.correct} of {calibration.images} validation images are "
        f"predicted correctly; at least {FEWEST_CORRECT} correct and {FEWEST_INCORRECT} incorrect ones are needed"
    )


if __name__ == "__main__":
    run(main)
