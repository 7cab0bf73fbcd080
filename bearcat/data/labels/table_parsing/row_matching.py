"""Which image a line of a label table means: exactly one that fits its name, or none."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.data.labels.table_parsing.delimited import TableRow

_URL = re.compile(r"[a-z]+://[^/]*/", re.IGNORECASE)

_Indices = Sequence[tuple[Callable[[str], str], dict[str, list[str]]]]


@dataclass
class Matches:
    """Lines of a table and the images that they mean.

    Args:
        rows: Image name → its line.
        unmatched: The lines that mean no image, or could mean several.
    """

    rows: dict[str, TableRow] = field(default_factory=dict)
    unmatched: list[TableRow] = field(default_factory=list)


def match_rows(rows: Sequence[TableRow], names: Sequence[str], path: Path) -> Matches:
    """Finds the images that the lines of a table mean.

    A line that has an image's exact name means it, and no other line does. Else a line means the only image that has
    its name when leading folders are dropped, / and \\ are the same, upper and lower case are the same, or a name
    without suffix means any suffix; in this order.

    Args:
        rows: The lines.
        names: The names of the images in the data set.
        path: The table, for messages.

    Raises:
        LabelError: Lines with different labels mean the same image.
    """
    exact = {row.name for row in rows}.intersection(names)
    found = Matches({row.name: row for row in rows if row.name in exact})
    if len(exact) == len(rows):
        return found
    indices = [
        (key, _group((key(cut(name)), name) for name in names))
        for cut in (_whole, _without_suffix)
        for key in (_whole, _folded)
    ]
    # most lines of a table for other images are dismissed by their last part
    ends = {_folded(cut(name).rpartition("/")[2]) for cut in (_whole, _without_suffix) for name in names}
    loose: dict[str, TableRow] = {}
    for row in rows:
        if row.name in exact:
            continue
        parts = _parts(row.name)
        name = _find(parts, indices) if parts and _folded(parts[-1]) in ends else None
        if name is None or name in exact:
            found.unmatched.append(row)
        elif loose.setdefault(name, row).label != row.label:
            first = loose[name]
            raise LabelError(
                f"{path}, line {row.line}: {row.name} means the image {name}, as {first.name} in line {first.line} "
                f"does, and has another label: {first.label!r} and {row.label!r}"
            )
    found.rows |= loose
    return found


def _find(parts: Sequence[str], indices: _Indices) -> str | None:
    for start in range(len(parts)):  # a/b/1.png, b/1.png and 1.png
        candidate = "/".join(parts[start:])
        for form, index in indices:
            names = index.get(form(candidate), ())
            if names:
                return names[0] if len(names) == 1 else None
    return None


def _parts(written: str) -> list[str]:
    """Returns the folders and the file in a path."""
    return [part for part in _URL.sub("", written).replace("\\", "/").split("/") if part not in ("", ".")]


def _whole(name: str) -> str:
    return name


def _without_suffix(name: str) -> str:
    return name[: name.rfind(".")]


def _folded(name: str) -> str:
    """Returns a name in which neither upper and lower case nor the two Unicode forms of é differ."""
    return unicodedata.normalize("NFC", name).casefold()


def _group(keyed: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key, name in keyed:
        groups[key].append(name)
    return groups
