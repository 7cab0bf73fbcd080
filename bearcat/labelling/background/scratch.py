"""The work of a training beside the page: copies of the labelled images, and settings for a short training."""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from bearcat.core.workspace import Work
from bearcat.data.labels.listing import list_images, name_in
from bearcat.data.labels.tables import find_label_table

FOLDER = "labelling"  # in report
VALIDATION_SHARE = 5  # one label of so many is for validation, if the work has no validation set
# what a short training on one machine needs, and the steps after it
SETTINGS = {
    "STRATEGY": "single",
    "PACK_FOLDER": None,
    "DATA_ENHANCEMENT": False,
    "QUANTIZE": False,
    "KEEP_CHECKPOINTS": 1,
}


def make_training_work(work: Work, path: Path) -> Work:
    """Makes a work with the labelled images of another one but those of its test set; an existing one is replaced.

    Images that are moved or removed meanwhile are left out.
    """
    shutil.rmtree(path, ignore_errors=True)
    part = Work(path)
    part.make_folders()
    work.copy_settings_to(part)
    work.copy_weights_to(part)
    images = list_images(work.data_folder("train"))
    validation = list_images(work.data_folder("validation"))
    _copy(work.data_folder("validation"), validation, part.data_folder("validation"))
    # by name, so that labels and classes are spread over both
    held_out = [] if validation else images[::VALIDATION_SHARE]
    _copy(work.data_folder("train"), held_out, part.data_folder("validation"))
    _copy(work.data_folder("train"), sorted({*images} - {*held_out}), part.data_folder("train"))
    return part


def _copy(source: Path, images: Sequence[Path], target: Path) -> None:
    """Copies images, which may lie in sub-folders, and the label table of their folder."""
    table = find_label_table(source) if images else None
    # the table first: a label may be undone meanwhile, and a line without an image does no harm
    for path in [*([table] if table else []), *images]:
        copy = target / name_in(source, path)
        copy.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(path, copy)
