"""The fonts of the training images: for each script those that have all its characters, without those held out."""

from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.core.fonts import fonts_in, fonts_with, open_font, system_fonts
from pretraining.plans import LATIN
from pretraining.scripts import TAUGHT
from pretraining.texts import CHARACTERS

# Beginnings of file names of the fonts that benchmarks/unseen_kinds draws with, in lower case. The weights must not
# have seen them. Debian: fonts-sil-gentium*, -vollkorn, -lato, -comic-neue, -courier-prime, -clear-sans, -freefarsi,
# -farsiweb, -beng-extra, -lohit-beng-bengali.
HELD_OUT_FONTS = (
    *("genbas", "genbkbas", "gentium", "vollkorn", "lato-", "comicneue", "courier prime", "clearsans"),
    *("freefarsi", "homa", "nazli", "likhan", "mitra", "lohit-bengali", "jamrul"),
)
MIN_FONTS = 4  # of each script: one image may show that many
# Letters whose two cases differ in more than size. A font is left out if more than MAX_ALIKE of them differ in shape
# by less than MIN_DIFFERENCE, compared at SHAPE_SIDE pixels.
TWO_SHAPES, SHAPE_SIDE, MIN_DIFFERENCE, MAX_ALIKE = "abdeghnqr", 24, 0.1, 2


def find_fonts(folder: Path | None = None) -> dict[str, list[Path]]:
    """Script → its fonts, from a folder or those of the system."""
    found = system_fonts() if folder is None else fonts_in([folder])
    usable = [path for path in found if not is_held_out(path)]
    fonts = {LATIN: [path for path in fonts_with(CHARACTERS, usable) if distinguishes_cases(path)]}
    return fonts | {name: fonts_with(script.characters, usable) for name, script in TAUGHT.items()}


def is_held_out(path: Path) -> bool:
    """Whether a font is kept for measuring."""
    return path.name.lower().startswith(HELD_OUT_FONTS)


def describe(fonts: dict[str, list[Path]]) -> str:
    """Says how many fonts there are for each script."""
    return ", ".join(f"{name} {len(paths)}" for name, paths in fonts.items())


def require_fonts(fonts: dict[str, list[Path]]) -> None:
    """Ends the program if a script has too few fonts."""
    missing = [f"{name} ({len(paths)})" for name, paths in fonts.items() if len(paths) < MIN_FONTS]
    if missing:
        raise SystemExit(f"{MIN_FONTS} fonts of each script are needed; install more for: {', '.join(missing)}")


def distinguishes_cases(path: Path) -> bool:
    """Whether a font's lower-case letters are not just small capitals."""
    alike = [letter for letter in TWO_SHAPES if _difference(path, letter, letter.upper()) < MIN_DIFFERENCE]
    return len(alike) <= MAX_ALIKE


def _difference(path: Path, one: str, other: str) -> float:
    """Mean difference, 0 … 1, between two characters stretched to the same size."""
    shapes = []
    for character in (one, other):
        mask = open_font(path, 2 * SHAPE_SIDE).getmask(character, mode="L")
        ink = Image.frombytes("L", mask.size, bytes(mask))
        shapes.append(np.asarray(ink.crop(ink.getbbox()).resize((SHAPE_SIDE, SHAPE_SIDE)), np.float32) / 255)
    return float(np.abs(shapes[0] - shapes[1]).mean())
