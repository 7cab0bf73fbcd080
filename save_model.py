"""Step 9: make the trained unit from the checkpoint with the smallest validation loss.

Reads:  checkpoint, and some pictures of the data sets to hold the export to
Writes: model/<MODEL_NAME>.keras, App_model/<MODEL_NAME>.onnx (this one is served; a network that can't be exported
        is served as App_model/<MODEL_NAME>.keras), report/save.json
Next:   python test.py
"""

import numpy as np

from bearcat.annotations import list_images
from bearcat.artifact import read_card
from bearcat.checkpoints import best_checkpoint
from bearcat.command_line import Step, make_parser, open_step, run, tell
from bearcat.devices import start_tensorflow
from bearcat.errors import DataError, ImageError
from bearcat.images import InputSpec
from utils import Image_Processing

PICTURES_COMPARED = 64


def main() -> None:
    """Save, export, compare, publish."""
    step = open_step(make_parser(__doc__))
    work = step.work
    best = best_checkpoint(work.folder("checkpoint"))
    tell(f"Best checkpoint: {best.path.name}")
    pixels = real_pictures(step, read_card(best.path)[0].spec)
    start_tensorflow(use_gpu=False)  # a few pictures need none, and a training may be using it
    from bearcat.export import publish

    folders = work.folder("model"), work.folder("App_model")
    unit = publish(best.path, step.settings.MODEL_NAME, *folders, pixels)
    tell(f"Saved: {unit.keras_file}")
    if unit.problem:
        tell(f"Warning: the network could not be exported to ONNX ({unit.problem})")
        tell(f"Served is the Keras model itself, with more time and memory, and with TensorFlow: {unit.served_file}")
    else:
        tell(f"Exported: {unit.served_file}")
        tell(f"Both read {len(pixels)} pictures alike (a probability differs by {unit.difference:.0e} at most)")
    step.write_report(
        "save",
        {
            "checkpoint": best.path.name,
            "model": unit.keras_file.name,
            "app_model": unit.served_file.name,
            "bytes": unit.served_file.stat().st_size,
            "pictures_compared": len(pixels),
            "largest_difference": unit.difference,
            "export_problem": unit.problem or None,
            "metrics": unit.card.metrics,
        },
    )
    step.next("python test.py", "score it on pictures it has not seen; python app.py serves it")


def real_pictures(step: Step, spec: InputSpec) -> np.ndarray:
    """Return up to 64 pictures of the data sets as the network sees them."""
    found = []
    for split in ("validation", "test", "train"):
        for path in list_images(step.work.data_folder(split)):
            try:
                found.append(Image_Processing.extraction_image(path, spec))
            except ImageError:
                continue  # pack_dataset.py and cheak_file.py name the damaged ones
            if len(found) == PICTURES_COMPARED:
                return np.stack(found)
    if not found:
        raise DataError(f"{step.work.path} has no picture left to compare Keras and ONNX on: put some in test_dataset")
    return np.stack(found)


if __name__ == "__main__":
    run(main)
