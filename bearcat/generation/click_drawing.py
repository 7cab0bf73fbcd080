"""Draws click captchas: rotated characters among lines and strokes, with the box of each and a prompt.

Lines and strokes make them harder for machines and stay harmless for people.
"""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bearcat.core.fonts import fonts_with
from bearcat.data.labels.boxes import BoxLabels
from bearcat.generation.click_background import background
from bearcat.generation.click_layout import Box, PlacedGlyph, find_position, make_glyph, place_glyphs
from bearcat.generation.colours import contrasting_colour, random_colour
from bearcat.generation.config import ClickConfig
from bearcat.generation.rules import font_files

DECORATED = 0.3  # fraction of characters with an outline or a shadow though their contrast suffices
LINES_BELOW = 0.6  # fraction of lines that lie below the characters
OVERSAMPLING = 2  # lines and strokes are drawn larger and reduced, for smooth edges
LINE_WIDTH = 0.008  # as a fraction of the image's height
STROKE_WIDTH = 0.09  # as a fraction of the character size
CURVE_POINTS = 16
_DARK, _LIGHT = (20, 20, 20), (245, 245, 245)

Point = tuple[float, float]
Curve = list[Point]


@dataclass(frozen=True)
class ClickDrawing:
    """A click captcha: its image, its boxes, and the characters to click, in order."""

    image: Image.Image
    labels: BoxLabels
    prompt: list[str]


class ClickDrawer:
    """Draws the click captchas of a configuration.

    Args:
        config: The configuration.
        work: Folder that its paths are relative to.
    """

    def __init__(self, config: ClickConfig, work: Path):
        self.config = config
        self.fonts = fonts_with(config.characters, font_files(config.fonts, work))
        self.backgrounds = work / config.backgrounds if config.backgrounds else None

    def draw(self, text: str, seed: str) -> ClickDrawing:
        """Draws the characters of a text; the same seed draws the same image."""
        config, rng = self.config, random.Random(f"{seed}/image")
        placed = self._place(text, rng)
        image = background(config.width, config.height, self.backgrounds, rng)
        below = sum(rng.random() < LINES_BELOW for _ in range(config.lines))
        for _ in range(below):
            draw_line(image, rng)
        boxes = [glyph.box for glyph in placed]
        for _ in range(config.dummy_strokes):
            draw_stroke(image, boxes, config.size_range, rng)
        for glyph in placed:
            draw_glyph(image, glyph, rng)
        for _ in range(config.lines - below):
            draw_line(image, rng)
        names = tuple(glyph.glyph.character for glyph in placed)
        count = rng.choice(config.prompt_count) if config.prompt_count else len(names)
        prompt = rng.sample(names, count)
        labels = BoxLabels(config.width, config.height, names, np.array(boxes, np.float32))
        return ClickDrawing(image, labels, prompt)

    def _place(self, text: str, rng: random.Random) -> list[PlacedGlyph]:
        config, rotation = self.config, self.config.rotation
        glyphs = [
            make_glyph(
                character, rng.choice(self.fonts), rng.randint(*config.size_range), rng.uniform(-rotation, rotation)
            )
            for character in text
        ]
        return place_glyphs(glyphs, config.width, config.height, config.size_range[0], rotation, rng)


def draw_glyph(image: Image.Image, placed: PlacedGlyph, rng: random.Random) -> None:
    """Draws a character in a colour that contrasts with its background, some with an outline or a shadow."""
    mask, corner = placed.glyph.mask, (placed.left, placed.top)
    colour, outline = contrasting_colour(np.asarray(image.crop(placed.box)), rng)
    decorated = rng.random() < DECORATED
    if outline is None and decorated:
        outline = _LIGHT if sum(colour) < 300 else _DARK
        if rng.random() < 0.5:
            shadow, outline = outline, None
            image.paste(shadow, (corner[0] + 1, corner[1] + 1), mask)
    if outline:
        wide = Image.new("L", (mask.width + 2, mask.height + 2))
        wide.paste(mask, (1, 1))
        image.paste(outline, (corner[0] - 1, corner[1] - 1), wide.filter(ImageFilter.MaxFilter(3)))
    image.paste(colour, corner, mask)


def draw_line(image: Image.Image, rng: random.Random) -> None:
    """Draws a thin, slightly transparent line or arc from one side of the image to the opposite one."""
    width, height = image.size
    start, end = (0.0, rng.uniform(0, height)), (float(width), rng.uniform(0, height))
    if rng.random() < 0.25:
        start, end = (rng.uniform(0, width), 0.0), (rng.uniform(0, width), float(height))
    control = (rng.uniform(0, width), rng.uniform(0, height))
    thickness = max(1.0, height * LINE_WIDTH) * rng.uniform(0.7, 1.2)
    mask = _curve_mask(image.size, [_bezier(start, control, end)], thickness, rng.randint(130, 230))
    image.paste(random_colour(rng.uniform(0.02, 0.8), rng), mask=mask)


def draw_stroke(image: Image.Image, taken: list[Box], sizes: tuple[int, int], rng: random.Random) -> None:
    """Draws strokes that look like a part of a character, unless there is no room for them.

    Args:
        image: Drawn on in place.
        taken: Boxes of the characters, which the strokes do not touch.
        sizes: Smallest and largest size of a character, in pixels.
        rng: Source of the randomness.
    """
    size = rng.uniform(*sizes)
    curves = _stroke_curves(size, rng)
    thickness = size * STROKE_WIDTH * rng.uniform(0.7, 1.2)
    xs, ys = zip(*(point for curve in curves for point in curve), strict=True)
    left, top = min(xs) - thickness, min(ys) - thickness
    extent = math.ceil(max(xs) + thickness - left), math.ceil(max(ys) + thickness - top)
    corner = find_position(extent, *image.size, taken, rng)
    if corner is None:
        return
    mask = _curve_mask(extent, [[(x - left, y - top) for x, y in curve] for curve in curves], thickness)
    box = (*corner, corner[0] + extent[0], corner[1] + extent[1])
    colour, _ = contrasting_colour(np.asarray(image.crop(box)), rng)
    image.paste(colour, corner, mask)


def _stroke_curves(size: float, rng: random.Random) -> list[Curve]:
    """Returns one or two joined curves, smaller than a character: sweeps, hooks and crosses."""
    start = (0.0, 0.0)
    curves = []
    for _ in range(rng.choice((1, 1, 2))):
        angle, length = rng.uniform(0, 2 * math.pi), size * rng.uniform(0.25, 0.65)
        end = (start[0] + length * math.cos(angle), start[1] + length * math.sin(angle))
        control = (
            (start[0] + end[0]) / 2 + rng.uniform(-0.15, 0.15) * size,
            (start[1] + end[1]) / 2 + rng.uniform(-0.15, 0.15) * size,
        )
        curves.append(_bezier(start, control, end))
        start = rng.choice((end, control))  # the next curve starts at the end or near the middle
    return curves


def _bezier(start: Point, control: Point, end: Point) -> Curve:
    """Returns points of a quadratic Bézier curve."""
    points = []
    for number in range(CURVE_POINTS):
        t = number / (CURVE_POINTS - 1)
        weights = (1 - t) ** 2, 2 * t * (1 - t), t**2
        x, y = (
            sum(weight * value for weight, value in zip(weights, values, strict=True))
            for values in zip(start, control, end, strict=True)
        )
        points.append((x, y))
    return points


def _curve_mask(size: tuple[int, int], curves: list[Curve], thickness: float, opacity: int = 255) -> Image.Image:
    """Returns the opacity of curves with smooth edges, as an image of a size (width, height)."""
    mask = Image.new("L", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING))
    draw = ImageDraw.Draw(mask)
    for curve in curves:
        points = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in curve]
        draw.line(points, fill=opacity, width=max(1, round(thickness * OVERSAMPLING)))
    return mask.reduce(OVERSAMPLING)
