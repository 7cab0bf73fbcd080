"""Copies of images with boxes in the training set: each has a VOC file of the same name beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bearcat.core.errors import ImageError, LabelError
from bearcat.core.names import show_name
from bearcat.core.workspace import Work
from bearcat.data.frames import FIRST
from bearcat.data.images import is_blank, open_image
from bearcat.data.labels.boxes import VOC_SUFFIX, BoxLabels, check_boxes, read_voc, write_voc
from bearcat.data.vocabulary import BLANK
from bearcat.labelling.boxes.translations import BoxError
from bearcat.labelling.copies import Copy, CopyWriter, checked_name
from bearcat.labelling.translations import LabellingError

LEAST_SIDE = 2  # pixels; the single pixel 0, 0, 1, 1 would also be the whole image in fractions


@dataclass(frozen=True)
class NamedBox:
    """Box that a person has drawn: xmin, ymin, xmax, ymax in pixels of the image as `open_image` shows it."""

    name: str
    corners: tuple[int, int, int, int]


class BoxCopyWriter(CopyWriter):
    """Writes images with boxes; a copy is named by its digest.

    Args:
        work: The work.
        frames: What becomes of animations, the value of FRAMES.
    """

    def __init__(self, work: Work, frames: str = FIRST):
        super().__init__(work)
        self.frames = frames

    def _checked(self, label: Sequence[NamedBox], source: Path) -> BoxLabels:
        try:
            image = open_image(source, self.frames)
        except ImageError:
            raise LabellingError("image_gone", file=show_name(source.name)) from None
        if label and is_blank(image):
            raise BoxError("blank_image")  # training would leave it out
        names = tuple(_checked_name(box.name) for box in label)
        corners = np.array([box.corners for box in label], np.float32).reshape(-1, 4)
        labels = BoxLabels(*image.size, names, corners)
        places = [f"box {number}" for number in range(1, len(names) + 1)]
        try:
            check_boxes(labels, places, [""] * len(places))
        except LabelError as error:
            raise BoxError("box_refused", reason=error) from None
        for name, sides in zip(names, corners[:, 2:] - corners[:, :2], strict=True):
            if sides.min() < LEAST_SIDE:
                raise BoxError("box_too_small", name=name, limit=LEAST_SIDE)
        return labels

    def _write_label(self, label: BoxLabels, short: str, suffix: str) -> Path:
        target = self.folder / f"{short}{suffix}"
        if target.exists():
            raise LabellingError("name_taken", file=target.name)
        write_voc(_voc_file(target), target.name, label)
        return target

    def _is_as_written(self, copy: Copy) -> bool:
        try:
            found = read_voc(_voc_file(copy.path))
        except LabelError:
            return False
        return found.names == copy.label.names and np.array_equal(found.boxes_xyxy, copy.label.boxes_xyxy)

    def _remove_label(self, copy: Copy) -> None:
        _voc_file(copy.path).unlink()


def _voc_file(image: Path) -> Path:
    return image.with_suffix(VOC_SUFFIX)


def _checked_name(name: str) -> str:
    try:
        name = checked_name(name)
    except LabellingError as error:
        raise BoxError(error.key, **error.values) from None
    if name == BLANK:
        raise BoxError("name_is_blank")
    return name
