"""Rules that the kinds of captchas share: for numbers, sizes of characters and fonts."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bearcat.core.fonts import fonts_with, missing_characters, open_font, system_fonts

MIN_SIZE, MAX_SIZE = 8, 1000  # of a character, in pixels: smaller ones are illegible
MIN_SIDE, MAX_SIDE = 16, 2000  # of an image, in pixels
GET_FONTS = (
    "Debian/Ubuntu: apt-get install fonts-wqy-microhei; Windows and macOS have some, as C:\\Windows\\Fonts\\simhei.ttf"
)
_MAX_LISTED = 8

Problem = tuple[str, str]  # key, what is expected


def is_whole(value: object, lowest: int, highest: int) -> bool:
    """Whether a value is an integer, not a bool, in a range."""
    return isinstance(value, int) and is_number(value, lowest, highest)


def is_number(value: object, lowest: float, highest: float) -> bool:
    """Whether a value is a number, not a bool, in a range."""
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def are_whole(values: Iterable[object], lowest: int, highest: int) -> bool:
    """Whether all values are integers, not bools, in a range."""
    return all(is_whole(value, lowest, highest) for value in values)


def size_problems(size: object) -> Iterator[Problem]:
    """Yields a problem if `character_size` is not [], or [smallest, largest]."""
    if not isinstance(size, list | tuple) or not are_whole(size, MIN_SIZE, MAX_SIZE) or not _is_range(size):
        yield "character_size", f"[smallest, largest] in pixels, from {MIN_SIZE} on, is expected; [] = from the height"


def _is_range(size: Sequence[int]) -> bool:
    return len(size) == 0 or (len(size) == 2 and size[0] <= size[1])


def font_file_problems(fonts: object, work: Path) -> Iterator[Problem]:
    """Yields a problem if `fonts` is not a list of files, and one for each that is not a font."""
    if not isinstance(fonts, list | tuple) or not all(isinstance(font, str) and font for font in fonts):
        yield "fonts", "a list of font files is expected; [] = those of the system"
        return
    for font in fonts:
        if not _is_font(work / font):
            yield "fonts", f"{work / font} does not exist or is not a font; a TTF, OTF or TTC file is expected"


def _is_font(path: Path) -> bool:
    try:
        open_font(path, MIN_SIZE)
    except (OSError, TypeError, ValueError):  # TypeError: a path with a null character
        return False
    return True


def font_files(fonts: Iterable[str], work: Path) -> list[Path] | None:
    """Returns the files that the key `fonts` names; None for those of the system."""
    return [work / font for font in fonts] or None


def no_font_problems(characters: str, files: list[Path] | None) -> Iterator[Problem]:
    """Yields a problem if no font, of the system if `files` is None, has all characters."""
    if fonts_with(characters, files):
        return
    candidates = system_fonts() if files is None else files
    lacking = min((missing_characters(path, characters) for path in candidates), key=len, default=characters)
    which = "no font of this system" if files is None else "none of these fonts"
    yield "fonts", f"{which} has all of `characters`; the best lacks {list_characters(lacking)}. {advise_fonts()}"


def combining_marks(characters: Iterable[str]) -> str:
    """Returns the distinct combining marks of some characters, which are drawn over the character before them."""
    return "".join(one for one in dict.fromkeys(characters) if unicodedata.category(one).startswith("M"))


def list_characters(characters: str) -> str:
    """Lists characters in a message, a number of them at most."""
    more = f" and {len(characters) - _MAX_LISTED} more" if len(characters) > _MAX_LISTED else ""
    return " ".join(characters[:_MAX_LISTED]) + more


def advise_fonts() -> str:
    """Says where to get fonts, and how to name them."""
    return f'{GET_FONTS}; or set "fonts" to a list of font files that have them'
