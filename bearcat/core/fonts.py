"""The system's fonts: finding those that have the glyphs of given characters."""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT_SUFFIXES = frozenset({".ttf", ".ttc", ".otf", ".otc"})
# plain upright fonts of Windows, macOS and Linux, Chinese before Latin: tried first if any font will do
PREFERRED = "wqy-microhei msyh simhei pingfang hiragino notosanscjk notosanssc dejavusans arial helvetica".split()
# fonts that claim to have letters but show symbols, blanks or code charts
NOT_FOR_TEXT = (
    "wingdng wingding webding symbol emoji marlett dingbat braille icon barcode mdl2 lastresort blank fallback".split()
)
UNASSIGNED = ("\U0010ffff", "\uffff")  # unassigned code points: they are drawn as a font's missing-glyph box
CHECK_SIZE = 32


def font_folders() -> list[Path]:
    """Returns the existing font folders of Linux, macOS and Windows: the system's and the user's."""
    windows, local = os.environ.get("WINDIR", r"C:\Windows"), os.environ.get("LOCALAPPDATA")
    folders = ["/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts"]
    folders += ["/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", f"{windows}/Fonts"]
    folders += [f"{local}/Microsoft/Windows/Fonts"] if local else []
    return [path for path in (Path(os.path.expanduser(folder)) for folder in folders) if path.is_dir()]


@lru_cache(maxsize=1)
def system_fonts() -> tuple[Path, ...]:
    """Returns the system's font files for text, the preferred ones first."""
    return tuple(
        sorted((path for path in fonts_in(font_folders()) if not _matches(path, NOT_FOR_TEXT)), key=_preference)
    )


def fonts_in(folders: Iterable[Path]) -> list[Path]:
    """Returns the font files in folders and below, sorted by path."""
    return sorted({path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES})


def _matches(path: Path, parts: Iterable[str]) -> bool:
    return any(part in path.stem.lower() for part in parts)


def _preference(path: Path) -> tuple:
    stem = path.stem.lower()
    rank = next((rank for rank, start in enumerate(PREFERRED) if stem.startswith(start)), len(PREFERRED))
    return rank, len(stem), str(path)  # the regular face has the shortest name


@lru_cache(maxsize=256)
def open_font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Opens a font file, or the first face of a collection, at a size in pixels; raises OSError if it is not a font.

    Uses Pillow's basic layout, so that images do not depend on whether the other layout engine is installed.
    """
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=100_000)
def has_glyph(path: Path, character: str) -> bool:
    """Whether a font draws a character, and draws it differently from its missing-glyph box."""
    try:
        font = open_font(path, CHECK_SIZE)
        shown, *missing = (_ink(font, text) for text in (character, *UNASSIGNED))
    except (OSError, ValueError):  # damaged, or bitmaps of one size only
        return False
    return any(shown[1]) and shown not in missing


def _ink(font: ImageFont.FreeTypeFont, text: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(text, mode="L")
    return mask.size, bytes(mask)


def missing_characters(path: Path, text: str) -> str:
    """Returns the distinct characters of a text that a font has no glyph for."""
    return "".join(character for character in dict.fromkeys(text) if not has_glyph(path, character))


def fonts_with(text: str, paths: Iterable[Path] | None = None) -> list[Path]:
    """Returns the fonts, by default of the system, that have every character of a text except whitespace."""
    characters = [character for character in dict.fromkeys(text) if not character.isspace()]
    candidates = system_fonts() if paths is None else paths
    return [path for path in candidates if all(has_glyph(path, character) for character in characters)]


def find_font(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns a system font that has all characters of a text, else Pillow's built-in font."""
    characters = [character for character in dict.fromkeys(text) if not character.isspace()]
    for path in system_fonts():
        if all(has_glyph(path, character) for character in characters):
            return open_font(path, size)
    return ImageFont.load_default(size)
