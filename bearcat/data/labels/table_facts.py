"""What is worth saying of label tables: lines without an image, tables not read, traces of spreadsheets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.data.images import SUFFIXES
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.table_parsing.delimited import HOW_TO_WRITE, NO_BOXES, TableRow, is_image_name
from bearcat.data.labels.table_parsing.spreadsheets import spreadsheet_damage
from bearcat.data.labels.tables import COUNTS, NOT_NAMED, LabelTable, find_tables, image_names, matches, read_table

EXAMPLES = 3
_START = 4096  # bytes of a file that are searched for names of images


@dataclass(frozen=True)
class TableFact:
    """Something worth saying of a label table.

    Args:
        kind: What report/check.json calls it.
        is_warning: Whether labels are probably wrong or missing.
        text: What was found.
        todo: What to do about it.
        files: The lines or files concerned.
    """

    kind: str
    is_warning: bool
    text: str
    todo: str
    files: tuple[str, ...] = ()


def table_facts(sets: Mapping[Path, Sequence[LabelledImage]]) -> list[TableFact]:
    """Returns what is worth saying of the label tables of data sets, and of labels that a spreadsheet changed.

    Args:
        sets: The folder of each data set → its labelled images; none for a set whose labels are not needed. A line
            that names an image of any of these folders is no fault, since a split copies whole tables.
    """
    tables: dict[Path, LabelTable] = {}
    unread: dict[Path, str] = {}
    for folder in sets:
        with suppress(LabelError):  # whoever reads the labels of the folder reports it
            found = find_tables(folder)
            unread |= found.unread
            if found.table:
                tables[folder] = read_table(found.table)
    return [
        *_without_image(tables, sets),
        *_unread(unread),
        *_encodings(tables.values()),
        *_spreadsheets(sets, tables),
    ]


def rows_without_image(tables: Mapping[Path, LabelTable], folders: Iterable[Path]) -> dict[tuple[Path, int], TableRow]:
    """Finds the lines that name no image of any data set.

    Args:
        tables: The folder of a data set → its table.
        folders: The folders of all data sets.

    Returns:
        Table and number of a line → the line. A line that stands in several tables is given once.
    """
    names = [image_names(folder) for folder in folders]
    found: dict[str, tuple[Path, TableRow]] = {}
    for table in tables.values():
        rows = {row.name: row for row in table.rows if not _is_unknown_header(row, table)}
        for of_folder in names:
            with suppress(LabelError):  # lines that contradict each other
                for row in matches(table, of_folder).rows.values():
                    rows.pop(row.name, None)
        found = {name: (table.path, row) for name, row in rows.items()} | found
    return {(path, row.line): row for path, row in found.values()}


def _is_unknown_header(row: TableRow, table: LabelTable) -> bool:
    return row == table.rows[0] and not is_image_name(row.name) and all(is_image_name(r.name) for r in table.rows[1:])


def _without_image(tables: Mapping[Path, LabelTable], folders: Iterable[Path]) -> Iterator[TableFact]:
    rows = rows_without_image(tables, folders)
    if rows:
        names, verb = sorted({path.name for path, _ in rows}), "names" if len(rows) == 1 else "name"
        yield TableFact(
            "rows_without_image",
            False,
            f"{_count(rows, 'line')} of {' and '.join(names)} {verb} no image, or could mean several",
            "nothing if you removed the images; otherwise write the names in the table as the files are named",
            tuple(f"{_place(path, line)}: {row.name}" for (path, line), row in rows.items()),
        )


def _unread(unread: Mapping[Path, str]) -> Iterator[TableFact]:
    for path, reason in unread.items():
        todo = f"if the labels stand there, {HOW_TO_WRITE}"
        if reason.endswith(COUNTS):
            todo = "nothing, if the labels there are the right ones"
        elif reason.endswith(NOT_NAMED):
            todo = f"if the labels stand there, rename it to labels{path.suffix.lower()}"
        is_warning = not reason.endswith(COUNTS) and NO_BOXES not in reason and _names_images(path)
        text = f"{_short(path)} is not read as a label table: {reason}"
        yield TableFact("unread_table", is_warning, text, todo, (str(path),))


def _names_images(path: Path) -> bool:
    """Whether a file begins with names of images, and so is no list of classes, for instance."""
    with path.open("rb") as file:
        start = file.read(_START).lower()
    return any(suffix.encode() in start for suffix in SUFFIXES)


def _encodings(tables: Iterable[LabelTable]) -> Iterator[TableFact]:
    for table in tables:
        if table.encoding == "gbk":
            labels = [row.label for row in table.rows if not row.label.isascii()][:EXAMPLES]
            yield TableFact(
                "table_encoding",
                False,
                f"{_short(table.path)} is not UTF-8 and was read as GBK" + f": {', '.join(labels)}" * bool(labels),
                "nothing if these labels are right; otherwise save the table as UTF-8 (Excel: Save As, CSV UTF-8)",
            )


def _spreadsheets(
    sets: Mapping[Path, Sequence[LabelledImage]], tables: Mapping[Path, LabelTable]
) -> Iterator[TableFact]:
    places: dict[str, str] = {}
    for folder, items in sets.items():
        rows = matches(tables[folder], [item.name for item in items]).rows if folder in tables else {}
        for item in items:
            if isinstance(item.label, str):
                row = rows.get(item.name)
                line = f" ({tables[folder].path.name}, line {row.line})" if row else ""
                places[f"{folder.name}/{item.name}{line}"] = item.label
    damage = spreadsheet_damage(places)
    if damage.lost_zeros:
        yield TableFact(
            "lost_zeros",
            True,
            f"{_count(damage.lost_zeros, 'label')} of digits only {_is_are(damage.lost_zeros)} shorter than the "
            f"{damage.length} characters of all others, and no label of digits begins with 0: a spreadsheet has "
            "probably removed leading zeros",
            "look at the images; if they show the zeros: "
            + ("python cheak_file.py --fix-zeros" if tables else "rename the files, or write a labels.csv"),
            tuple(f"{place}: {places[place]} instead of {label}?" for place, label in damage.lost_zeros.items()),
        )
    if damage.changed:
        kinds = sorted(set(damage.changed.values()))
        yield TableFact(
            "spreadsheet",
            True,
            f"{_count(damage.changed, 'label')} {_is_are(damage.changed)} {' or '.join(kinds)}, unlike the others: a "
            "spreadsheet has probably changed what was typed, and the table no longer says what that was",
            "look at the images and correct the labels; format the column as text before you type into it",
            tuple(f"{place}: {places[place]}" for place in damage.changed),
        )


def _count(things: Mapping, noun: str) -> str:
    return f"{len(things):,} {noun}{'s' * (len(things) != 1)}"


def _is_are(things: Mapping) -> str:
    return "is" if len(things) == 1 else "are"


def _place(path: Path, line: int) -> str:
    return f"{_short(path)}, line {line}"


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
