"""Rules for the keys of kind "click", and whether there are fonts, backgrounds and room for what they ask."""

from collections.abc import Iterator
from pathlib import Path

from bearcat.data.labels.reading import list_images
from bearcat.generation.click_layout import grid_size
from bearcat.generation.rules import (
    MIN_SIZE,
    Problem,
    are_whole,
    font_file_problems,
    font_files,
    is_whole,
    no_font_problems,
    size_problems,
)

SIZE_OF_HEIGHT = (0.2, 0.3)  # default smallest and largest character size, as fractions of the image's height
RANGES = {"rotation": (0, 180), "lines": (0, 50), "dummy_strokes": (0, 50)}


def default_size(height: int) -> tuple[int, int]:
    """Returns the smallest and the largest size of a character for an image's height, all in pixels."""
    smallest, largest = (max(MIN_SIZE, round(height * fraction)) for fraction in SIZE_OF_HEIGHT)
    return smallest, largest


def click_problems(values: dict, work: Path, broken: set[str]) -> list[Problem]:
    """Returns (key, what is expected) for every problem with the keys of kind "click".

    Args:
        values: The values of all known keys.
        work: Folder that paths are relative to.
        broken: Keys that the common rules found to be wrong already.
    """
    problems = list(_wrong_values(values, work))
    wrong = broken | {name for name, _ in problems}
    checks = (
        (_too_few_characters, ("characters", "char_count")),
        (_prompts_too_long, ("char_count", "prompt_count")),
        (_too_little_room, ("width", "height", "char_count", "character_size", "rotation")),
    )
    for check, names in checks:
        if all(name in values and name not in wrong for name in names):
            problems += check(values)
    if all(name in values and name not in wrong for name in ("characters", "fonts")):
        problems += no_font_problems(values["characters"], font_files(values["fonts"], work))
    return problems


def _wrong_values(values: dict, work: Path) -> Iterator[Problem]:
    for name, (lowest, highest) in RANGES.items():
        if not is_whole(values[name], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    counts = values["prompt_count"]
    if not isinstance(counts, list | tuple) or not are_whole(counts, 1, 64):
        yield "prompt_count", "a list of numbers of characters to click is expected, as in [2, 3]; [] = all"
    yield from size_problems(values["character_size"])
    yield from font_file_problems(values["fonts"], work)
    folder = values["backgrounds"]
    if not isinstance(folder, str) or (folder and not list_images(work / folder)):
        yield "backgrounds", f'a folder with images, absolute or within {work}, is expected; "" = gradients'


def _too_few_characters(values: dict) -> Iterator[Problem]:
    different = len(set(values["characters"]))
    if different < max(values["char_count"]):
        yield "char_count", f"at most {different} is expected: no character of `characters` is drawn twice in an image"


def _prompts_too_long(values: dict) -> Iterator[Problem]:
    shortest = min(values["char_count"])
    if any(count > shortest for count in values["prompt_count"]):
        yield "prompt_count", f"at most {shortest}, the smallest char_count, is expected"


def _too_little_room(values: dict) -> Iterator[Problem]:
    width, height, rotation = values["width"], values["height"], values["rotation"]
    smallest = (values["character_size"] or default_size(height))[0]
    columns, rows = grid_size(width, height, smallest, rotation)
    if max(values["char_count"]) > columns * rows:
        yield (
            "char_count",
            f"{width}×{height} pixels have room for {columns * rows} characters of {smallest} pixels rotated by up to "
            f"{rotation}°; a larger image, or fewer or smaller characters (character_size) are expected",
        )
