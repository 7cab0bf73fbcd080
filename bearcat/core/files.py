"""Write files beside and rename them into place, so that a kill at any moment leaves the old one or the new one."""

import dataclasses
import json
import os
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"


@contextmanager
def written_beside(path: Path, sync: bool = True) -> Iterator[Path]:
    """Yield a path in the same folder to write to; rename it to `path` if the block ends well, else remove it.

    The temporary name keeps the suffix of `path`, since some writers choose the format by it. `sync` waits for the
    disk, which thousands of small files that can be made again do not need.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}{PART}{path.suffix}")
    try:
        yield part
        if sync:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str, sync: bool = True) -> None:
    """Write `text` as UTF-8 with its line ends as they are."""
    with written_beside(path, sync) as part:
        part.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, payload: object, sync: bool = True) -> None:
    """Write `payload` as indented UTF-8 JSON."""
    write_text(path, to_json(payload), sync)


def to_json(payload: object) -> str:
    """Return `payload` as indented JSON, as all files of JSON here are written."""
    return json.dumps(payload, ensure_ascii=False, indent=2) + "\n"


def parse_json(text: str | bytes) -> object:
    """Return what JSON says; raise ValueError for all that is none, also where it is nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_json(path: Path) -> object:
    """Return what a UTF-8 file of JSON says, with or without a BOM; raise ValueError for all that is none."""
    return parse_json(path.read_text(encoding="utf-8-sig"))


# ---- merged from fields: Hold what was read from JSON to the types that a dataclass says, so that a file edited by hand is told at once.


_NUMBERS = {float: (float, int)}


def check_fields(record: object) -> None:
    """Raise TypeError, naming the field, where a dataclass holds another type than it says; of dicts any."""
    for field in dataclasses.fields(record):
        value, kind = getattr(record, field.name), typing.get_origin(field.type) or field.type
        parts = [part for part in typing.get_args(field.type) if isinstance(part, type)]
        if not isinstance(kind, type):
            continue
        fits = isinstance(value, _NUMBERS.get(kind, kind))
        if fits and kind in (list, tuple) and len(parts) == 1:
            fits = all(isinstance(item, _NUMBERS.get(parts[0], parts[0])) for item in value)
        if not fits:
            raise TypeError(f"{field.name} is {value!r:.60}")
