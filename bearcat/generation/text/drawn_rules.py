"""Rules for the keys of style "drawn", and whether its fonts have the characters and the image has room for them."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bearcat.generation.rules import (
    MAX_SIDE,
    MIN_SIZE,
    Problem,
    advise_fonts,
    combining_marks,
    font_file_problems,
    font_files,
    is_number,
    is_whole,
    list_characters,
    no_font_problems,
    size_problems,
)
from bearcat.generation.text.layout import FontsOf, Geometry, find_fonts, needed_size
from bearcat.generation.text.sums import sum_problems

WHOLE = {"rotation": (0, 180), "outline": (0, 20), "lines": (0, 50)}
NUMBERS = {"shear": (0, 1), "overlap": (0, 0.6), "bend": (0, 1), "dots": (0, 0.3), "contrast": (0.1, 1)}
SUM = "sum"
CHOICES = {
    "line_colour": ("any", "ink"),
    "paper": ("plain", "gradient", "noise", "blots", "grid", "tiles", "patches"),
    "colours": ("one", "each", "black"),
    "text": ("characters", SUM),
}
# what may make a text fit → the values that save most room
SAVINGS: dict[str, dict[str, Any]] = {
    "fewer characters (char_count)": {"char_count": (1,)},
    "smaller ones (character_size)": {"character_size": (MIN_SIZE, MIN_SIZE)},
    "more overlap": {"overlap": NUMBERS["overlap"][1]},
    "less bend": {"bend": 0},
    "less rotation": {"rotation": 0},
    "less shear": {"shear": 0},
    "less outline": {"outline": 0},
}
MAX_SAVINGS = 3  # in a message


def drawn_problems(values: Mapping[str, Any], work: Path, broken: set[str]) -> list[Problem]:
    """Returns (key, what is expected) for every problem with the keys of style "drawn".

    Args:
        values: The values of all known keys.
        work: Folder that paths are relative to.
        broken: Keys that the common rules found to be wrong already.
    """
    problems = list(_wrong_values(values, work))
    checks = (
        (_undrawable, ("characters",)),
        (_wrong_sums, ("characters", "char_count", "text")),
        (_missing_glyphs, ("characters", "fonts")),
        (_too_little_room, ("characters", "fonts", *Geometry.__dataclass_fields__)),
    )
    for check, names in checks:
        wrong = broken | {name for name, _ in problems}
        if all(name in values and name not in wrong for name in names):
            problems += check(values, work)
    return problems


def _wrong_values(values: Mapping[str, Any], work: Path) -> Iterator[Problem]:
    for name, (lowest, highest) in WHOLE.items():
        if not is_whole(values[name], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    for name, (least, most) in NUMBERS.items():
        if not is_number(values[name], least, most):
            yield name, f"a number from {least} to {most} is expected"
    for name, choices in CHOICES.items():
        if values[name] not in choices:
            yield name, f"one of {', '.join(choices)} is expected"
    yield from size_problems(values["character_size"])
    yield from font_file_problems(values["fonts"], work)


def _undrawable(values: Mapping[str, Any], work: Path) -> Iterator[Problem]:
    characters = values["characters"]
    marks = combining_marks(characters)
    if marks:
        yield (
            "characters",
            f"combining marks ({list_characters(marks)}) cannot be drawn: every character is drawn separately",
        )
    directions = {unicodedata.bidirectional(one) for one in characters}
    if "L" in directions and directions & {"R", "AL"}:
        yield (
            "characters",
            "letters that are written from left to right, or from right to left, are expected, but not both: nothing "
            "would say where such a label begins",
        )


def _wrong_sums(values: Mapping[str, Any], work: Path) -> Iterator[Problem]:
    if values["text"] == SUM:
        yield from sum_problems(values)


def _missing_glyphs(values: Mapping[str, Any], work: Path) -> Iterator[Problem]:
    files = font_files(values["fonts"], work)
    if files is None:
        yield from no_font_problems(values["characters"], files)
        return
    lacking = "".join(one for one, found in find_fonts(values["characters"], files).items() if not found)
    if lacking:
        yield "fonts", f"none of these fonts has {list_characters(lacking)}. {advise_fonts()}"


def _too_little_room(values: Mapping[str, Any], work: Path) -> Iterator[Problem]:
    geometry = Geometry.of(values)
    fonts = find_fonts(values["characters"], font_files(values["fonts"], work))
    count = max(geometry.char_count)
    what = f"{count} character{'s' if count > 1 else ''} of {geometry.smallest} pixels"
    for index, (name, length) in enumerate(zip(("width", "height"), needed_size(geometry, fonts), strict=True)):
        if values[name] >= length:
            continue
        savings = " or ".join(_savings(geometry, fonts, index, length))
        if length > MAX_SIDE:
            yield name, f"{what} would take {length}, more than the {MAX_SIDE} that are possible; {savings} is expected"
        else:
            yield name, f"{length} or more is expected, for {what}{f'; or {savings}' if savings else ''}"


def _savings(geometry: Geometry, fonts: FontsOf, index: int, length: int) -> list[str]:
    """Returns what would save width (index 0) or height (1), of which a length is needed: what saves most is first."""
    needed = {what: needed_size(replace(geometry, **values), fonts)[index] for what, values in SAVINGS.items()}
    return sorted((what for what in SAVINGS if needed[what] < length), key=needed.__getitem__)[:MAX_SAVINGS]
