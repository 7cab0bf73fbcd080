"""Atomic writing, JSON, and type checks of what was read from JSON.

Files are written under a temporary name in the same folder and renamed into place, so that a kill at any moment leaves
either the old file or the new one.
"""

import dataclasses
import json
import os
import re
import secrets
import typing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import UnionType

from bearcat.core.names import escape_surrogates

PART = ".part"  # in the names of temporary files
MAX_JSON_LEVELS = 50  # values that are nested deeper break what is done with them later
STEM = 60  # characters of the file's own name in the temporary one, so that it is not too long
TOKEN_BYTES = 4
_TEMPORARY = re.compile(rf"\..*{re.escape(PART)}(\.[^.]*)?", re.DOTALL)
_NUMBERS: dict[type | UnionType, tuple[type, ...]] = {float: (float, int)}


@contextmanager
def atomic_write(path: Path, sync: bool = True) -> Iterator[Path]:
    """Yields a temporary path to write to; renames it to `path` if the block succeeds, else removes it.

    Args:
        path: The file to create or replace. The temporary name cannot be guessed; it keeps the suffix, since some
            writers choose the format by it.
        sync: Whether to wait for the disk, and to remove what a kill left. Thousands of small files that can be made
            again do not need that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if sync:
        _remove_left_over(path)
    part = _create_temporary(path)
    try:
        yield part
        if sync:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _create_temporary(path: Path) -> Path:
    """Creates an empty file beside another one, which nobody can have put a link in the place of before."""
    part = path.with_name(f".{path.stem[-STEM:]}.{secrets.token_hex(TOKEN_BYTES)}{PART}{path.suffix}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)  # Windows has no O_NOFOLLOW
    os.close(os.open(part, flags, 0o666))
    return part


def _remove_left_over(path: Path) -> None:
    """Removes what a process that was killed while it wrote the same file left behind."""
    name = re.compile(
        rf"\.{re.escape(path.stem[-STEM:])}\.[0-9a-f]{{{2 * TOKEN_BYTES}}}{re.escape(PART)}{re.escape(path.suffix)}"
    )
    with os.scandir(path.parent) as entries:
        found = [entry.path for entry in entries if name.fullmatch(entry.name)]
    for left_over in found:
        Path(left_over).unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Whether a file's name is one of those that `atomic_write` writes to, and that a kill leaves behind."""
    return _TEMPORARY.fullmatch(name) is not None


def write_text(path: Path, text: str, sync: bool = True) -> None:
    """Writes text as UTF-8 and keeps its line ends."""
    with atomic_write(path, sync) as part:
        part.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, payload: object, sync: bool = True) -> None:
    """Writes indented UTF-8 JSON."""
    write_text(path, to_json(payload), sync)


def to_json(payload: object) -> str:
    """Returns indented JSON in the format of all JSON files of Bearcat; names that are not UTF-8 are escaped."""
    return escape_surrogates(json.dumps(payload, ensure_ascii=False, indent=2)) + "\n"


def parse_json(text: str | bytes | bytearray) -> typing.Any:
    """Parses JSON; raises ValueError if it is invalid or has more than MAX_JSON_LEVELS levels."""
    too_deep = f"it is nested too deep: at most {MAX_JSON_LEVELS} levels are expected"
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(too_deep) from None
    level = [value]
    for _ in range(MAX_JSON_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError(too_deep)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_json(path: Path) -> typing.Any:
    """Reads a UTF-8 JSON file with or without a BOM; raises ValueError if it is invalid."""
    return parse_json(path.read_text(encoding="utf-8-sig"))


def append_json_line(path: Path, entry: dict) -> None:
    """Adds a line to a file of JSON lines, and waits for the disk; a line that a kill cut off is ended first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            file.write(b"" if file.read(1) == b"\n" else b"\n")
        file.write(escape_surrogates(json.dumps(entry, ensure_ascii=False)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_json_lines(path: Path) -> Iterator[dict]:
    """Yields the entries of a file of JSON lines, which may be missing; lines that a kill cut off are left out."""
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            entry = parse_json(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def check_types(record: typing.Any) -> None:
    """Checks the values of a dataclass instance against its annotations: files may have been edited by hand.

    The items of lists and tuples are checked too, those of dicts are not.

    Raises:
        TypeError: A field has another type than annotated; the message names it.
    """
    for field in dataclasses.fields(record):
        value, is_union = getattr(record, field.name), isinstance(field.type, UnionType)
        kind = field.type if is_union else typing.get_origin(field.type) or field.type
        items = [item for item in typing.get_args(field.type) if isinstance(item, type)]
        if not isinstance(kind, type | UnionType):
            continue
        valid = isinstance(value, _NUMBERS.get(kind, kind))
        if valid and kind in (list, tuple) and len(items) == 1:
            valid = all(isinstance(item, _NUMBERS.get(items[0], items[0])) for item in value)
        if not valid:
            expected = getattr(field.type, "__name__", field.type) if not items else field.type
            raise TypeError(f"{field.name} must be {expected}, not {value!r:.60}")
