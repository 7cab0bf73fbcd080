"""Labels: from file names, or from a labels.csv or labels.tsv beside the pictures."""

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearcat.errors import DataError, LabelError
from bearcat.images import SUFFIXES
from bearcat.vocabulary import BLANK

LABEL_TABLES = {"labels.csv": ",", "labels.tsv": "\t"}
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class LabelledImage:
    """A picture's file and what it shows: a text, the name of a class, or the boxes of bearcat.voc."""

    path: Path
    label: Any


def list_images(folder: Path) -> list[Path]:
    """Return the picture files of a folder by suffix, sorted by name; an absent folder has none."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _looks_like_image(entry.name) and _is_file(entry)]
    return [folder / name for name in sorted(names)]


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads to itself
        return False


def _looks_like_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def label_of_name(path: Path) -> str:
    """Return the file name up to the first `_`; raise LabelError where there is none."""
    label, underscore, _ = path.name.partition(BLANK)
    if not underscore or not label:
        raise LabelError(
            f"{path}: the file name has no label. <label>_<anything>{path.suffix} is expected, as in ab3d_0001.png; "
            "or put a labels.csv (file,label) beside the pictures"
        )
    return label


def find_label_table(folder: Path) -> Path | None:
    """Return the folder's labels.csv or labels.tsv."""
    return next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)


def read_label_table(path: Path) -> dict[str, str]:
    """Return file name → label of a two-column table in UTF-8, with or without the header line `file,label`.

    Spaces around a cell are none of it. Only CSV knows quotes. Raises LabelError that names the line.
    """
    delimiter = LABEL_TABLES[path.name]
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    labels = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, quoting=quoting)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not any(cells) or (not labels and [cell.lower() for cell in cells] == ["file", "label"]):
                    continue
                if len(cells) != 2 or not all(cells):
                    raise LabelError(f"{path}, line {reader.line_num}: file and label are expected; got {row}")
                name, label = cells
                if labels.setdefault(name, label) != label:
                    raise LabelError(f"{path}, line {reader.line_num}: {name} has the label {labels[name]!r} already")
    except UnicodeDecodeError as error:
        raise LabelError(f"{path} is not UTF-8 ({error.reason}): save it as CSV UTF-8") from None
    except csv.Error as error:
        raise LabelError(f"{path} is no table of file and label: {error}") from None
    return labels


def read_labels(
    folder: Path, label_of: Callable[[Path], Any] = label_of_name, with_table: bool = True
) -> tuple[list[LabelledImage], list[str]]:
    """Return the labelled pictures of a folder, and what is wrong with the others, one line each.

    `label_of` takes the label from a file's path; a labels.csv or labels.tsv goes before it, `with_table`.
    """
    table = find_label_table(folder) if with_table else None
    labels = read_label_table(table) if table else None
    labelled, problems = [], []
    for path in list_images(folder):
        try:
            label = label_of(path) if labels is None else labels[path.name]
        except KeyError:
            problems.append(f"{path}: {table.name} has no line for it")
        except LabelError as error:
            problems.append(str(error))
        else:
            labelled.append(LabelledImage(path, label))
    return labelled, problems


def labelled_images(
    folder: Path, label_of: Callable[[Path], Any] = label_of_name, with_table: bool = True
) -> list[LabelledImage]:
    """Return the labelled pictures of a folder.

    Raises LabelError where any has no label, naming the first few; DataError where there are none.
    """
    labelled, problems = read_labels(folder, label_of, with_table)
    if problems:
        more = [f"… and {len(problems) - _NAMES_SHOWN} more"] if len(problems) > _NAMES_SHOWN else []
        raise LabelError("\n".join(problems[:_NAMES_SHOWN] + more))
    if not labelled:
        raise DataError(
            f"{folder} holds no pictures ({', '.join(sorted(SUFFIXES))}). "
            "Put yours there, or generate some: python gen_sample_by_captcha.py"
        )
    return labelled
