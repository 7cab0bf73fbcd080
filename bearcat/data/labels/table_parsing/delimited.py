"""Tables of text with separated columns: their encoding, their separator, and their columns of files and labels."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bearcat.core.errors import LabelError
from bearcat.data.images import SUFFIXES

COMMA, TAB, SEMICOLON, SPACES = ",", "\t", ";", " "
SEPARATORS = {COMMA: "a comma", SEMICOLON: "a semicolon", TAB: "a tab", SPACES: "spaces"}
BOM = "\ufeff"  # Excel writes it at the start of a table
# what header lines call the two columns, in lower case; those of FILE_COLUMNS[1] only if none of [0] is there
FILE_COLUMNS = (
    set("file filename file_name image_file image_name img_name image_path img_path filepath file_path path".split())
    | set("image img picture ocr captcha_image 文件 文件名 图片 图片名 图像 路径".split()),
    {"name", "id", "file name", "image name"},
)
LABEL_COLUMNS = set(
    "label labels text transcription transcript word words value answer class category code captcha target "
    "ground_truth groundtruth gt solution choice string 标签 文字 文本 内容 答案 验证码 类别".split()
)
# what Label Studio adds to the columns of the data and of the label
LABEL_STUDIO_COLUMNS = set("id annotation_id annotator created_at updated_at lead_time agreement".split())
BOX_COLUMNS = {"xmin", "x_min", "bbox", "bndbox", "points", "polygon", "region_shape_attributes"}
# PaddleOCR's detection form, and lines of `1.png 10,20,30,40,0`
_BOXES = re.compile(r"[^\n]*\t\[\{.*\"points\"|\S+[ \t]+(?:\d+,){4}\d+(?:\s|$)")
NO_BOXES = "holds boxes or outlines, and a text or a class for each image is expected"
HOW_TO_WRITE = "write a labels.csv with the lines file,label"
_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)")  # Label Studio puts it in front of the names of uploaded files
_SHOWN = 80  # characters of a line that a message quotes
_EXCEL_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}  # by their BOM
_COMMON_GBK = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xa3\xb0-\xd7][\xa1-\xfe])*")
_LEAST_GBK = 8  # Chinese characters from which a table can be taken for GBK


@dataclass(frozen=True, slots=True)
class TableRow:
    """An image and its label in a table, with the number of the line; names and labels are as written."""

    line: int
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The form of a table: its separator, its number of columns, and those of the file and the label."""

    separator: str
    count: int = 2
    file: int = 0
    label: int = 1
    has_header: bool = False
    from_label_studio: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: its number, its text and its cells. A quoted cell can span several lines of the file."""

    number: int
    text: str
    cells: list[str]


def decode(content: bytes, path: Path) -> tuple[str, str]:
    """Decodes a table that is UTF-8, UTF-16 as Excel writes it, or beyond doubt GBK.

    Returns:
        The text, with a BOM if there is one, and the encoding that gives the same bytes again.

    Raises:
        LabelError: It is none of these; the message names the first line that is not UTF-8.
    """
    encoding = next((name for bom, name in _UTF_16.items() if content.startswith(bom)), "utf-8")
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise LabelError(f"{path} is UTF-16 but damaged or cut off ({error.reason}): save it as UTF-8") from None
        if _is_gbk(content):
            return content.decode("gbk"), "gbk"
        line = content.count(b"\n", 0, error.start) + 1
        text = content.splitlines()[line - 1] if content.splitlines()[line - 1 :] else b""
        raise LabelError(
            f"{path} is not UTF-8, nor UTF-16 or GBK beyond doubt: line {line} is {text[:_SHOWN]!r}. "
            "Save it as UTF-8 (Excel: Save As, CSV UTF-8)"
        ) from None


def _is_gbk(content: bytes) -> bool:
    """Whether bytes that are not UTF-8 are GBK.

    All must be ASCII, punctuation or of the 3755 most common Chinese characters, spread over the range as in Chinese
    text: Korean uses its first half only, Cyrillic and Western letters a part of the second bytes.
    """
    if not _COMMON_GBK.fullmatch(content):
        return False
    pairs = set(re.findall(rb"[\xb0-\xd7][\xa1-\xfe]", content))
    firsts, seconds = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    spread = any(first > 0xC8 for first in firsts) and any(first <= 0xBF for first in firsts)
    return len(pairs) >= _LEAST_GBK and spread and min(seconds) < 0xC0 and max(seconds) > 0xDF


def parse_table(
    text: str,
    path: Path,
    separators: Sequence[str],
    images: Callable[[], Collection[str]] = tuple,
    space_after_separator: bool = False,
) -> tuple[list[TableRow], Columns]:
    """Parses a table with the first separator that fits all lines.

    Args:
        text: The content.
        path: The file, for messages.
        separators: Those to try. One that is not the first counts only if the table has no other meaning with it.
        images: Returns the names of the images beside the table; called if nothing else decides which column is which.
        space_after_separator: Whether a quoted cell may follow a space, as in `1.png, "ab"`.

    Raises:
        LabelError: A line is malformed; the message has its number, its text and what was expected.
    """
    text = text.removeprefix(BOM)
    first = text[: text.find("\n") + 1] or text
    named = _EXCEL_SEPARATOR.fullmatch(first)
    if named and named[1] in SEPARATORS:
        separators = (named[1],)
    parsed: list[tuple[list[TableRow], Columns]] = []
    errors: dict[str, LabelError | csv.Error] = {}
    for separator in separators:
        try:
            lines = [line for line in split_lines(text, separator, space_after_separator) if any(line.cells)]
            lines = lines[bool(named) :]
            columns = _find_columns(lines, separator, path, images)
            rows = _rows(lines, columns, path)
        except (LabelError, csv.Error) as error:
            errors[separator] = error
            continue
        if separator != separators[0] and not _is_plain(rows, separator):
            continue
        # a comma in all labels splits the lines of 1.png;3,5 in two as well, and their names are no images
        if any(is_image_name(row.name) for row in rows):
            return rows, columns
        parsed.append((rows, columns))
    if parsed:
        return parsed[0]
    error = errors[max(errors, key=lambda separator: _fitting(text, separator))]
    raise error if isinstance(error, LabelError) else LabelError(f"{path} is not a table of labels: {error}")


def split_lines(text: str, separator: str, space_after_separator: bool = False) -> Iterator[Line]:
    """Yields the lines of a text with their cells, stripped of spaces around them; raises csv.Error."""
    if separator == SPACES:
        for number, line in enumerate(io.StringIO(text, newline=None), start=1):
            yield Line(number, line.rstrip("\n"), line.split())
        return
    dialect: dict[str, Any] = {"delimiter": separator}
    if separator == TAB:
        dialect["quoting"] = csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=space_after_separator, **dialect)
    source, end = io.StringIO(text, newline="").readlines(), 0
    for cells in reader:
        start, end = end, reader.line_num
        yield Line(start + 1, "".join(source[start:end]).rstrip("\r\n"), [cell.strip() for cell in cells])


def is_image_name(name: str) -> bool:
    """Whether a name has the suffix of an image."""
    return name.lower().endswith(tuple(SUFFIXES))


def file_of_url(name: str) -> str:
    """Returns the file that a table of Label Studio names, without the address and the prefix of an upload."""
    parts = urlsplit(name)
    local = parse_qs(parts.query).get("d")  # /data/local-files/?d=folder/0001.png
    path = local[0] if local else unquote(parts.path) if "/" in name else name
    folder, slash, file = path.rpartition("/")
    return folder + slash + _UPLOAD_PREFIX.sub("", file, count=1)


def format_line(name: str, label: str, columns: Columns) -> str:
    """Formats a line of a table with two columns."""
    cells = ["", ""]
    cells[columns.file], cells[columns.label] = name, label
    return join_cells(cells, columns.separator)


def join_cells(cells: Sequence[str], separator: str) -> str:
    """Joins cells to a line, with quotes where the separator allows and needs them."""
    if separator in (TAB, SPACES):
        return separator.join(cells)
    line = io.StringIO()
    csv.writer(line, delimiter=separator, lineterminator="").writerow(cells)
    return line.getvalue()


def columns_of(names: Sequence[str]) -> tuple[int, int] | None:
    """Returns the columns of the file and the label from the names in a header; None if they name no such pair.

    Raises:
        LabelError: Several columns could be the file, or the label.
    """
    lower = [name.lower() for name in names]
    if BOX_COLUMNS & set(lower):
        raise LabelError(NO_BOXES)
    if "annotation_id" in lower:
        lower = ["" if name in LABEL_STUDIO_COLUMNS else name if name in FILE_COLUMNS[0] else "label" for name in lower]
    labels = [number for number, name in enumerate(lower) if name in LABEL_COLUMNS]
    files = next(
        (found for known in FILE_COLUMNS if (found := [n for n, name in enumerate(lower) if name in known])), []
    )
    if not files or not labels:
        return None
    for found in (files, labels):
        if len(found) > 1:
            raise LabelError(f"the columns {' and '.join(repr(names[n]) for n in found)} could both be meant")
    return files[0], labels[0]


def refuse_boxes(text: str, path: Path) -> None:
    """Raises LabelError if the lines of a text hold boxes instead of labels."""
    if _BOXES.match(text.removeprefix(BOM).lstrip()):
        raise LabelError(f"{path} {NO_BOXES}; {HOW_TO_WRITE}")


def _fitting(text: str, separator: str) -> int:
    """Returns the number of lines with two cells."""
    try:
        return sum(len(line.cells) == 2 for line in split_lines(text, separator))
    except csv.Error:
        return 0


def _is_plain(rows: list[TableRow], separator: str) -> bool:
    """Whether names read with a guessed separator can be no others."""
    if not rows:
        return False
    others = set(SEPARATORS) - {separator, SPACES}
    with_suffix = all(is_image_name(row.name) for row in rows)
    return with_suffix or (separator != SPACES and not any(others & set(row.name) for row in rows))


def _find_columns(lines: list[Line], separator: str, path: Path, images: Callable[[], Collection[str]]) -> Columns:
    if not lines:
        return Columns(separator)
    first = lines[0].cells
    try:
        named = columns_of(first)
    except LabelError as error:
        raise LabelError(f"{path}, line {lines[0].number}: {error}; {HOW_TO_WRITE}") from None
    if named:
        return Columns(separator, len(first), *named, True, "annotation_id" in first)
    pairs = [line.cells[:2] for line in lines if len(line.cells) >= 2]
    left, right = ([pair[column] for pair in pairs] for column in (0, 1))
    if any(map(is_image_name, left)):
        return Columns(separator)
    files = list(filter(None, right[1:] or right))
    if files and all(map(is_image_name, files)):
        return Columns(separator, file=1, label=0)
    if pairs and not any(map(is_image_name, right)):
        stems = {name.rpartition(".")[0].lower() for name in images()}
        if not stems & set(map(str.lower, left)) and stems & set(map(str.lower, right)):
            return Columns(separator, file=1, label=0)
    return Columns(separator)


def _rows(lines: list[Line], columns: Columns, path: Path) -> list[TableRow]:
    rows = []
    for line in lines[columns.has_header :]:
        cells = list(line.cells)
        while len(cells) > columns.count and not cells[-1]:  # a spreadsheet's empty columns
            cells.pop()
        if len(cells) != columns.count or not (cells[columns.file] and cells[columns.label]):
            raise LabelError(f"{path}, line {line.number}: {_expected(columns, cells)}, got {line.text[:_SHOWN]!r}")
        name, label = cells[columns.file], cells[columns.label]
        refuse_control(label, path, line.number)
        rows.append(TableRow(line.number, file_of_url(name) if columns.from_label_studio else name, label))
    return rows


def refuse_control(label: str, path: Path, line: int) -> None:
    """Raises LabelError if a label contains a line break, a tab or another control character."""
    control = next((character for character in label if unicodedata.category(character) == "Cc"), "")
    if control:
        raise LabelError(
            f"{path}, line {line}: the label {label!r} contains {_CONTROLS.get(control, repr(control))}, "
            "which no image shows: remove it"
        )


_CONTROLS = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}


def _expected(columns: Columns, cells: list[str]) -> str:
    between = SEPARATORS[columns.separator]
    if columns.count > 2:
        return f"file and label are expected, in {columns.count} columns separated by {between} as in the first line"
    quoted = "; a label with a comma needs quotes" if len(cells) > 2 and columns.separator == COMMA else ""
    order = "label and file are expected, in this order," if columns.file else "file and label are expected,"
    return f"{order} separated by {between}{quoted}"
