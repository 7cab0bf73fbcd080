"""Labels from file names, from a table beside the images, or from sub-folder names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bearcat.core.errors import DataError, LabelError
from bearcat.core.names import has_surrogates, show_name
from bearcat.core.workspace import LABEL_FOLDER, UNLABELLED, Work
from bearcat.data.codecs import TEXT_CODECS, Task
from bearcat.data.images import SUFFIXES, InputSpec, Source
from bearcat.data.labels.boxes import label_file
from bearcat.data.labels.left_out import files_left_out
from bearcat.data.labels.listing import list_images, name_in
from bearcat.data.labels.name_encodings import refuse_undecoded
from bearcat.data.labels.tables import explain_missing, find_label_table, labels_of_images
from bearcat.data.labels.text import clean_label, fold_case
from bearcat.data.vocabulary import BLANK

_PROBLEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image file with its label.

    Args:
        path: The file.
        label: A text, the name of a class, or `BoxLabels`; '' for an image of unlabelled_dataset.
        inside: The sub-folder of the data set that contains the file; '' if none does.
        written: The label as it is written, if `clean_label` changed it.
    """

    path: Path
    label: Any
    inside: str = ""
    written: str = ""

    @property
    def name(self) -> str:
        """The unique name in the data set: 1.png, or cat/1.png."""
        return f"{self.inside}/{self.path.name}" if self.inside else self.path.name


def label_of_name(path: Path) -> str:
    """Returns the file name up to the first underscore; raises LabelError if it has none, or starts with one."""
    label, *others = name_parts(path)
    if not others or not label:
        raise LabelError(_no_label(path))
    return label


def name_parts(path: Path) -> list[str]:
    """Returns the parts of a file name between its underscores: ab_cd_001.png has ab, cd and 001."""
    return (path.stem if path.suffix.lower() in SUFFIXES else path.name).split(BLANK)


def _no_label(path: Path) -> str:
    voc_file = label_file(path, path.parent.parent / LABEL_FOLDER)
    if voc_file.is_file():
        return (
            f"{show_name(path)}: the file name has no label, but {show_name(voc_file)} holds boxes: they are read with "
            "MODE = 'EFFICIENTDET', which python cheak_file.py --apply sets"
        )
    return (
        f"{show_name(path)}: the file name has no label. Expected <label>_<anything>{path.suffix}, such as "
        "ab3d_0001.png; or put a labels.csv (file,label) beside the images, or each class (NUM_CLASSES) into a "
        f"sub-folder. Images whose labels you do not know belong in {UNLABELLED}"
    )


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
        The labelled images, and a message for each of the others. Texts and names of classes are cleaned.

    Raises:
        LabelError: The table is malformed, or labels in names are not UTF-8.
    """
    table = find_label_table(folder) if with_table else None
    images = list_images(folder)
    labels = labels_of_images(table, [name_in(folder, path) for path in images]) if table else {}
    labelled, problems, undecoded = [], [], []
    for path in images:
        inside = path.parent.name if path.parent != folder else ""
        name = name_in(folder, path)
        if table and name not in labels:
            problems.append(f"{show_name(path)}: {table.name} has no line for it. Add one, or move it to {UNLABELLED}")
            continue
        try:
            label = labels[name] if table else inside if inside and with_table else label_of(path)
            if isinstance(label, str) and has_surrogates(label):
                undecoded.append(path)
            else:
                labelled.append(_labelled(path, label, inside))
        except LabelError as error:
            problems.append(str(error))
    refuse_undecoded(folder, undecoded, images)
    if problems and with_table and (more := explain_missing(folder, table, bool(labels))):
        problems[0] += f"\n{more}"
    return labelled, problems


def _labelled(path: Path, written: Any, inside: str) -> LabelledImage:
    """Returns an image with its label, cleaned if it is a text; raises LabelError if nothing is left of it."""
    if not isinstance(written, str):
        return LabelledImage(path, written, inside)
    try:
        label = clean_label(written)
    except LabelError as error:
        raise LabelError(f"{show_name(path)}: {error}") from None
    if not label:
        raise LabelError(_no_label(path) if not written else f"{show_name(path)}: its label {written!a} is empty")
    return LabelledImage(path, label, inside, written if written != label else "")


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
        raise DataError(no_images(folder))
    return labelled


def no_images(folder: Path) -> str:
    """Returns the message that a folder holds no images, with those that are left out."""
    lines = [
        f"{show_name(folder)} holds no images ({', '.join(sorted(SUFFIXES))}). "
        "Put yours there, or generate some: python gen_sample_by_captcha.py"
    ]
    return "\n".join([*lines, *map(str, files_left_out(folder))])


def refuse_sub_folders(data: Sequence[LabelledImage], folder: Path, mode: str) -> None:
    """Raises LabelError if the text label of an image is the name of its sub-folder."""
    first = next((item for item in data if item.inside), None)
    if first and not find_label_table(folder):
        raise LabelError(
            f"{show_name(first.path)} lies in a sub-folder, which is a class for MODE = 'NUM_CLASSES'; {mode} reads "
            f"texts: move it up into {folder.name}, or change MODE"
        )


class ImageProcessing(Protocol):
    """What packing, testing and serving use of `utils.Image_Processing`, which users edit."""

    def extraction_image(self, source: Source, spec: InputSpec) -> np.ndarray: ...

    def extraction_data(self, folder: Path, label_folder: Path | None = None) -> list[LabelledImage]: ...


def load_split(
    work: Work, split: str, mode: str, processing: ImageProcessing, ignore_case: bool = False
) -> list[LabelledImage]:
    """Loads the labelled images of a work.

    Args:
        work: The work.
        split: 'train', 'validation' or 'test'.
        mode: The value of MODE; decides what a label is.
        processing: `utils.Image_Processing`.
        ignore_case: Whether texts are folded to lower case.

    Raises:
        DataError: There are no images, or one has no label.
        LabelError: The mode reads text, and an image lies in a sub-folder.
    """
    folder = work.data_folder(split)
    if mode not in TEXT_CODECS:
        return processing.extraction_data(folder, work.folder(LABEL_FOLDER))
    if TEXT_CODECS[mode].task is Task.TEXT:
        return load_texts(folder, mode, processing, ignore_case)
    return processing.extraction_data(folder)


def load_texts(folder: Path, mode: str, processing: ImageProcessing, ignore_case: bool = False) -> list[LabelledImage]:
    """Loads the images of a folder whose labels are texts.

    Args:
        folder: Any folder; it need not belong to a work.
        mode: The value of MODE, which messages name.
        processing: `utils.Image_Processing`.
        ignore_case: Whether texts are folded to lower case.

    Raises:
        DataError: There are no images, or one has no label.
        LabelError: An image lies in a sub-folder.
    """
    data = processing.extraction_data(folder)
    refuse_sub_folders(data, folder, mode)
    return fold_labels(data) if ignore_case else data


def fold_labels(data: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Returns images with their texts in lower case, as IGNORE_CASE asks for."""
    return [replace(item, label=fold_case(item.label)) for item in data]
