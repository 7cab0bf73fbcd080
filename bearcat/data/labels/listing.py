"""The image files of a data set, found by their suffix."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from bearcat.core.files import is_temporary
from bearcat.data.images import SUFFIXES

# the name of a hidden file that is a label: .5042_000.png; not ._ab_1.png, which macOS writes beside ab_1.png
_POINT_AND_LABEL = re.compile(r"\.[^\W_]+_")


def list_images(folder: Path) -> list[Path]:
    """Lists the image files of a folder and of its direct sub-folders, sorted by name.

    Image files are recognised by their suffix. Hidden ones are left out, unless their names look like labels that
    begin with a point: .5042_000.png. A missing folder is empty. `files_left_out` finds the other images.
    """
    if not folder.is_dir():
        return []
    names, sub_folders = _scan(folder)
    for sub_folder in sub_folders:
        names += [f"{sub_folder}/{name}" for name in _scan(folder / sub_folder)[0]]
    return [folder / name for name in sorted(names)]


def is_hidden(name: str) -> bool:
    """Whether a file is left out because of its name: it begins with a point that cannot belong to a label."""
    return name.startswith(".") and (not _POINT_AND_LABEL.match(name) or is_temporary(name))


def has_image_suffix(name: str) -> bool:
    """Whether a file is read as an image."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def scan_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Returns the names of a folder's files and of its visible sub-folders, links to folders included."""
    with os.scandir(folder) as entries:
        found = list(entries)
    return [entry.name for entry in found if _is_file(entry)], list(_visible_folders(found))


def _scan(folder: Path) -> tuple[list[str], list[str]]:
    """Returns the names of a folder's images and of its sub-folders."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not is_hidden(entry.name)]
    images = [entry.name for entry in found if has_image_suffix(entry.name) and _is_file(entry)]
    return images, list(_visible_folders(found))


def _visible_folders(entries: list[os.DirEntry[str]]) -> Iterator[str]:
    return (entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry))


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def name_in(folder: Path, path: Path) -> str:
    """Returns an image's name in a data set, the same on every operating system: 1.png, or cat/1.png."""
    return path.relative_to(folder).as_posix()
