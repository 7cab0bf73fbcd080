"""The queue of images to label: which images of a folder it holds, and what is known of each."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from bearcat.core.errors import DataError, ImageError
from bearcat.core.names import show_name
from bearcat.core.progress import show_progress
from bearcat.core.workspace import DATA_FOLDERS, Work
from bearcat.data.duplicates import digests_in_data, digests_of
from bearcat.data.images import SUFFIXES, image_size
from bearcat.labelling.predictors import Predicted, Predictor
from bearcat.labelling.translations import LabellingError


class Status(Enum):
    """State of an image in the queue."""

    WAITING = auto()  # not opened yet
    OPEN = auto()
    LABELLED = auto()
    SKIPPED = auto()
    DAMAGED = auto()
    LEFT_OUT = auto()  # found in the data sets, gone or changed since the start


@dataclass
class QueuedImage:
    """Image of the folder.

    Args:
        number: Its index in the queue.
        path: The file.
        digest: SHA-256 of its content.
        status: What became of it.
        prediction: What it shows, predicted; None if nothing could be predicted yet.
        predictor: Who predicted it; None before the first prediction, even one that failed.
        text: What the label field holds when the image is shown; `BoxLabels` once boxes were confirmed.
        is_chosen: Whether it is shown because of its prediction.
        is_marked: Whether a person marked its prediction as wrong.
    """

    number: int
    path: Path
    digest: str
    status: Status = Status.WAITING
    prediction: Predicted | None = None
    predictor: Predictor | None = None
    text: Any = ""
    is_chosen: bool = False
    is_marked: bool = False

    @property
    def name(self) -> str:
        """The name of the file, as it can be shown."""
        return show_name(self.path.name)

    def predict(self, prediction: Predicted | None, predictor: Predictor | None) -> None:
        """Sets the prediction and the text to show, unless a person typed that before it was undone."""
        is_typed = self.text != (self.prediction.text if self.prediction else "")
        self.prediction, self.predictor = prediction, predictor
        if not is_typed:
            self.text = prediction.text if prediction else ""


@dataclass(frozen=True)
class LabellingQueue:
    """Images of a folder that are to be labelled.

    Args:
        folder: The folder.
        images: The images by file name, each content once; their numbers are their indices.
        already_labelled: How many images of the folder are in the data sets already.
        duplicates: How many have the same content as another one of the folder.
    """

    folder: Path
    images: list[QueuedImage]
    already_labelled: int
    duplicates: int

    def with_status(self, status: Status) -> Iterator[QueuedImage]:
        """Yields the images of a status, by file name."""
        return (image for image in self.images if image.status is status)

    def counts(self) -> Counter[Status]:
        """Returns the number of images of each status."""
        return Counter(image.status for image in self.images)

    def image(self, number: int) -> QueuedImage:
        """Returns the image of a number; raises LabellingError if there is none."""
        if not 0 <= number < len(self.images):
            raise LabellingError("no_such_image")
        return self.images[number]


def build_queue(folder: Path, work: Work) -> LabellingQueue:
    """Collects the images of a folder that are not in the work's data sets yet.

    Sub-folders and hidden files are ignored.

    Raises:
        DataError: The folder is missing, holds no images, or is one of the work's data sets.
    """
    if not folder.is_dir():
        raise DataError(f"--label {folder}: not a folder; a folder with images to label is expected")
    for name in DATA_FOLDERS:
        if folder.resolve().is_relative_to(work.folder(name).resolve()):
            raise DataError(
                f"{folder} is part of the work's own {name}: move the unlabelled images to a folder outside of it, "
                "from which they are copied"
            )
    paths = find_images(folder)
    if not paths:
        formats = ", ".join(sorted(SUFFIXES))
        raise DataError(f"{folder} holds no images to label ({formats}); sub-folders are ignored")
    in_data = digests_in_data(work, {path.stat().st_size for path in paths})
    return queue_of(folder, _with_digests(paths), in_data)


def queue_of(folder: Path, images: Iterable[tuple[Path, str]], in_data: set[str]) -> LabellingQueue:
    """Returns the queue of images, given with their digests, without those whose digest is in the data sets."""
    queued: list[QueuedImage] = []
    seen: set[str] = set()
    already_labelled = duplicates = 0
    for path, digest in images:
        if digest in in_data:
            already_labelled += 1
        elif digest in seen:
            duplicates += 1
        else:
            seen.add(digest)
            queued.append(QueuedImage(len(queued), path, digest))
    return LabellingQueue(folder, queued, already_labelled, duplicates)


def find_images(folder: Path) -> list[Path]:
    """Returns the images of a folder by name, recognised by their suffix or else by their header."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    return [path for path in map(folder.joinpath, names) if path.is_file() and _looks_like_image(path)]


def _looks_like_image(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        image_size(path)
    except (ImageError, OSError):
        return False
    return True


def _with_digests(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    return zip(paths, show_progress(digests_of(paths), len(paths), "hashing the images"), strict=True)
