"""Rules for the keys of kind "click", and whether there are fonts, backgrounds and room for what they ask."""

from collections.abc import Iterator
from pathlib import Path

from bearcat.core.fonts import fonts_with, missing_characters, open_font, system_fonts
from bearcat.data.labels.reading import list_images
from bearcat.generation.click_layout import grid_size

MIN_SIZE = 8  # pixels: smaller characters are illegible
SIZE_OF_HEIGHT = (0.2, 0.3)  # default smallest and largest character size, as fractions of the image's height
RANGES = {"rotation": (0, 180), "lines": (0, 50), "dummy_strokes": (0, 50)}
GET_FONTS = (
    "Debian/Ubuntu: apt-get install fonts-wqy-microhei; Windows and macOS have some, as C:\\Windows\\Fonts\\simhei.ttf"
)
_MAX_LISTED = 8

Problem = tuple[str, str]  # key, what is expected


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
        problems += _no_font(values, work)
    return problems


def _wrong_values(values: dict, work: Path) -> Iterator[Problem]:
    for name, (lowest, highest) in RANGES.items():
        if not _are_whole([values[name]], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    counts, size, fonts = (values[name] for name in ("prompt_count", "character_size", "fonts"))
    if not isinstance(counts, list | tuple) or not _are_whole(counts, 1, 64):
        yield "prompt_count", "a list of numbers of characters to click is expected, as in [2, 3]; [] = all"
    if not isinstance(size, list | tuple) or not _are_whole(size, MIN_SIZE, 1000) or not _is_range(size):
        yield "character_size", f"[smallest, largest] in pixels, from {MIN_SIZE} on, is expected; [] = from the height"
    if not isinstance(fonts, list | tuple) or not all(isinstance(font, str) and font for font in fonts):
        yield "fonts", "a list of font files is expected; [] = those of the system"
    else:
        for font in fonts:
            if not _is_font(work / font):
                yield "fonts", f"{work / font} does not exist or is not a font; a TTF, OTF or TTC file is expected"
    folder = values["backgrounds"]
    if not isinstance(folder, str) or (folder and not list_images(work / folder)):
        yield "backgrounds", f'a folder with images, absolute or within {work}, is expected; "" = gradients'


def _are_whole(values: list | tuple, lowest: int, highest: int) -> bool:
    return all(
        isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest for value in values
    )


def _is_range(size: list | tuple) -> bool:
    return len(size) == 0 or (len(size) == 2 and size[0] <= size[1])


def _is_font(path: Path) -> bool:
    try:
        open_font(path, MIN_SIZE)
    except (OSError, ValueError):
        return False
    return True


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


def _no_font(values: dict, work: Path) -> Iterator[Problem]:
    characters, files = values["characters"], [work / font for font in values["fonts"]] or None
    if not fonts_with(characters, files):
        candidates = system_fonts() if files is None else files
        lacking = min((missing_characters(path, characters) for path in candidates), key=len, default=characters)
        more = f" and {len(lacking) - _MAX_LISTED} more" if len(lacking) > _MAX_LISTED else ""
        which = "no font of this system" if files is None else "none of these fonts"
        yield (
            "fonts",
            f"{which} has all of `characters`; the best lacks {' '.join(lacking[:_MAX_LISTED])}{more}. {GET_FONTS}; "
            'or set "fonts" to a list of font files that have them',
        )
