"""Tables of labels beside the images: labels.csv, labels.tsv, labels.txt, and those that other programs write."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.core.files import atomic_write
from bearcat.data.labels.listing import list_images, name_in
from bearcat.data.labels.table_parsing.delimited import (
    BOM,
    COMMA,
    HOW_TO_WRITE,
    SEMICOLON,
    SPACES,
    TAB,
    Columns,
    TableRow,
    decode,
    format_line,
    parse_table,
    refuse_boxes,
    split_lines,
)
from bearcat.data.labels.table_parsing.json_tables import JSON_SUFFIXES, parse_json_table
from bearcat.data.labels.table_parsing.other_tables import is_other_table, possible_tables
from bearcat.data.labels.table_parsing.row_matching import Matches, match_rows
from bearcat.data.labels.table_parsing.spreadsheets import unwrap

# label table → the separators that it may have; the first that fits all lines counts
LABEL_TABLES = {
    "labels.csv": (COMMA, SEMICOLON, TAB, SPACES),
    "labels.tsv": (TAB, COMMA, SEMICOLON, SPACES),
    "labels.txt": (),
}
# why a table is not read, at the end of the reason
COUNTS, NOT_NAMED = "counts", "but not the name of a label table"
BACKUP = ".bak"  # behind the name of a table, in that of a copy from before it was changed
_DETECTED = (TAB, COMMA, SEMICOLON, SPACES)  # of other tables: the first that the first line has is tried first


@dataclass(frozen=True)
class LabelTable:
    """A label table.

    Args:
        path: The file.
        rows: Its lines, with one label for each name.
        text: Its content.
        encoding: How the content is encoded.
        columns: Its form; None for JSON.
    """

    path: Path
    rows: list[TableRow]
    text: str
    encoding: str
    columns: Columns | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Image name, as written → label."""
        return {row.name: row.label for row in self.rows}


@dataclass(frozen=True)
class FoundTables:
    """The files of a folder that are label tables or may be meant as such.

    Args:
        table: The one that counts; None if the labels stand elsewhere.
        unread: Those that are not read → why.
    """

    table: Path | None
    unread: dict[Path, str] = field(default_factory=dict)


def find_label_table(folder: Path) -> Path | None:
    """Returns the label table of a folder; None if it has none.

    The first of LABEL_TABLES counts; then the same names in other cases; then a table with a name or content of another
    program that has a line for an image of the folder.

    Raises:
        LabelError: Several tables have a claim and differ.
    """
    return _own_table(folder) or _find(folder, possible_tables(folder, named=True)).table


def find_tables(folder: Path) -> FoundTables:
    """Finds the label table of a folder as `find_label_table` does, and files that may be meant as one."""
    return _find(folder, possible_tables(folder))


def _find(folder: Path, possible: Sequence[Path]) -> FoundTables:
    own = _own_table(folder) or _in_other_case(possible)
    named = [path for path in possible if is_other_table(path)]
    if own:
        return FoundTables(own, {path: f"{own.name} {COUNTS}" for path in named if path != own})
    fitting: dict[Path, dict[str, str]] = {}
    unread: dict[Path, str] = {}
    names = image_names(folder) if possible else []
    for path in possible:
        try:
            labels = labels_of_images(path, names)
        except LabelError as error:
            unread |= {path: _reason(path, error)} if path in named else {}
            continue
        if path in named and labels:
            fitting[path] = labels
        elif path in named:
            unread[path] = "it has no line for an image of this folder"
        elif len(labels) > len(names) / 2:
            unread[path] = f"it has lines for {len(labels)} of {len(names)} images, {NOT_NAMED}"
    table = _choose(folder, fitting)
    return FoundTables(table, unread | {path: f"{table.name} {COUNTS}" for path in fitting if table and path != table})


def _reason(path: Path, error: LabelError) -> str:
    """Returns a message about a table without the table's path and without what to do."""
    reason = str(error).removeprefix(str(path)).lstrip(",: ").removesuffix(f"; {HOW_TO_WRITE}")
    return f"it {reason}" if reason.startswith(("holds", "is ")) else reason


def _choose(folder: Path, fitting: dict[Path, dict[str, str]]) -> Path | None:
    """Returns the table with the most labels; raises LabelError if another has different ones."""
    tables = sorted(fitting, key=lambda path: -len(fitting[path]))
    for path in tables[1:]:
        if not fitting[path].items() <= fitting[tables[0]].items():
            raise LabelError(
                f"{tables[0]} and {path} both label images of {folder.name}, and differ: delete or rename one of "
                "them, or join them into one labels.csv, which counts before others"
            )
    return tables[0] if tables else None


def explain_missing(folder: Path, table: Path | None, has_labels: bool) -> str:
    """Explains why images have no label although there are tables; '' if no table says more than that.

    Args:
        folder: The data set.
        table: Its label table.
        has_labels: Whether the table has a line for any image.
    """
    if table and not has_labels and (rows := read_table(table).rows):
        return f"no line of {table.name} names an image of {folder.name}: line {rows[0].line} names {rows[0].name!r}"
    if table and table.name.lower() not in LABEL_TABLES:
        return f"{table.name} is read as the label table of {folder.name}: if the labels stand elsewhere, rename it"
    unread = {} if table else find_tables(folder).unread
    return "\n".join(f"{path.name} is not read as a label table: {reason}" for path, reason in unread.items())


def table_files(folder: Path) -> set[Path]:
    """Returns the files of a folder that are label tables, may be meant as such, or are backups of them."""
    possible = possible_tables(folder)
    try:
        found = find_tables(folder)
        tables = {*found.unread, *([found.table] if found.table else ())}
    except LabelError:
        tables = set()
    tables |= {path for path in possible if path.name.lower() in LABEL_TABLES or is_other_table(path)}
    return tables | {backup for path in tables for backup in folder.glob(f"{escape(path.name)}{BACKUP}*")}


def labels_of_images(table: Path, names: Collection[str]) -> dict[str, str]:
    """Reads the labels that a table gives to images.

    Args:
        table: The table.
        names: The names of the images in the data set.

    Returns:
        Image name → label, of the images that have a line.

    Raises:
        LabelError: As `read_table`; or lines with different labels mean the same image.
    """
    return {name: row.label for name, row in matches(read_table(table), names).rows.items()}


def matches(table: LabelTable, names: Collection[str]) -> Matches:
    """Finds the images that the lines of a table mean."""
    return match_rows(table.rows, sorted(names), table.path)


def image_names(folder: Path) -> list[str]:
    """Returns the names of a folder's images in the data set."""
    return [name_in(folder, path) for path in list_images(folder)]


def _own_table(folder: Path) -> Path | None:
    return next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)


def _in_other_case(paths: Sequence[Path]) -> Path | None:
    """Returns the first of LABEL_TABLES that is written in another case, such as Labels.CSV."""
    for name in LABEL_TABLES:
        found = [path for path in paths if path.name.lower() == name]
        if len(found) > 1:
            raise LabelError(f"{found[0]} and {found[1]} are both label tables: delete or rename one of them")
        if found:
            return found[0]
    return None


def read_table(path: Path) -> LabelTable:
    """Reads a table.

    With a header that names them, the columns of the file and the label may be any two; without one there are two.
    The columns may be swapped if it is plain which one has the files. Cells may be quoted in tables separated by
    commas or semicolons; spaces around them are ignored. Labels that a spreadsheet has wrapped are unwrapped.

    Raises:
        LabelError: The encoding is unknown, or a line is malformed; the message gives its number and its text.
    """
    text, encoding = decode(path.read_bytes(), path)
    return parse(text, path, encoding)


def parse(text: str, path: Path, encoding: str = "utf-8") -> LabelTable:
    """Parses the content of a table; see `read_table`."""
    columns, name = None, path.name.lower()
    if path.suffix.lower() in JSON_SUFFIXES:
        rows = parse_json_table(text, path)
    else:
        refuse_boxes(text, path)
        separators = LABEL_TABLES.get(name) or _detected_separators(text)
        rows, columns = parse_table(text, path, separators, lambda: image_names(path.parent), name not in LABEL_TABLES)
    first: dict[str, TableRow] = {}
    for row in rows:
        if first.setdefault(row.name, row).label != row.label:
            earlier = first[row.name]
            raise LabelError(
                f"{path}, line {row.line}: {row.name} has the label {earlier.label!r} already (line {earlier.line}), "
                f"got {row.label!r}"
            )
    return LabelTable(path, unwrap(list(first.values())), text, encoding, columns)


def read_label_table(path: Path) -> dict[str, str]:
    """Reads a table as `read_table` does; returns image name, as written → label."""
    return read_table(path).labels


def set_label(path: Path, name: str, label: str | None) -> None:
    """Sets the label of an image in a label table; all other lines stay unchanged.

    Args:
        path: The table.
        name: The image's name in the data set.
        label: The label; None deletes the image's line.

    Raises:
        LabelError: The table has a form that cannot be extended line by line, or it could not be read back after the
            change; the file was not changed.
    """
    table = read_table(path)
    labels, columns = table.labels, table.columns
    expected = {**labels, name: label} if label is not None else {n: one for n, one in labels.items() if n != name}
    if expected == labels:
        return
    if columns is None or columns.count != 2:
        raise LabelError(
            f"{path} is no table of two columns, and lines are added to such tables only: write a labels.csv with the "
            "lines file,label of all images instead"
        )
    lines = [line for line in io.StringIO(table.text, newline="") if name_in_line(line, columns) != name]
    end = "\r\n" if "\r\n" in table.text else "\n"
    if label is not None:
        lines += [end] * bool(lines and not lines[-1].endswith(("\n", "\r")))
        lines.append(format_line(name, label, columns) + end)
    changed = "".join(lines)
    try:
        content = changed.encode(table.encoding)
        as_expected = parse(decode(content, path)[0], path).labels == expected
    except (LabelError, UnicodeEncodeError):
        as_expected = False
    if not as_expected:
        raise LabelError(
            f"{path} cannot hold the label {label!r} for {name}, or a line of it spans several lines: edit it by hand"
        )
    with atomic_write(path) as part:
        part.write_bytes(content)


def name_in_line(line: str, columns: Columns) -> str:
    """Returns the image that a line of a table names; '' if it names none."""
    cells = next((one.cells for one in split_lines(line.removeprefix(BOM), columns.separator)), [])
    return cells[columns.file] if len(cells) > columns.file else ""


def _detected_separators(text: str) -> Sequence[str]:
    """Returns all separators, with that of the first line that is not empty as the first."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "").strip()
    found = next((separator for separator in (TAB, COMMA) if separator in first), SPACES)
    return (found, *(separator for separator in _DETECTED if separator != found))
