"""Labels: from file names, from a labels.csv, .tsv or .txt beside the images, or from their sub-folder's name."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearcat.core.errors import DataError, LabelError
from bearcat.core.files import written_beside
from bearcat.data.images import SUFFIXES
from bearcat.data.vocabulary import BLANK

COMMA, TAB, BLANKS, AS_IT_STANDS = ",", "\t", " ", ""
# what separates file and label; a text's first line shows it
LABEL_TABLES = {"labels.csv": COMMA, "labels.tsv": TAB, "labels.txt": AS_IT_STANDS}
BOM = "\ufeff"  # which Excel puts at the head of a table
_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image's file and what it shows: a text, the name of a class, or the boxes of bearcat.voc.

    `inside` is the sub-folder of its data set in which it lies, '' where it lies in none.
    """

    path: Path
    label: Any
    inside: str = ""

    @property
    def name(self) -> str:
        """Return what tells the image from all others of its set: 1.png, or cat/1.png."""
        return f"{self.inside}/{self.path.name}" if self.inside else self.path.name


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a folder and of its sub-folders (one level) by suffix, sorted by name.

    An absent folder has none; what is hidden (.name) is none.
    """
    if not folder.is_dir():
        return []
    inside, sub_folders = _scan(folder)
    for sub_folder in sub_folders:
        inside += [f"{sub_folder}/{name}" for name in _scan(folder / sub_folder)[0]]
    return [folder / name for name in sorted(inside)]


def _scan(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of a folder's images and of its sub-folders."""
    with os.scandir(folder) as entries:
        seen = [entry for entry in entries if not entry.name.startswith(".")]
    images = [entry.name for entry in seen if _looks_like_image(entry.name) and _is_file(entry)]
    return images, [entry.name for entry in seen if _is_folder(entry)]


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads to itself
        return False


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _looks_like_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def name_in(folder: Path, path: Path) -> str:
    """Return an image's name in its data set, the same on every system: 1.png, or cat/1.png."""
    return path.relative_to(folder).as_posix()


def label_of_name(path: Path) -> str:
    """Return the file name up to the first `_`; raise LabelError where there is none."""
    label, underscore, _ = path.name.partition(BLANK)
    if not underscore or not label:
        raise LabelError(
            f"{path}: the file name has no label. <label>_<anything>{path.suffix} is expected, as in ab3d_0001.png; "
            "put a labels.csv (file,label) beside the images, or each class (NUM_CLASSES) into a sub-folder"
        )
    return label


def find_label_table(folder: Path) -> Path | None:
    """Return the folder's labels.csv, labels.tsv or labels.txt."""
    return next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)


def read_label_table(path: Path) -> dict[str, str]:
    """Return file name → label of a two-column table in UTF-8, with or without the header line `file,label`.

    A labels.txt is separated by tabs where its first line has one, else by commas, else by blanks. Spaces around a
    cell are none of it. Only what commas separate knows quotes. An image in a sub-folder is named cat/1.png.
    Raises LabelError that names the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            text = file.read()
        except UnicodeDecodeError as error:
            raise LabelError(f"{path} is not UTF-8 ({error.reason}): save it as CSV UTF-8") from None
    return _labels_in(text, path)


def _labels_in(text: str, path: Path) -> dict[str, str]:
    labels = {}
    try:
        for line, row in _rows(text, LABEL_TABLES[path.name] or _separator(text)):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (not labels and [cell.lower() for cell in cells] == ["file", "label"]):
                continue
            if len(cells) != 2 or not all(cells):
                raise LabelError(f"{path}, line {line}: file and label are expected; got {row}")
            name, label = cells
            if labels.setdefault(name, label) != label:
                raise LabelError(f"{path}, line {line}: {name} has the label {labels[name]!r} already")
    except csv.Error as error:
        raise LabelError(f"{path} is no table of file and label: {error}") from None
    return labels


def set_label(path: Path, name: str, label: str | None) -> None:
    """Give an image its line in a label table, or take it away (None); all other lines stay, to the byte.

    Raises LabelError, the table left as it is, where it could not be read back so.
    """
    labels = read_label_table(path)
    expected = {**labels, name: label} if label is not None else {n: one for n, one in labels.items() if n != name}
    if expected == labels:
        return
    text = path.read_bytes().decode("utf-8")
    separator = LABEL_TABLES[path.name] or _separator(text.lstrip(BOM))
    lines = [line for line in io.StringIO(text, newline="") if _file_of(line, separator) != name]
    end = "\r\n" if "\r\n" in text else "\n"
    if label is not None:
        lines += [end] * bool(lines and not lines[-1].endswith(("\n", "\r")))
        lines.append(_line_of(name, label, separator) + end)
    changed = "".join(lines)
    try:
        as_expected = _labels_in(changed.removeprefix(BOM), path) == expected
    except LabelError:
        as_expected = False
    if not as_expected:
        raise LabelError(f"{path} cannot hold the label {label!r} for {name}, or has lines of another form: mend it")
    with written_beside(path) as part:
        part.write_bytes(changed.encode("utf-8"))


def _file_of(line: str, separator: str) -> str:
    """Return the first cell of a table's line."""
    row = next(_rows(line.removeprefix(BOM), separator), (0, []))[1]
    return row[0].strip() if row else ""


def _line_of(name: str, label: str, separator: str) -> str:
    if separator != COMMA:
        return separator.join((name, label))
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow((name, label))
    return line.getvalue()


def _separator(text: str) -> str:
    """Return what separates the cells of a text, by its first line that is not empty."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "").strip()
    return next((separator for separator in (TAB, COMMA) if separator in first), BLANKS)


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line."""
    if separator == BLANKS:
        yield from ((number, line.split()) for number, line in enumerate(io.StringIO(text, newline=None), start=1))
        return
    quoting = csv.QUOTE_MINIMAL if separator == COMMA else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    yield from ((reader.line_num, row) for row in reader)


def read_labels(
    folder: Path, label_of: Callable[[Path], Any] = label_of_name, with_table: bool = True
) -> tuple[list[LabelledImage], list[str]]:
    """Return the labelled images of a folder, and what is wrong with the others, one line each.

    `label_of` takes the label from a file's path. `with_table`, a label table beside the images goes before it, and
    without one an image in a sub-folder is labelled with that folder's name.
    """
    table = find_label_table(folder) if with_table else None
    labels = read_label_table(table) if table else None
    labelled, problems = [], []
    for path in list_images(folder):
        inside = path.parent.name if path.parent != folder else ""
        try:
            if labels is not None:
                label = labels[name_in(folder, path)]
            else:
                label = inside if inside and with_table else label_of(path)
        except KeyError:
            problems.append(f"{path}: {table.name} has no line for it")
        except LabelError as error:
            problems.append(str(error))
        else:
            labelled.append(LabelledImage(path, label, inside))
    return labelled, problems


def labelled_images(
    folder: Path, label_of: Callable[[Path], Any] = label_of_name, with_table: bool = True
) -> list[LabelledImage]:
    """Return the labelled images of a folder.

    Raises LabelError where any has no label, naming the first few; DataError where there are none.
    """
    labelled, problems = read_labels(folder, label_of, with_table)
    if problems:
        more = [f"… and {len(problems) - _NAMES_SHOWN} more"] if len(problems) > _NAMES_SHOWN else []
        raise LabelError("\n".join(problems[:_NAMES_SHOWN] + more))
    if not labelled:
        raise DataError(
            f"{folder} holds no images ({', '.join(sorted(SUFFIXES))}). "
            "Put yours there, or generate some: python gen_sample_by_captcha.py"
        )
    return labelled


def refuse_sub_folders(data: Sequence[LabelledImage], folder: Path, mode: str) -> None:
    """Raise LabelError where an image of a data set of texts has a sub-folder's name for its label."""
    inside = next((item for item in data if item.inside), None)
    if inside and not find_label_table(folder):
        raise LabelError(
            f"{inside.path} lies in a sub-folder, which is a class for MODE = 'NUM_CLASSES'; {mode} reads texts: "
            f"move it up into {folder.name}, or change MODE"
        )
