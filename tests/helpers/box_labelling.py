"""Labelling sessions of boxes over small folders of images, and what training reads of them."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from bearcat.core.workspace import Work
from bearcat.data.packing import load_boxed_splits
from bearcat.labelling.boxes.copies import NamedBox
from bearcat.labelling.session import LabellingSession
from bearcat.modes import MODES
from tests.helpers.killed import kill_at
from tests.helpers.labelling import open_session
from utils import Image_Processing

MODE = "EFFICIENTDET"
SIZE = (60, 40)  # as the page shows the images
BOXES = [NamedBox("好", (0, 0, 2, 2)), NamedBox("fire hydrant", (7, 3, 60, 40)), NamedBox("好", (20, 5, 43, 39))]
READ = (("好", "fire hydrant", "好"), [[0, 0, 2, 2], [7, 3, 60, 40], [20, 5, 43, 39]])


def noise(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Returns an image of random colours."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8))


def write_odd_images(folder: Path) -> None:
    """Writes images of the SIZE whose files differ: rotated by EXIF, animated, with transparency, grey in 16 bits."""
    folder.mkdir()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    noise(1, SIZE[::-1]).save(folder / "rotated.jpg", exif=exif)
    noise(2).save(folder / "animated.gif", save_all=True, append_images=[noise(3)])
    noise(4).convert("RGBA").save(folder / "transparent.png")
    deep = np.random.default_rng(5).integers(0, 65536, SIZE[::-1], np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    noise(6).save(folder / "wrong suffix.png", "TIFF")


def open_boxes(folder: Path, work: Work, load: Callable | None = None) -> LabellingSession:
    """Returns a session of boxes whose images have all been opened."""
    return open_session(folder, work, MODE, load)


def boxes_read(work: Work) -> dict[str, tuple[tuple[str, ...], list[list[float]]]]:
    """Returns the names and corners that training reads of each image, by file name; it must leave out no image."""
    data, _, left_out = load_boxed_splits(work, Image_Processing, MODES[MODE].codec)
    assert not left_out
    return {item.path.name: (item.label.names, item.label.boxes_xyxy.tolist()) for item in data["train"]}


def confirm_boxes_and_die() -> None:
    """Confirms an image, in a process that is killed before its n-th change in the training set.

    Command line: the work, the folder, n.
    """
    work, folder, number = Work(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    session = open_boxes(folder, work)
    kill_at(number, str(work.data_folder("train")))
    session.confirm(0, BOXES)
