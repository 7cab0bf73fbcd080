"""Where the characters of a click captcha lie: turned glyphs cropped to their ink, placed without touching."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from bearcat.core.fonts import open_font

GAP = 3  # pixels between two boxes
EDGE = 2  # pixels between a box and the image's edge
FAINTEST_INK = 40  # of 255: what is paler is no ink, so that boxes are tight
TRIES = 60  # places tried for one character
ROUNDS = 5  # layouts tried, each with smaller characters
SHRINKAGE = 0.85

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Glyph:
    """One character as it will be drawn: its opacity, cropped to the ink."""

    character: str
    font: Path
    size: int
    angle: float
    mask: Image.Image


@dataclass(frozen=True)
class PlacedGlyph:
    """A glyph and the pixel of the image that its upper left corner takes."""

    glyph: Glyph
    left: int
    top: int

    @property
    def box(self) -> Box:
        """Return (xmin, ymin, xmax, ymax), right and lower edges outside the ink."""
        width, height = self.glyph.mask.size
        return self.left, self.top, self.left + width, self.top + height


def make_glyph(character: str, font: Path, size: int, angle: float) -> Glyph:
    """Draw a character turned by `angle` degrees and crop it to its ink."""
    drawn = open_font(font, size)
    left, top, right, bottom = drawn.getbbox(character)
    mask = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), character, fill=255, font=drawn)
    mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    mask = mask.point([0] * FAINTEST_INK + list(range(FAINTEST_INK, 256)))
    return Glyph(character, font, size, angle, mask.crop(mask.getbbox()))


def room(width: int, height: int, size: int, rotation: int) -> tuple[int, int]:
    """Return how many columns and rows of characters of a size, however turned, an image has room for."""
    turn = math.radians(min(rotation, 45))
    cell = math.ceil(size * (math.cos(turn) + math.sin(turn))) + GAP
    return (width - 2 * EDGE + GAP) // cell, (height - 2 * EDGE + GAP) // cell


def lay_out(
    glyphs: list[Glyph], width: int, height: int, least: int, rotation: int, source: random.Random
) -> list[PlacedGlyph]:
    """Place glyphs at random so that no boxes touch, smaller (down to `least`) where there is no room.

    Where chance finds no places at all, they stand in the cells of a grid, which has room by the configuration.
    """
    for _ in range(ROUNDS):
        placed = _scatter(glyphs, width, height, source)
        if placed:
            return placed
        glyphs = [_resized(glyph, max(least, int(glyph.size * SHRINKAGE))) for glyph in glyphs]
    return _line_up(glyphs, width, height, room(width, height, least, rotation), source)


def _scatter(glyphs: list[Glyph], width: int, height: int, source: random.Random) -> list[PlacedGlyph] | None:
    placed: list[PlacedGlyph] = []
    for glyph in glyphs:
        corner = find_place(glyph.mask.size, width, height, [other.box for other in placed], source)
        if corner is None:
            return None
        placed.append(PlacedGlyph(glyph, *corner))
    return placed


def find_place(
    size: tuple[int, int], width: int, height: int, taken: Iterable[Box], source: random.Random
) -> tuple[int, int] | None:
    """Return a random upper left corner at which a box of this size touches none that is taken; None for none."""
    right, bottom = width - EDGE - size[0], height - EDGE - size[1]
    if right < EDGE or bottom < EDGE:
        return None
    for _ in range(TRIES):
        left, top = source.randint(EDGE, right), source.randint(EDGE, bottom)
        if not any(touch((left, top, left + size[0], top + size[1]), box) for box in taken):
            return left, top
    return None


def touch(one: Box, other: Box) -> bool:
    """Tell whether fewer than GAP pixels lie between two boxes."""
    return one[0] < other[2] + GAP and other[0] < one[2] + GAP and one[1] < other[3] + GAP and other[1] < one[3] + GAP


def _line_up(
    glyphs: list[Glyph], width: int, height: int, grid: tuple[int, int], source: random.Random
) -> list[PlacedGlyph]:
    columns, rows = grid
    cell_width, cell_height = (width - 2 * EDGE + GAP) // columns, (height - 2 * EDGE + GAP) // rows
    placed = []
    for glyph, cell in zip(glyphs, source.sample(range(columns * rows), len(glyphs)), strict=True):
        # some fonts draw beyond the size that is asked of them
        while glyph.mask.width > cell_width - GAP or glyph.mask.height > cell_height - GAP:
            glyph = _resized(glyph, glyph.size - 1)
        left = source.randint(0, cell_width - GAP - glyph.mask.width) + cell % columns * cell_width + EDGE
        top = source.randint(0, cell_height - GAP - glyph.mask.height) + cell // columns * cell_height + EDGE
        placed.append(PlacedGlyph(glyph, left, top))
    return placed


def _resized(glyph: Glyph, size: int) -> Glyph:
    return glyph if size == glyph.size else make_glyph(glyph.character, glyph.font, size, glyph.angle)
