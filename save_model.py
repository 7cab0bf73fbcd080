"""Step 9: make the trained unit from the best checkpoint.

Reads:  checkpoint; validation_dataset, to fit confidences to; train_dataset, to see how much of the base a network
        can get back; some images of the data sets to hold the export to
Writes: model/<MODEL_NAME>.keras, App_model/<MODEL_NAME>.onnx (this one is served; a network that can't be exported
        is served as App_model/<MODEL_NAME>.keras), report/save.json
Next:   python test.py
"""

import random
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bearcat.artifacts.calibration import Calibration
from bearcat.artifacts.card import IMAGES_COMPARED, Card, read_card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.artifacts.pretrained import base_with, origin_of
from bearcat.artifacts.weight_interpolation import Blend
from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import DataError, ImageError
from bearcat.data.codecs import TEXT_CODECS
from bearcat.data.images import InputSpec
from bearcat.data.labels import list_images
from utils import Image_Processing, read_data

IMAGES_CALIBRATED = 2000  # more of them change nothing and take longer
IMAGES_BLENDED = 500  # of those trained on


def main() -> None:
    """Save, calibrate, export, compare, publish."""
    step = open_step(make_parser(__doc__))
    work = step.work
    best = best_checkpoint(work.folder("checkpoint"))
    echo(f"Best checkpoint: {best.path.name}")
    card = read_card(best.path)[0]
    validation = labelled_images(step, card, "validation", IMAGES_CALIBRATED)
    from_base = base_with(origin_of(best.path)) is not None
    trained_on = labelled_images(step, card, "train", IMAGES_BLENDED) if from_base else []
    pixels = real_images(step, card.spec, [image for image, _ in validation])
    start_tensorflow(use_gpu=False)  # a few images need none, and a training may be using it
    from bearcat.artifacts.export import publish

    folders = work.folder("model"), work.folder("App_model")
    labels = [label for _, label in validation]
    unit = publish(best.path, step.settings.MODEL_NAME, *folders, pixels, labels, trained_on)
    compared = min(len(pixels), IMAGES_COMPARED)
    tell_export(unit, compared)
    if from_base:
        tell_blend(unit.blend, len(trained_on))
    tell_calibration(unit.calibration)
    step.write_report("save", summarise(best.path, unit, compared))
    step.next("python test.py", "score it on images it has not seen; python app.py serves it")


def summarise(checkpoint: Path, unit, compared: int) -> dict:
    """Return report/save.json."""
    return {
        "checkpoint": checkpoint.name,
        "model": unit.keras_file.name,
        "app_model": unit.served_file.name,
        "bytes": unit.served_file.stat().st_size,
        "export_problem": unit.problem or None,
        "images_compared": compared,
        "largest_difference": unit.difference,
        "blend": asdict(unit.blend) if unit.blend else None,
        "calibration": asdict(unit.calibration) if unit.calibration else None,
        "metrics": unit.card.metrics,
    }


def labelled_images(step: Step, card: Card, split: str, most: int) -> list[tuple[np.ndarray, str]]:
    """Return a split's images as the network sees them with their labels; none for boxes, or where none are left."""
    if card.mode not in TEXT_CODECS:
        return []
    try:
        data = read_data(step.work, split, card.mode)
    except DataError:
        return []  # the images were deleted after packing
    chosen = random.Random(step.settings.SEED).sample(data, min(len(data), most))
    seen = ((see(item.path, card.spec), item) for item in chosen)
    return [(pixels, item.label) for pixels, item in seen if pixels is not None]


def see(path: Path, spec: InputSpec) -> np.ndarray | None:
    """Return an image as the network sees it; None where it is damaged, which pack_dataset.py says."""
    try:
        return Image_Processing.extraction_image(path, spec)
    except ImageError:
        return None


def real_images(step: Step, spec: InputSpec, found: list[np.ndarray]) -> np.ndarray:
    """Return the images found so far, with others of the data sets if they are fewer than are to be compared."""
    for split in ("test", "train") if found else ("validation", "test", "train"):
        for path in list_images(step.work.data_folder(split)):
            if len(found) >= IMAGES_COMPARED:
                return np.stack(found)
            pixels = see(path, spec)
            found += [pixels] if pixels is not None else []
    if not found:
        raise DataError(f"{step.work.path} has no image left to compare Keras and ONNX on: put some in test_dataset")
    return np.stack(found)


def tell_export(unit, compared: int) -> None:
    """Print what was written, and how many images its two files were compared on."""
    echo(f"Saved: {unit.keras_file}")
    if unit.problem:
        echo(f"Warning: the network could not be exported to ONNX ({unit.problem})")
        echo(f"Served is the Keras model itself, with more time and memory, and with TensorFlow: {unit.served_file}")
    else:
        echo(f"Exported: {unit.served_file}")
        echo(f"Both read {compared} images alike (a probability differs by {unit.difference:.0e} at most)")


def tell_blend(blend: Blend | None, trained_on: int) -> None:
    """Print how much of the base a network got back that comes from it."""
    if not trained_on:
        echo("Not blended with the base it started from: no training images are left to see what that would cost")
    elif blend is None:
        echo("Not blended with the base it started from: the network is another by now")
    elif blend.share:
        echo(
            f"Blended with the base it started from, {blend.share:.0%} of that: {blend.right} of {blend.images} "
            f"labelled images are read right, {blend.right_before} without it"
        )
    else:
        echo("Not blended with the base it started from: that would cost labelled images which are read right")


def tell_calibration(calibration: Calibration | None) -> None:
    """Print how the confidences were fitted."""
    if calibration is None:
        echo("Confidences are as the network gives them: there are no validation images with text to fit them to")
        return
    echo(
        f"Confidences fitted to {calibration.images} validation images: temperature {calibration.temperature:.2f}, "
        f"calibration error {calibration.error_before:.1%} before, {calibration.error_after:.1%} after"
    )


if __name__ == "__main__":
    run(main)
