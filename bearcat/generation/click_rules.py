"""What a configuration of kind "click" may say, and whether there are fonts, images and room for it."""

from collections.abc import Iterator
from pathlib import Path

from bearcat.core.fonts import fonts_with, lacking_characters, open_font, system_fonts
from bearcat.data.labels import list_images
from bearcat.generation.click_layout import room

LEAST_SIZE = 8  # pixels: smaller characters cannot be told apart
SIZE_OF_HEIGHT = (0.2, 0.3)
_SHOWN = 8
RANGES = {"rotation": (0, 180), "lines": (0, 50), "dummy_strokes": (0, 50)}
GET_FONTS = (
    "Debian/Ubuntu: apt-get install fonts-wqy-microhei; Windows and macOS have some, as C:\\Windows\\Fonts\\simhei.ttf"
)


def default_size(height: int) -> tuple[int, int]:
    """Return the least and the most size of a character for an image's height, in pixels."""
    least, most = (max(LEAST_SIZE, round(height * share)) for share in SIZE_OF_HEIGHT)
    return least, most


def broken_click_rules(known: dict, work: Path, broken: set[str]) -> list[tuple[str, str]]:
    """Return (key, what is expected) for what is wrong with the keys of kind "click".

    `known` are the keys that are there, `broken` those of them that are known to be wrong; paths start at `work`.
    """
    found = list(_broken_values(known, work))
    wrong = broken | {name for name, _ in found}

    def sound(*names: str) -> bool:
        return all(name in known and name not in wrong for name in names)

    if sound("characters", "char_count"):
        found += _too_few_characters(known)
    if sound("char_count", "prompt_count"):
        found += _prompts_too_long(known)
    if sound("width", "height", "char_count", "character_size", "rotation"):
        found += _no_room(known)
    if sound("characters", "fonts"):
        found += _no_font(known, work)
    return found


def _broken_values(known: dict, work: Path) -> Iterator[tuple[str, str]]:
    for name, (lowest, highest) in RANGES.items():
        if not _are_whole([known[name]], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    counts, size, fonts = (known[name] for name in ("prompt_count", "character_size", "fonts"))
    if not isinstance(counts, list | tuple) or not _are_whole(counts, 1, 64):
        yield "prompt_count", "a list of how many characters are to be clicked is expected, as in [2, 3]; [] = all"
    if not isinstance(size, list | tuple) or not _are_whole(size, LEAST_SIZE, 1000) or not _is_range(size):
        yield "character_size", f"[least, most] in pixels, at least {LEAST_SIZE}, is expected; [] = from the height"
    if not isinstance(fonts, list | tuple) or not all(isinstance(font, str) and font for font in fonts):
        yield "fonts", "a list of font files is expected; [] = those of the system"
    else:
        for font in fonts:
            if not _is_font(work / font):
                yield "fonts", f"{work / font} is not there or is no font; a TTF, OTF or TTC file is expected"
    folder = known["backgrounds"]
    if not isinstance(folder, str) or (folder and not list_images(work / folder)):
        yield "backgrounds", f'a folder with images, absolute or within {work}, is expected; "" = gradients'


def _are_whole(values: list, lowest: int, highest: int) -> bool:
    return all(
        isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest for value in values
    )


def _is_range(size: list) -> bool:
    return len(size) == 0 or (len(size) == 2 and size[0] <= size[1])


def _is_font(path: Path) -> bool:
    try:
        open_font(path, LEAST_SIZE)
    except (OSError, ValueError):
        return False
    return True


def _too_few_characters(known: dict) -> Iterator[tuple[str, str]]:
    different = len(set(known["characters"]))
    if different < max(known["char_count"]):
        yield "char_count", f"at most {different} is expected: no character of `characters` is drawn twice in an image"


def _prompts_too_long(known: dict) -> Iterator[tuple[str, str]]:
    shortest = min(known["char_count"])
    if any(count > shortest for count in known["prompt_count"]):
        yield "prompt_count", f"at most {shortest}, the smallest char_count, is expected"


def _no_room(known: dict) -> Iterator[tuple[str, str]]:
    width, height, rotation = known["width"], known["height"], known["rotation"]
    least = (known["character_size"] or default_size(height))[0]
    columns, rows = room(width, height, least, rotation)
    if max(known["char_count"]) > columns * rows:
        yield (
            "char_count",
            f"{width}×{height} pixels have room for {columns * rows} characters of {least} pixels turned by up to "
            f"{rotation}°; a larger image, or fewer or smaller characters (character_size) are expected",
        )


def _no_font(known: dict, work: Path) -> Iterator[tuple[str, str]]:
    characters, files = known["characters"], [work / font for font in known["fonts"]] or None
    if not fonts_with(characters, files):
        candidates = system_fonts() if files is None else files
        lacking = min((lacking_characters(path, characters) for path in candidates), key=len, default=characters)
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        whose = "font of this system" if files is None else "one of them"
        yield (
            "fonts",
            f"no {whose} has all of `characters`; the best lacks {' '.join(lacking[:_SHOWN])}{more}. {GET_FONTS}; "
            'or set "fonts" to a list of font files that have them',
        )
