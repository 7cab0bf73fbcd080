"""File names that are not UTF-8, as archives made under another Windows leave them on Linux and macOS."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.core.names import show_name

LEAST_UNDECODED = 3  # names that are not UTF-8 per name that seems to be by chance
# encodings of names in archives, as Python, convmv and unzip all call them
ENCODINGS = ("gbk", "big5", "cp932", "cp949", "cp1251", "cp866", "cp1252")


def refuse_undecoded(folder: Path, paths: Sequence[Path], images: Sequence[Path]) -> None:
    """Raises LabelError if there are images whose labels are not UTF-8.

    The encoding is not guessed: the same bytes are good names in several, and a wrong guess would be learnt.

    Args:
        folder: The data set.
        paths: The images whose labels contain bytes that are not UTF-8.
        images: All images.
    """
    if not paths:
        return
    where, counted = show_name(folder), f"{len(paths):,} of {len(images):,} images"
    readings = readings_of([path.relative_to(folder).as_posix() for path in paths])
    lines = [
        f"{where}: the names of {counted} are not UTF-8, so their labels cannot be read, "
        f"such as {show_name(paths[0].name)}"
    ]
    encoding = next(iter(readings), "gbk")
    # bytes of another encoding may form a character of UTF-8 by chance, and convmv would leave such names alone
    by_chance = sum(not path.name.isascii() for path in images) - len(paths)
    options = "-r --notest --nosmart" if 0 < by_chance <= len(paths) / LEAST_UNDECODED else "-r --notest"
    if readings:
        lines += ["In other encodings this is:", *(f"  {name}: {text}" for name, text in readings.items())]
    lines += [
        f"Rename them, for {encoding} by: convmv -f {encoding} -t utf-8 {options} {shlex.quote(where)}",
        f"or extract the archive again: unzip -O {encoding} ARCHIVE.zip (docs/data.md has a way in Python)",
    ]
    raise LabelError("\n".join(lines))


def readings_of(names: Sequence[str]) -> dict[str, str]:
    """Returns encoding → the first name in it, for encodings in which all names are made of letters and digits."""
    try:
        found = [name.encode("utf-8", "surrogateescape") for name in names]
    except UnicodeEncodeError:  # not bytes, but half of a UTF-16 pair
        return {}
    readings = {encoding: _decode(found, encoding) for encoding in ENCODINGS}
    return {encoding: text for encoding, text in readings.items() if text}


def _decode(names: Sequence[bytes], encoding: str) -> str:
    try:
        texts = [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return ""
    plausible = all(character.isascii() or character.isalnum() for text in texts for character in text)
    return show_name(texts[0].rpartition("/")[2]) if plausible else ""
