"""The images of a folder that are to be labelled: each content once, without those that are in the work's data."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from bearcat.core.errors import DataError, ImageError
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.core.workspace import DATA_FOLDERS, Work
from bearcat.data.codecs import Prediction
from bearcat.data.images import SUFFIXES, image_size
from bearcat.labelling.copies import digest_of, digests_in


class Status(Enum):
    """What has become of an image."""

    WAITING = auto()  # not looked at yet
    OPEN = auto()
    LABELLED = auto()
    SKIPPED = auto()
    DAMAGED = auto()
    LEFT_OUT = auto()  # known, gone or changed since the start


@dataclass
class QueuedImage:
    """An image of the folder; `text` is what stands in the field when it is shown."""

    number: int
    path: Path
    digest: str
    status: Status = Status.WAITING
    prediction: Prediction | None = None
    text: str = ""


@dataclass(frozen=True)
class LabellingQueue:
    """The images of a folder that are to be labelled; and how many are in the work's data, or there twice."""

    folder: Path
    images: list[QueuedImage]
    known: int
    duplicates: int


def look_through(folder: Path, work: Work) -> LabellingQueue:
    """Return what of a folder is to be labelled, by name; sub-folders and what is hidden are left alone.

    Raises DataError where the folder is missing, holds no images, or is one of the work's data sets.
    """
    if not folder.is_dir():
        raise DataError(f"--label names {str(folder)!r}, which is no folder: one with images to label is expected")
    for name in DATA_FOLDERS:
        if folder.resolve().is_relative_to(work.folder(name).resolve()):
            raise DataError(
                f"{folder} is part of the work's own {name}: move the images that have no label yet into a folder "
                "outside of it, from which they are copied"
            )
    paths = list_images(folder)
    if not paths:
        formats = ", ".join(sorted(SUFFIXES))
        raise DataError(f"{folder} holds no images to label ({formats}); sub-folders are not looked into")
    known = digests_in(work, {path.stat().st_size for path in paths})
    return sort_out(folder, _with_digests(paths), known)


def sort_out(folder: Path, found: Iterable[tuple[Path, str]], known: set[str]) -> LabellingQueue:
    """Return the images, each content once, without those that are known."""
    images, seen, of_known, duplicates = [], set(), 0, 0
    for path, digest in found:
        if digest in known:
            of_known += 1
        elif digest in seen:
            duplicates += 1
        else:
            seen.add(digest)
            images.append(QueuedImage(len(images), path, digest))
    return LabellingQueue(folder, images, of_known, duplicates)


def list_images(folder: Path) -> list[Path]:
    """Return the images of a folder by name: those whose suffix says so, and others whose first bytes do."""
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
    digests = map_in_threads(lambda path: digest_of(path.read_bytes()), paths)
    return zip(paths, show_progress(digests, len(paths), "looking at the images"), strict=True)
