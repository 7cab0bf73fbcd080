"""Tables of labels beside the images: labels.csv, labels.tsv or labels.txt."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bearcat.core.errors import LabelError
from bearcat.core.files import atomic_write

COMMA, TAB, SPACES, DETECT = ",", "\t", " ", ""
# label table → its separator; that of a text file is detected from its first line
LABEL_TABLES = {"labels.csv": COMMA, "labels.tsv": TAB, "labels.txt": DETECT}
BOM = "\ufeff"  # Excel writes it at the start of a table


def find_label_table(folder: Path) -> Path | None:
    """Returns the folder's label table, one of LABEL_TABLES; None if it has none."""
    return next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)


def read_label_table(path: Path) -> dict[str, str]:
    """Reads a table with two columns in UTF-8, with or without the header line `file,label`.

    Cells may be quoted in tables separated by commas; spaces around them are ignored. A labels.txt is separated by
    tabs if its first line has one, else by commas, else by spaces.

    Returns:
        Image name → label. The name of an image in a sub-folder is cat/1.png.

    Raises:
        LabelError: The table is not UTF-8, or a line is malformed; the message gives its number.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            text = file.read()
        except UnicodeDecodeError as error:
            raise LabelError(f"{path} is not UTF-8 ({error.reason}): save it as CSV UTF-8") from None
    return _parse_table(text, path)


def _parse_table(text: str, path: Path) -> dict[str, str]:
    labels: dict[str, str] = {}
    try:
        for line, row in _rows(text, LABEL_TABLES[path.name] or _detect_separator(text)):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (not labels and [cell.lower() for cell in cells] == ["file", "label"]):
                continue
            if len(cells) != 2 or not all(cells):
                raise LabelError(f"{path}, line {line}: file and label are expected, got {row}")
            name, label = cells
            if labels.setdefault(name, label) != label:
                raise LabelError(f"{path}, line {line}: {name} has the label {labels[name]!r} already")
    except csv.Error as error:
        raise LabelError(f"{path} is not a table of files and labels: {error}") from None
    return labels


def set_label(path: Path, name: str, label: str | None) -> None:
    """Sets the label of an image in a label table; all other lines stay unchanged.

    Args:
        path: The table.
        name: The image's name in the data set.
        label: The label; None deletes the image's line.

    Raises:
        LabelError: The changed table could not be read back; the file was not changed.
    """
    labels = read_label_table(path)
    expected = {**labels, name: label} if label is not None else {n: one for n, one in labels.items() if n != name}
    if expected == labels:
        return
    text = path.read_bytes().decode("utf-8")
    separator = LABEL_TABLES[path.name] or _detect_separator(text.lstrip(BOM))
    lines = [line for line in io.StringIO(text, newline="") if _first_cell(line, separator) != name]
    end = "\r\n" if "\r\n" in text else "\n"
    if label is not None:
        lines += [end] * bool(lines and not lines[-1].endswith(("\n", "\r")))
        lines.append(_format_line(name, label, separator) + end)
    changed = "".join(lines)
    try:
        as_expected = _parse_table(changed.removeprefix(BOM), path) == expected
    except LabelError:
        as_expected = False
    if not as_expected:
        raise LabelError(
            f"{path} cannot hold the label {label!r} for {name}, or a line of it spans several lines: edit it by hand"
        )
    with atomic_write(path) as part:
        part.write_bytes(changed.encode("utf-8"))


def _first_cell(line: str, separator: str) -> str:
    row = next(_rows(line.removeprefix(BOM), separator), (0, []))[1]
    return row[0].strip() if row else ""


def _format_line(name: str, label: str, separator: str) -> str:
    if separator != COMMA:
        return separator.join((name, label))
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow((name, label))
    return line.getvalue()


def _detect_separator(text: str) -> str:
    """Returns the separator of the first line that is not empty."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "").strip()
    return next((separator for separator in (TAB, COMMA) if separator in first), SPACES)


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the number and the cells of each line."""
    if separator == SPACES:
        yield from ((number, line.split()) for number, line in enumerate(io.StringIO(text, newline=None), start=1))
        return
    dialect: dict[str, Any] = {} if separator == COMMA else {"delimiter": separator, "quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(text, newline=""), **dialect)
    yield from ((reader.line_num, row) for row in reader)
