"""Fonts of the system: where they lie, which of them really have given characters, and one to write a text with."""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT_SUFFIXES = frozenset({".ttf", ".ttc", ".otf", ".otc"})
# plain upright fonts come first where any font serves: those of Windows, macOS and Linux, Chinese ones before Latin
PREFERRED = "wqy-microhei msyh simhei pingfang hiragino notosanscjk notosanssc dejavusans arial helvetica".split()
# they claim letters and show images, blanks or code charts instead
NOT_FOR_TEXT = (
    "wingdng wingding webding symbol emoji marlett dingbat braille icon barcode mdl2 lastresort blank fallback".split()
)
NEVER_THERE = ("\U0010ffff", "\uffff")  # code points without a character: what a font shows for what it lacks
CHECK_SIZE = 32


def font_folders() -> list[Path]:
    """Return the folders in which Linux, macOS and Windows keep fonts: the system's and the user's."""
    windows, local = os.environ.get("WINDIR", r"C:\Windows"), os.environ.get("LOCALAPPDATA")
    folders = ["/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts"]
    folders += ["/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", f"{windows}/Fonts"]
    folders += [f"{local}/Microsoft/Windows/Fonts"] if local else []
    return [path for path in (Path(os.path.expanduser(folder)) for folder in folders) if path.is_dir()]


@lru_cache(maxsize=1)
def system_fonts() -> tuple[Path, ...]:
    """Return the font files of the system that are meant for text, the preferred ones first."""
    found = {path for folder in font_folders() for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES}
    return tuple(sorted((path for path in found if not _matches(path, NOT_FOR_TEXT)), key=_preference))


def _matches(path: Path, words: Iterable[str]) -> bool:
    return any(word in path.stem.lower() for word in words)


def _preference(path: Path) -> tuple:
    stem = path.stem.lower()
    rank = next((rank for rank, start in enumerate(PREFERRED) if stem.startswith(start)), len(PREFERRED))
    return rank, len(stem), str(path)  # the regular face has the shortest name


@lru_cache(maxsize=256)
def open_font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Open a font file at a size in pixels, a collection at its first face; raise OSError where it is no font.

    The layout is the basic one, since the other is not installed everywhere and shall make no difference.
    """
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=100_000)
def has_glyph(path: Path, character: str) -> bool:
    """Tell whether a font file shows ink for a character, and other ink than for what it lacks."""
    try:
        font = open_font(path, CHECK_SIZE)
        shown, *lacking = (_ink(font, text) for text in (character, *NEVER_THERE))
    except (OSError, ValueError):  # damaged, or bitmaps of one size only
        return False
    return any(shown[1]) and shown not in lacking


def _ink(font: ImageFont.FreeTypeFont, text: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(text, mode="L")
    return mask.size, bytes(mask)


def lacking_characters(path: Path, text: str) -> str:
    """Return the characters of a text that a font file has no glyph for, each once."""
    return "".join(character for character in dict.fromkeys(text) if not has_glyph(path, character))


def fonts_with(text: str, paths: Iterable[Path] | None = None) -> list[Path]:
    """Return those of the font files (the system's unless given) that have every character of a text but spaces."""
    characters = [character for character in dict.fromkeys(text) if not character.isspace()]
    candidates = system_fonts() if paths is None else paths
    return [path for path in candidates if all(has_glyph(path, character) for character in characters)]


def find_font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font of the system that has all characters of a text, else Pillow's own."""
    characters = [character for character in dict.fromkeys(text) if not character.isspace()]
    for path in system_fonts():
        if all(has_glyph(path, character) for character in characters):
            return open_font(path, size)
    return ImageFont.load_default(size)
