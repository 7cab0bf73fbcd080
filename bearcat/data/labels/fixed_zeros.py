"""Giving the labels of tables the leading zeros back that a spreadsheet removed."""

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.core.files import atomic_write
from bearcat.data.labels.table_parsing.delimited import BOM, COMMA, Columns, join_cells, split_lines
from bearcat.data.labels.table_parsing.spreadsheets import spreadsheet_damage
from bearcat.data.labels.tables import BACKUP, LabelTable, find_label_table, name_in_line, parse, read_table


@dataclass(frozen=True)
class ZeroFix:
    """A table whose labels lost leading zeros.

    Args:
        table: The table.
        labels: Image name, as written → its label with the zeros.
        length: The length of all labels then.
    """

    table: LabelTable
    labels: dict[str, str]
    length: int


def plan_zero_fixes(folders: Iterable[Path]) -> list[ZeroFix]:
    """Finds the labels of the folders' tables that lost leading zeros, judged by the labels of all tables together.

    Raises:
        LabelError: A table cannot be read, or zeros were lost in one in JSON, which has no lines to change.
    """
    found = [path for path in map(find_label_table, folders) if path]
    tables = [read_table(path) for path in found]
    labels = {(table.path, row.name): row.label for table in tables for row in table.rows}
    damage = spreadsheet_damage(labels)
    fixes: list[ZeroFix] = []
    for table in tables:
        fixed = {name: label for (path, name), label in damage.lost_zeros.items() if path == table.path}
        if fixed and not table.columns:
            raise LabelError(_unfit(table.path))
        fixes += [ZeroFix(table, fixed, damage.length)] if fixed else []
    return fixes


def apply_zero_fix(fix: ZeroFix) -> Path:
    """Writes the labels with their zeros; all other lines stay unchanged.

    Returns:
        The copy of the table as it was, beside it.

    Raises:
        LabelError: The table has a form whose lines cannot be changed; it stays as it was.
    """
    table = fix.table
    expected = table.labels | fix.labels
    source, columns = io.StringIO(table.text, newline="").readlines(), table.columns or Columns(COMMA)
    for number, line in enumerate(source):
        name = name_in_line(line, columns)
        if name in fix.labels:
            source[number] = _with_label(line, fix.labels[name], columns)
    changed = "".join(source)
    if parse(changed, table.path).labels != expected:
        raise LabelError(_unfit(table.path))
    content = table.path.read_bytes()
    if content != table.text.encode(table.encoding):
        raise LabelError(f"{table.path} was changed by another program meanwhile: run the command again")
    backup = _write_backup(table.path, content)
    with atomic_write(table.path) as part:
        part.write_bytes(changed.encode(table.encoding))
    return backup


def _unfit(path: Path) -> str:
    return (
        f"the zeros cannot be written into {path}, which is no table of a line for each image: write a labels.csv with "
        "the lines file,label and the right labels beside it, which then counts"
    )


def _with_label(line: str, label: str, columns: Columns) -> str:
    """Returns a line with another label and the same end."""
    text = line.rstrip("\r\n")
    bom = BOM * text.startswith(BOM)
    cells = next(split_lines(text.removeprefix(BOM), columns.separator)).cells
    cells[columns.label] = label
    return bom + join_cells(cells, columns.separator) + line[len(text) :]


def _write_backup(path: Path, content: bytes) -> Path:
    """Writes a copy beside a table, and overwrites none of an earlier time."""
    names = (f"{path.name}{BACKUP}{number if number > 1 else ''}" for number in count(1))
    backup = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    with backup.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return backup
