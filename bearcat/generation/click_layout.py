"""Layout of click captchas: rotated glyphs, cropped to their ink and placed so that their boxes do not touch."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from bearcat.core.fonts import open_font

GAP = 3  # pixels between two boxes
MARGIN = 2  # pixels between a box and the edge of the image
MIN_INK = 40  # of 255: fainter pixels are erased, so that boxes are tight
POSITION_TRIES = 60  # random positions tried for one box
LAYOUT_TRIES = 5  # random layouts tried, each with smaller characters
SHRINKAGE = 0.85

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Glyph:
    """A character as it will be drawn; `mask` is its opacity, cropped to the ink."""

    character: str
    font: Path
    size: int
    angle: float
    mask: Image.Image


@dataclass(frozen=True)
class PlacedGlyph:
    """A glyph and the pixel of the image at its upper left corner."""

    glyph: Glyph
    left: int
    top: int

    @property
    def box(self) -> Box:
        """(xmin, ymin, xmax, ymax), the right and lower edges just outside the ink."""
        width, height = self.glyph.mask.size
        return self.left, self.top, self.left + width, self.top + height


def make_glyph(character: str, font: Path, size: int, angle: float) -> Glyph:
    """Draws a character of a size in pixels, rotated by an angle in degrees."""
    opened = open_font(font, size)
    left, top, right, bottom = (int(edge) for edge in opened.getbbox(character))
    mask = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), character, fill=255, font=opened)
    mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    mask = mask.point([0] * MIN_INK + list(range(MIN_INK, 256)))
    return Glyph(character, font, size, angle, mask.crop(mask.getbbox()))


def grid_size(width: int, height: int, size: int, rotation: int) -> tuple[int, int]:
    """Returns the columns and rows of characters that fit into an image.

    Args:
        width, height: Of the image, in pixels.
        size: Of the characters, in pixels.
        rotation: Largest rotation of a character, in degrees.
    """
    angle = math.radians(min(rotation, 45))
    cell = math.ceil(size * (math.cos(angle) + math.sin(angle))) + GAP
    return (width - 2 * MARGIN + GAP) // cell, (height - 2 * MARGIN + GAP) // cell


def place_glyphs(
    glyphs: list[Glyph], width: int, height: int, min_size: int, rotation: int, rng: random.Random
) -> list[PlacedGlyph]:
    """Places glyphs at random so that no boxes touch.

    If no random layout is found, characters are made smaller; as a last resort they are placed in the cells of a grid.

    Args:
        glyphs: At most as many as `grid_size` has cells for `min_size`.
        width, height: Of the image, in pixels.
        min_size: Smallest size of a character, in pixels.
        rotation: Largest rotation of a character, in degrees.
        rng: Source of the randomness.
    """
    for _ in range(LAYOUT_TRIES):
        placed = _scatter(glyphs, width, height, rng)
        if placed:
            return placed
        glyphs = [_resized(glyph, max(min_size, int(glyph.size * SHRINKAGE))) for glyph in glyphs]
    return _place_in_grid(glyphs, width, height, grid_size(width, height, min_size, rotation), rng)


def _scatter(glyphs: list[Glyph], width: int, height: int, rng: random.Random) -> list[PlacedGlyph] | None:
    placed: list[PlacedGlyph] = []
    for glyph in glyphs:
        corner = find_position(glyph.mask.size, width, height, [other.box for other in placed], rng)
        if corner is None:
            return None
        placed.append(PlacedGlyph(glyph, *corner))
    return placed


def find_position(
    size: tuple[int, int], width: int, height: int, taken: Iterable[Box], rng: random.Random
) -> tuple[int, int] | None:
    """Returns a random upper left corner at which a box of a size touches none of `taken`; None if none is found."""
    right, bottom = width - MARGIN - size[0], height - MARGIN - size[1]
    if right < MARGIN or bottom < MARGIN:
        return None
    for _ in range(POSITION_TRIES):
        left, top = rng.randint(MARGIN, right), rng.randint(MARGIN, bottom)
        if not any(boxes_touch((left, top, left + size[0], top + size[1]), box) for box in taken):
            return left, top
    return None


def boxes_touch(one: Box, other: Box) -> bool:
    """Whether fewer than GAP pixels lie between two boxes."""
    return one[0] < other[2] + GAP and other[0] < one[2] + GAP and one[1] < other[3] + GAP and other[1] < one[3] + GAP


def _place_in_grid(
    glyphs: list[Glyph], width: int, height: int, grid: tuple[int, int], rng: random.Random
) -> list[PlacedGlyph]:
    columns, rows = grid
    cell_width, cell_height = (width - 2 * MARGIN + GAP) // columns, (height - 2 * MARGIN + GAP) // rows
    placed = []
    for glyph, cell in zip(glyphs, rng.sample(range(columns * rows), len(glyphs)), strict=True):
        # some fonts draw larger than the size that is asked for
        while glyph.mask.width > cell_width - GAP or glyph.mask.height > cell_height - GAP:
            glyph = _resized(glyph, glyph.size - 1)
        left = rng.randint(0, cell_width - GAP - glyph.mask.width) + cell % columns * cell_width + MARGIN
        top = rng.randint(0, cell_height - GAP - glyph.mask.height) + cell // columns * cell_height + MARGIN
        placed.append(PlacedGlyph(glyph, left, top))
    return placed


def _resized(glyph: Glyph, size: int) -> Glyph:
    return glyph if size == glyph.size else make_glyph(glyph.character, glyph.font, size, glyph.angle)
