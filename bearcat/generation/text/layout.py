"""Layout of style "drawn": characters side by side in an image of a fixed size, as large as it allows, then bent."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFont

from bearcat.core.fonts import fonts_with, has_glyph, open_font
from bearcat.generation.rules import MIN_SIZE
from bearcat.generation.text import bends, glyphs

MARGIN = 2  # pixels between the characters and the edges of the image
GAP = 1  # pixels between two characters that do not overlap
HOP = 0.12  # largest distance of a character from the middle, as a fraction of the image's height
BEND_REACH = 0.15  # largest displacement by a bend of 1, as a fraction of the image's height
# default largest size of a character: this fraction of the height, or of the width that each character has
SIZE_OF_HEIGHT, SIZE_OF_WIDTH = 0.75, 1.3
SIZE_SPREAD = 0.75  # default smallest size as a fraction of the largest
SHRINKAGE = 0.97  # least reduction of the sizes of a text that does not fit

FontsOf = Mapping[str, Sequence[Path]]  # character → the fonts that have it
GetRandom = Callable[[str], random.Random]  # name of a layer → its source of randomness


@dataclass(frozen=True)
class Geometry:
    """The keys of captcha_config.json that decide where the characters are."""

    width: int
    height: int
    char_count: Sequence[int]
    character_size: Sequence[int]
    rotation: float
    shear: float
    overlap: float
    outline: int
    bend: float

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Geometry":
        """Takes its values from those of all keys."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    @property
    def size_range(self) -> tuple[int, int]:
        """Smallest and largest size of a character, in pixels; a text that does not fit is drawn smaller."""
        if self.character_size:
            smallest, largest = self.character_size
        else:
            room = min(SIZE_OF_HEIGHT * self.height, SIZE_OF_WIDTH * self.width / max(self.char_count))
            smallest, largest = (max(MIN_SIZE, round(part * room)) for part in (SIZE_SPREAD, 1))
        return smallest, largest

    @property
    def smallest(self) -> int:
        """Size at which texts of the mean width must fit, in pixels."""
        return self.character_size[0] if self.character_size else MIN_SIZE

    @property
    def border(self) -> int:
        """Pixels at each edge that stay free, so that no bend moves ink out of the image."""
        return MARGIN + math.ceil(self.bend * BEND_REACH * self.height)


@dataclass(frozen=True)
class PlacedMask:
    """The mask of a character and the pixel of the image at its upper left corner."""

    mask: Image.Image
    left: int
    top: int

    @property
    def right(self) -> int:
        """x coordinate just beyond the mask."""
        return self.left + self.mask.width

    @property
    def bottom(self) -> int:
        """y coordinate just below the mask."""
        return self.top + self.mask.height


def find_fonts(characters: str, files: Sequence[Path] | None) -> FontsOf:
    """Returns the fonts of each character: of some files, or those of the system that have all characters."""
    if files is None:
        return dict.fromkeys(characters, fonts_with(characters))
    found: dict[str, list[Path]] = {one: [] for one in characters}
    for path in files:  # the outer loop, since only so many fonts are kept open
        for one in found:
            if has_glyph(path, one):
                found[one].append(path)
    return found


def needed_size(geometry: Geometry, fonts: FontsOf) -> tuple[int, int]:
    """Returns the width and height that the longest texts need at the smallest size, with characters of mean size."""
    characters: dict[Path, list[str]] = {}
    for one, paths in fonts.items():
        for path in paths:
            characters.setdefault(path, []).append(one)
    sizes = [_worst_size(one, path, geometry) for path, had in characters.items() for one in had]
    wide, tall = np.array(sizes).mean(0)
    count = max(geometry.char_count)
    gap = 2 * GAP if geometry.overlap else GAP  # overlaps are rounded down to pixels
    width = (count - geometry.overlap * (count - 1)) * wide + (count - 1) * gap + 2 * geometry.border
    return math.ceil(width), math.ceil((tall + 2 * (MARGIN + 1)) / (1 - 2 * BEND_REACH * geometry.bend))


def _worst_size(character: str, font: Path, geometry: Geometry) -> tuple[float, float]:
    """Returns the width and height of a character that is sheared and rotated as much as it can be."""
    left, top, right, bottom = open_font(font, geometry.smallest).getbbox(character, stroke_width=geometry.outline)
    width, height = right - left + geometry.shear * (bottom - top), bottom - top
    return _extent(width, height, geometry.rotation), _extent(height, width, geometry.rotation)


def _extent(along: float, across: float, rotation: float) -> float:
    """Returns the largest extent of a rectangle that is rotated by up to some degrees."""
    angle = min(math.radians(rotation), math.atan2(across, along))
    return along * math.cos(angle) + across * math.sin(angle)


def lay_out(text: Sequence[str], geometry: Geometry, fonts: FontsOf, get_random: GetRandom) -> list[PlacedMask]:
    """Places the characters of a text from left to right, without the bend."""
    masks = _fitting_masks(text, geometry, fonts, get_random)
    *starts, total = _edges([mask.width for mask in masks], geometry.overlap)
    rng, border = get_random("places"), geometry.border
    shift = border + round(rng.random() * max(0, geometry.width - 2 * border - total))
    tops = [_top(mask, geometry, rng) for mask in masks]
    return [PlacedMask(mask, shift + start, top) for mask, start, top in zip(masks, starts, tops, strict=True)]


def _top(mask: Image.Image, geometry: Geometry, rng: random.Random) -> int:
    """Returns the upper edge of a mask: that of one in the middle, moved up or down a little."""
    free = geometry.height - mask.height
    hop = max(0.0, min(HOP * geometry.height, free / 2 - geometry.border))
    return round(free / 2 + rng.uniform(-1, 1) * hop)


def _edges(widths: Sequence[int], overlap: float) -> list[int]:
    """Returns the left edge of each mask if the first is at 0, and the right edge of the last, from their widths."""
    edges = [0]
    for one, other in pairwise(widths):
        edges.append(edges[-1] + one + GAP - math.floor(overlap * min(one, other)))
    return [*edges, edges[-1] + widths[-1]]


def _fitting_masks(text: Sequence[str], geometry: Geometry, fonts: FontsOf, get_random: GetRandom) -> list[Image.Image]:
    """Draws the masks of a text at random sizes, and all of them smaller until they fit or are of MIN_SIZE."""
    # a source of its own for each of these, so that a change of one of them leaves the others as they are
    by_font, by_size, by_angle, by_lean = map(get_random, ("fonts", "sizes", "rotation", "shear"))
    files = [by_font.choice(fonts[one]) for one in text]
    sizes = [by_size.uniform(*geometry.size_range) for _ in text]
    angles = [geometry.rotation * by_angle.uniform(-1, 1) for _ in text]
    leans = [geometry.shear * by_lean.uniform(-1, 1) for _ in text]
    room = [side - 2 * geometry.border for side in (geometry.width, geometry.height)]
    factor = 1.0
    while True:
        reduced = [max(MIN_SIZE, round(size * factor)) for size in sizes]
        masks = [
            _draw_mask(one, open_font(file, size), lean, angle, geometry.outline)
            for one, file, size, lean, angle in zip(text, files, reduced, leans, angles, strict=True)
        ]
        needed = _edges([mask.width for mask in masks], geometry.overlap)[-1], max(mask.height for mask in masks)
        fit = min(side / length for side, length in zip(room, needed, strict=True))
        if fit >= 1:
            return masks
        if max(reduced) == MIN_SIZE:
            return _squeeze(masks, room, geometry.overlap)
        factor *= min(fit, SHRINKAGE)


def _squeeze(masks: Sequence[Image.Image], room: Sequence[int], overlap: float) -> list[Image.Image]:
    """Makes masks narrower and lower until they are in the room, which `needed_size` ensures is possible."""
    widths, across = [mask.width for mask in masks], 1.0
    while _edges(widths, overlap)[-1] > room[0] and max(widths) > 1:
        across *= SHRINKAGE
        widths = [max(1, int(across * mask.width)) for mask in masks]
    down = min(1, room[1] / max(mask.height for mask in masks))
    return [
        _with_full_ink(mask.resize((width, max(1, int(down * mask.height)))))
        for mask, width in zip(masks, widths, strict=True)
    ]


def _with_full_ink(mask: Image.Image) -> Image.Image:
    """Makes thin strokes of a small mask, whose ink is spread over several pixels, as dark as those of a large one."""
    darkest = int(np.asarray(mask).max())
    return mask.point([min(255, round(255 * level / max(1, darkest))) for level in range(256)])


def _draw_mask(character: str, font: ImageFont.FreeTypeFont, lean: float, angle: float, outline: int) -> Image.Image:
    mask = glyphs.draw_mask(character, font, outline, is_outlined=outline > 0)
    if lean:
        mask = glyphs.shear(mask, lean)
    if angle:
        mask = glyphs.rotate(mask, angle)
    return _with_full_ink(glyphs.crop(mask))


def bend(placed: PlacedMask, field: np.ndarray, border: int) -> PlacedMask:
    """Bends a mask where it lies in the image.

    Args:
        placed: The mask.
        field: Pixels (2, height, width) of the image from which the ink of each pixel is taken.
        border: More pixels than the field moves anything.
    """
    height, width = field.shape[1:]
    left, top = max(0, placed.left - border), max(0, placed.top - border)
    right, bottom = min(width, placed.right + border), min(height, placed.bottom + border)
    around = Image.new("L", (right - left, bottom - top))
    around.paste(placed.mask, (placed.left - left, placed.top - top))
    bent = bends.displace(np.asarray(around), field[:, top:bottom, left:right])
    return PlacedMask(Image.fromarray(bent), left, top)


def make_bend(geometry: Geometry, rng: random.Random) -> np.ndarray:
    """Returns a field (2, height, width) whose largest displacement is that of the geometry."""
    field = rng.choice((bends.waves, bends.swirl))((geometry.width, geometry.height), rng)
    return field * (geometry.bend * BEND_REACH * geometry.height / max(1e-6, float(np.abs(field).max())))
