"""Labels from file names, from a table beside the images, or from sub-folder names."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bearcat.core.errors import DataError, LabelError
from bearcat.core.workspace import LABEL_FOLDER, Work
from bearcat.data.codecs import TEXT_CODECS, Task
from bearcat.data.images import SUFFIXES, InputSpec, Source
from bearcat.data.labels.tables import find_label_table, read_label_table
from bearcat.data.vocabulary import BLANK

_PROBLEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image file with its label.

    Args:
        path: The file.
        label: A text, the name of a class, or `BoxLabels`.
        inside: The sub-folder of the data set that contains the file; '' if none does.
    """

    path: Path
    label: Any
    inside: str = ""

    @property
    def name(self) -> str:
        """The unique name in the data set: 1.png, or cat/1.png."""
        return f"{self.inside}/{self.path.name}" if self.inside else self.path.name


def list_images(folder: Path) -> list[Path]:
    """Lists the image files of a folder and of its direct sub-folders, sorted by name.

    Image files are recognised by their suffix; hidden ones are left out. A missing folder is empty.
    """
    if not folder.is_dir():
        return []
    names, sub_folders = _scan(folder)
    for sub_folder in sub_folders:
        names += [f"{sub_folder}/{name}" for name in _scan(folder / sub_folder)[0]]
    return [folder / name for name in sorted(names)]


def _scan(folder: Path) -> tuple[list[str], list[str]]:
    """Returns the names of a folder's images and of its sub-folders."""
    with os.scandir(folder) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    images = [entry.name for entry in visible if _has_image_suffix(entry.name) and _is_file(entry)]
    return images, [entry.name for entry in visible if _is_folder(entry)]


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


def _has_image_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def name_in(folder: Path, path: Path) -> str:
    """Returns an image's name in a data set, the same on every operating system: 1.png, or cat/1.png."""
    return path.relative_to(folder).as_posix()


def label_of_name(path: Path) -> str:
    """Returns the file name up to the first underscore; raises LabelError if it has none, or starts with one."""
    label, underscore, _ = path.name.partition(BLANK)
    if not underscore or not label:
        raise LabelError(
            f"{path}: the file name has no label. Expected <label>_<anything>{path.suffix}, such as ab3d_0001.png; "
            "or put a labels.csv (file,label) beside the images, or each class (NUM_CLASSES) into a sub-folder"
        )
    return label


def read_labels(
    folder: Path, label_of: Callable[[Path], Any] = label_of_name, with_table: bool = True
) -> tuple[list[LabelledImage], list[str]]:
    """Reads the labels of a folder's images.

    Args:
        folder: The data set.
        label_of: Takes the label from a file's path.
        with_table: Whether a label table in the folder overrides `label_of`, as does, without a table, the name of
            the sub-folder that contains an image.

    Returns:
        The labelled images, and a message for each of the others.
    """
    table = find_label_table(folder) if with_table else None
    labels = read_label_table(table) if table else {}
    labelled, problems = [], []
    for path in list_images(folder):
        inside = path.parent.name if path.parent != folder else ""
        name = name_in(folder, path)
        if table and name not in labels:
            problems.append(f"{path}: {table.name} has no line for it")
            continue
        try:
            label = labels[name] if table else inside if inside and with_table else label_of(path)
        except LabelError as error:
            problems.append(str(error))
        else:
            labelled.append(LabelledImage(path, label, inside))
    return labelled, problems


def labelled_images(
    folder: Path, label_of: Callable[[Path], Any] = label_of_name, with_table: bool = True
) -> list[LabelledImage]:
    """Reads the labels of a folder's images, all of which must have one.

    Args:
        folder: The data set.
        label_of: As in `read_labels`.
        with_table: As in `read_labels`.

    Raises:
        LabelError: Images have no label; the message names the first ones.
        DataError: There are no images.
    """
    labelled, problems = read_labels(folder, label_of, with_table)
    if problems:
        more = [f"… and {len(problems) - _PROBLEMS_SHOWN} more"] if len(problems) > _PROBLEMS_SHOWN else []
        raise LabelError("\n".join(problems[:_PROBLEMS_SHOWN] + more))
    if not labelled:
        raise DataError(
            f"{folder} holds no images ({', '.join(sorted(SUFFIXES))}). "
            "Put yours there, or generate some: python gen_sample_by_captcha.py"
        )
    return labelled


def refuse_sub_folders(data: Sequence[LabelledImage], folder: Path, mode: str) -> None:
    """Raises LabelError if the text label of an image is the name of its sub-folder."""
    first = next((item for item in data if item.inside), None)
    if first and not find_label_table(folder):
        raise LabelError(
            f"{first.path} lies in a sub-folder, which is a class for MODE = 'NUM_CLASSES'; {mode} reads texts: "
            f"move it up into {folder.name}, or change MODE"
        )


class ImageProcessing(Protocol):
    """What packing, testing and serving use of `utils.Image_Processing`, which users edit."""

    def extraction_image(self, source: Source, spec: InputSpec) -> np.ndarray: ...

    def extraction_data(self, folder: Path, label_folder: Path | None = None) -> list[LabelledImage]: ...


def load_split(work: Work, split: str, mode: str, processing: ImageProcessing) -> list[LabelledImage]:
    """Loads the labelled images of a work.

    Args:
        work: The work.
        split: 'train', 'validation' or 'test'.
        mode: The value of MODE; decides what a label is.
        processing: `utils.Image_Processing`.

    Raises:
        DataError: There are no images, or one has no label.
        LabelError: The mode reads text, and an image lies in a sub-folder.
    """
    folder = work.data_folder(split)
    if mode not in TEXT_CODECS:
        return processing.extraction_data(folder, work.folder(LABEL_FOLDER))
    data = processing.extraction_data(folder)
    if TEXT_CODECS[mode].task is Task.TEXT:
        refuse_sub_folders(data, folder, mode)
    return data
