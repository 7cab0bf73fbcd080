"""Whether two images show the same, tile by tile, and in which part the images of a set differ at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.core.errors import ImageError
from bearcat.data.frames import SPREAD
from bearcat.data.images import image_size, open_image

SAME_SHAPE = 0.05  # by how much the aspect ratios of duplicates may differ
TILE = 8  # pixels: duplicates agree in every square of this side; a changed character does not
MAX_TILE_DIFFERENCE = 24  # mean difference of a square, in grey levels
ROUNDING = 3  # grey levels by which tile means may be off
MAX_TILES = 24_000  # in larger images several tiles are averaged
CAPTCHA_PIXELS = 640 * 480  # hardly a captcha is larger
SAMPLE = 24  # images in which the changing part is looked for
LEAST_SAMPLE = 6
CHANGED = 8  # grey levels by which the means of a tile differ between images, more than what JPEG does
SMALL_PART = 1 / 4  # of the image's area


def look_same(path: Path, other: Path) -> bool:
    """Whether two image files show the same image, by their pixels; False if one cannot be opened."""
    try:
        images = open_image(path, SPREAD), open_image(other, SPREAD)
    except ImageError:
        return False
    (width, height), (other_width, other_height) = (image.size for image in images)
    if abs(width * other_height / (other_width * height) - 1) > SAME_SHAPE:
        return False
    size = min(width, other_width), min(height, other_height)
    pixels, others = (np.asarray(image.resize(size, Image.Resampling.BOX), np.int16) for image in images)
    differences = np.abs(pixels - others).mean(axis=2).astype(np.float32)
    tiles = Image.fromarray(differences).resize(_tiles(size), Image.Resampling.BOX)
    return bool(np.asarray(tiles).max() <= MAX_TILE_DIFFERENCE)


def _tiles(size: tuple[int, int]) -> tuple[int, int]:
    """Returns how many tiles an image has in a row and in a column."""
    return max(1, size[0] // TILE), max(1, size[1] // TILE)


@dataclass(frozen=True)
class TileMeans:
    """The mean colours of an image's tiles, or of the quarters of its tiles.

    Args:
        size: The image's width and height in pixels.
        side: The side of the squares that are averaged, in tiles: 0.5 for quarters, a whole number in huge images.
        means: uint8 (3, rows, columns).
    """

    size: tuple[int, int]
    side: float
    means: np.ndarray

    @classmethod
    def of(cls, image: Image.Image) -> "TileMeans":
        """Returns the means of an RGB image."""
        columns, rows = _tiles(image.size)
        if columns * rows <= MAX_TILES:
            side, means = 0.5, image.resize((2 * columns, 2 * rows), Image.Resampling.BOX)
        else:
            side = math.ceil((columns * rows / MAX_TILES) ** 0.5)
            means = image.resize((columns, rows), Image.Resampling.BOX).reduce(side)
        return cls(image.size, side, np.ascontiguousarray(np.asarray(means).transpose(2, 0, 1)))

    @classmethod
    def of_file(cls, path: Path) -> "TileMeans | None":
        """Returns the tile means of an image file; None if it cannot be opened."""
        try:
            return cls.of(open_image(path, SPREAD))
        except ImageError:
            return None

    def rules_out(self, other: "TileMeans") -> bool:
        """Whether `look_same` is certainly False: means differ by at most as much as the pixels do on average."""
        if self.size != other.size:
            return False
        red, green, blue = np.maximum(self.means, other.means) - np.minimum(self.means, other.means)
        differences = red.astype(np.int16) + green + blue
        if self.side == 0.5:
            left, right = differences[:, ::2], differences[:, 1::2]
            differences = (left[::2] + left[1::2] + right[::2] + right[1::2]) // 4
        return bool(differences.max() > 3 * (MAX_TILE_DIFFERENCE + ROUNDING))


@dataclass(frozen=True)
class Oversize:
    """Images that are far larger than captchas, such as screenshots.

    Args:
        size: The width and height in pixels of an image of middle size.
        box: The only part in which images of this size differ, if it is small: left, top, right and bottom in pixels;
            the right and lower edges are exclusive.
    """

    size: tuple[int, int]
    box: tuple[int, int, int, int] | None

    @property
    def text(self) -> str:
        """What was found."""
        width, height = self.size
        if not self.box:
            return f"images of {width}×{height} pixels are far larger than captchas"
        left, top, right, bottom = self.box
        return (
            f"images of {width}×{height} pixels differ only in a part of {right - left}×{bottom - top} pixels, from "
            f"({left}, {top}) to ({right}, {bottom}): they seem to be screenshots with a captcha at one place"
        )

    @property
    def todo(self) -> str:
        """What to do about it, without a full stop."""
        return (
            f"{'crop' if self.box else 'if the captcha fills only a part of them, crop'} them to the captcha "
            "(docs/data.md, Screenshots): all of an image is shrunk to the network's input, which leaves little of it"
        )


def find_oversize(paths: Sequence[Path]) -> Oversize | None:
    """Looks at a sample of images; returns None unless most of them are larger than captchas."""
    sample = paths[:: max(1, -(-len(paths) // SAMPLE))]
    sizes = {path: size for path in sample if (size := _size_of(path))}
    if not sizes:
        return None
    middle = sorted(sizes.values(), key=math.prod)[len(sizes) // 2]
    if math.prod(middle) <= CAPTCHA_PIXELS:
        return None
    return Oversize(middle, _changing_part([path for path, size in sizes.items() if size == middle], middle))


def _changing_part(paths: Sequence[Path], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Returns the part in which images of one size differ; None if it is not small."""
    alike = [tiles for tiles in map(TileMeans.of_file, paths) if tiles and tiles.size == size]
    if len(alike) < LEAST_SAMPLE:
        return None
    means = np.stack([tiles.means for tiles in alike]).astype(np.int16)
    changed = (means.max(axis=0) - means.min(axis=0)).mean(axis=0) > CHANGED
    if not changed.any():
        return None
    sides = [alike[0].side * length / tiles for length, tiles in zip(size, _tiles(size), strict=True)]
    left, right = _extent(changed.any(axis=0), sides[0], size[0])
    top, bottom = _extent(changed.any(axis=1), sides[1], size[1])
    is_small = (right - left) * (bottom - top) <= SMALL_PART * math.prod(size)
    return (left, top, right, bottom) if is_small else None


def _size_of(path: Path) -> tuple[int, int] | None:
    try:
        return image_size(path)
    except ImageError:
        return None


def _extent(flags: np.ndarray, side: float, length: int) -> tuple[int, int]:
    """Returns where the squares that are True begin and end, in pixels of a length in all."""
    places = np.flatnonzero(flags)
    return math.floor(places[0] * side), min(length, math.ceil((places[-1] + 1) * side))
