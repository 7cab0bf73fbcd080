"""Drawing with arrays: characters as coverage, pasted onto a canvas of colours, and bent by coordinate maps.

It shares no code with pretraining/, whose weights are measured with it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

WHITE = 255.0


@dataclass
class Canvas:
    """An image float32 (H, W, 3) in 0 … 255, and the source of randomness of the set."""

    pixels: np.ndarray
    rng: np.random.Generator

    @classmethod
    def plain(cls, width: int, height: int, colour, rng: np.random.Generator) -> "Canvas":
        """A canvas of one colour."""
        return cls(np.broadcast_to(np.asarray(colour, np.float32), (height, width, 3)).copy(), rng)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def paint(self, coverage: np.ndarray, left: float, top: float, colour) -> None:
        """Paints a colour where a mask, 0 … 1, covers the canvas; what lies outside is cut off."""
        x, y = round(left), round(top)
        height, width = coverage.shape
        rows, columns = (
            slice(max(0, start), min(start + length, limit))
            for start, length, limit in ((y, height, self.pixels.shape[0]), (x, width, self.pixels.shape[1]))
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = coverage[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x, None]
        self.pixels[rows, columns] = (1 - part) * self.pixels[rows, columns] + part * np.asarray(colour, np.float32)

    def stroke(self, points: list[tuple[float, float]], colour, width: float) -> None:
        """Draws a line through points, antialiased."""
        scale = 4
        mask = Image.new("L", (self.size[0] * scale, self.size[1] * scale))
        ImageDraw.Draw(mask).line([(scale * x, scale * y) for x, y in points], 255, round(scale * width), "curve")
        self.paint(np.asarray(mask.resize(self.size, Image.Resampling.BOX), np.float32) / 255, 0, 0, colour)

    def add_noise(self, spread: float, grain: float = 0.0) -> None:
        """Adds grey noise with a standard deviation, smoothed over `grain` pixels."""
        noise = self.rng.standard_normal(self.pixels.shape[:2])
        if grain:
            noise = ndimage.gaussian_filter(noise, grain)
            noise /= noise.std()
        self.pixels = self.pixels + spread * noise[..., None].astype(np.float32)

    def move(self, down: np.ndarray, across: np.ndarray) -> None:
        """Takes each pixel from a place that is shifted by arrays (H, W)."""
        rows, columns = np.mgrid[: self.pixels.shape[0], : self.pixels.shape[1]].astype(np.float32)
        channels = [
            ndimage.map_coordinates(self.pixels[..., channel], (rows + down, columns + across), order=1, mode="nearest")
            for channel in range(3)
        ]
        self.pixels = np.stack(channels, axis=-1)

    def blur(self, radius: float) -> None:
        """Blurs by a Gaussian."""
        self.pixels = ndimage.gaussian_filter(self.pixels, (radius, radius, 0))

    def to_image(self) -> Image.Image:
        """The canvas as an RGB image."""
        return Image.fromarray(self.pixels.clip(0, 255).astype(np.uint8))


def glyph(character: str, font: Path, size: int, angle: float = 0.0, lean: float = 0.0, ring: float = 0.0):
    """Coverage (h, w) of a character, cut out.

    Args:
        character: What to draw.
        font: A font file.
        size: In pixels.
        angle: Degrees by which it is turned.
        lean: Pixels per pixel of height by which it leans to the right.
        ring: Width in pixels of an outline that is drawn in its place; 0 fills it.
    """
    face = ImageFont.truetype(str(font), size, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = face.getbbox(character)
    pad = size
    mask = Image.new("L", (round(right - left) + 2 * pad, round(bottom - top) + 2 * pad))
    ImageDraw.Draw(mask).text((pad - left, pad - top), character, 255, face)
    coverage = np.asarray(mask, np.float32) / 255
    if ring:
        inside = ndimage.distance_transform_edt(coverage > 0.5) - ndimage.distance_transform_edt(coverage <= 0.5)
        coverage = (ring / 2 + 0.5 - np.abs(inside)).clip(0, 1)
    if lean:
        middle = coverage.shape[0] / 2
        coverage = ndimage.affine_transform(coverage, [[1, 0], [lean, 1]], [0, -lean * middle], order=1)
    if angle:
        coverage = ndimage.rotate(coverage, angle, reshape=False, order=1)
    rows, columns = (np.flatnonzero(coverage.max(axis=axis) > 0.1) for axis in (1, 0))
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def waves(canvas: Canvas, strength: float, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Shifts for `Canvas.move`: smooth random fields.

    Args:
        canvas: What they are for.
        strength: Standard deviation in pixels.
        length: Over which they change, in pixels.
    """
    shifts = []
    for _ in range(2):
        field = ndimage.gaussian_filter(canvas.rng.standard_normal(canvas.pixels.shape[:2]), length, mode="wrap")
        shifts.append((strength * field / field.std()).astype(np.float32))
    return shifts[0], shifts[1]
