"""Draw click captchas: characters at random places on a restless background, the box of each, and what to click."""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bearcat.core.fonts import fonts_with
from bearcat.data.box_labels import BoxLabels
from bearcat.generation.click_background import background
from bearcat.generation.click_layout import Box, PlacedGlyph, find_place, lay_out, make_glyph
from bearcat.generation.colours import choose_colour, coloured
from bearcat.generation.config import ClickConfig

OUTLINED = 0.3  # the share of characters with an outline or a shadow though their colour needs none
UNDERNEATH = 0.6  # the share of lines under the characters
_DARK, _LIGHT = (20, 20, 20), (245, 245, 245)


@dataclass(frozen=True)
class ClickDrawing:
    """An image, what it shows, and what is to be clicked, in order."""

    image: Image.Image
    labels: BoxLabels
    prompt: list[str]


class ClickDrawer:
    """Draws the click captchas of one configuration; paths in it start at the work."""

    def __init__(self, config: ClickConfig, work: Path):
        self.config = config
        self.fonts = fonts_with(config.characters, [work / font for font in config.fonts] or None)
        self.backgrounds = work / config.backgrounds if config.backgrounds else None

    def draw(self, text: str, seed: str) -> ClickDrawing:
        """Draw an image with the characters of `text`; the same again for the same seed."""
        config, source = self.config, random.Random(f"{seed}/image")
        placed = self._place(text, source)
        image = background(config.width, config.height, self.backgrounds, source)
        under = [source.random() < UNDERNEATH for _ in range(config.lines)]
        for _ in range(sum(under)):
            draw_line(image, source)
        boxes = [glyph.box for glyph in placed]
        for _ in range(config.dummy_strokes):
            draw_stroke(image, boxes, config.size_range, source)
        for glyph in placed:
            draw_glyph(image, glyph, source)
        for _ in range(config.lines - sum(under)):
            draw_line(image, source)
        names = tuple(glyph.glyph.character for glyph in placed)
        count = source.choice(config.prompt_count) if config.prompt_count else len(names)
        prompt = source.sample(names, count)
        labels = BoxLabels(config.width, config.height, names, np.array(boxes, np.float32))
        return ClickDrawing(image, labels, prompt)

    def _place(self, text: str, source: random.Random) -> list[PlacedGlyph]:
        config, turn = self.config, self.config.rotation
        glyphs = [
            make_glyph(
                character, source.choice(self.fonts), source.randint(*config.size_range), source.uniform(-turn, turn)
            )
            for character in text
        ]
        return lay_out(glyphs, config.width, config.height, config.size_range[0], turn, source)


def draw_glyph(image: Image.Image, placed: PlacedGlyph, source: random.Random) -> None:
    """Draw a character in a colour that stands out from what lies under it."""
    mask, corner = placed.glyph.mask, (placed.left, placed.top)
    colour, outline = choose_colour(np.asarray(image.crop(placed.box)), source)
    decorated = source.random() < OUTLINED
    if outline is None and decorated:
        outline = _LIGHT if sum(colour) < 300 else _DARK
        if source.random() < 0.5:
            image.paste(outline, (corner[0] + 1, corner[1] + 1), mask)
            outline = None
    if outline:
        wide = Image.new("L", (mask.width + 2, mask.height + 2))
        wide.paste(mask, (1, 1))
        image.paste(outline, (corner[0] - 1, corner[1] - 1), wide.filter(ImageFilter.MaxFilter(3)))
    image.paste(colour, corner, mask)


# ---- merged from click_marks: What makes click captchas harder for machines and stays harmless for people: thin lines, and marks like strokes.


FINENESS = 2  # marks are drawn so many times larger and shrunk, which smooths their edges
LINE_OF_HEIGHT = 0.008  # a line's width
STROKE_OF_SIZE = 0.09  # a stroke's width, about that of a character
CURVE_POINTS = 16

Point = tuple[float, float]


def draw_line(image: Image.Image, source: random.Random) -> None:
    """Draw a thin line or arc from one side of the image to another, a little transparent."""
    width, height = image.size
    ends = [(0, source.uniform(0, height)), (width, source.uniform(0, height))]
    if source.random() < 0.25:
        ends = [(source.uniform(0, width), 0), (source.uniform(0, width), height)]
    bend = (source.uniform(0, width), source.uniform(0, height))
    thickness = max(1.0, height * LINE_OF_HEIGHT) * source.uniform(0.7, 1.2)
    mask = _curve_mask(image.size, [_curve(ends[0], bend, ends[1])], thickness, source.randint(130, 230))
    image.paste(coloured(source, source.uniform(0.02, 0.8)), mask=mask)


def draw_stroke(image: Image.Image, taken: list[Box], sizes: tuple[int, int], source: random.Random) -> None:
    """Draw a mark that looks like a part of a character where none is; nothing where there is no room."""
    size = source.uniform(*sizes)
    curves = _stroke(size, source)
    thickness = size * STROKE_OF_SIZE * source.uniform(0.7, 1.2)
    points = [point for curve in curves for point in curve]
    across, down = ((min(values) - thickness, max(values) + thickness) for values in zip(*points, strict=True))
    extent = math.ceil(across[1] - across[0]), math.ceil(down[1] - down[0])
    corner = find_place(extent, *image.size, taken, source)
    if corner is None:
        return
    moved = [[(x - across[0], y - down[0]) for x, y in curve] for curve in curves]
    mask = _curve_mask(extent, moved, thickness)
    box = (*corner, corner[0] + extent[0], corner[1] + extent[1])
    colour, _ = choose_colour(np.asarray(image.crop(box)), source)
    image.paste(colour, corner, mask)


def _stroke(size: float, source: random.Random) -> list[list[Point]]:
    """Return one to three curves within a part of a character's size: dots, sweeps, hooks and crosses."""
    start = (0.0, 0.0)
    curves = []
    for _ in range(source.choice((1, 1, 2))):
        angle, length = source.uniform(0, 2 * math.pi), size * source.uniform(0.25, 0.65)
        end = (start[0] + length * math.cos(angle), start[1] + length * math.sin(angle))
        bend = tuple((a + b) / 2 + source.uniform(-0.15, 0.15) * size for a, b in zip(start, end, strict=True))
        curves.append(_curve(start, bend, end))
        start = source.choice((end, bend))  # the next one goes on at the end, or leaves in the middle
    return curves


def _curve(start: Point, bend: Point, end: Point) -> list[Point]:
    """Return the points of a quadratic Bézier curve."""
    points = []
    for number in range(CURVE_POINTS):
        way = number / (CURVE_POINTS - 1)
        weights = (1 - way) ** 2, 2 * way * (1 - way), way**2
        across, down = (
            sum(weight * at for weight, at in zip(weights, ats, strict=True))
            for ats in zip(start, bend, end, strict=True)
        )
        points.append((across, down))
    return points


def _curve_mask(size: tuple[int, int], curves: list[list[Point]], thickness: float, opacity: int = 255) -> Image.Image:
    """Return the opacity of curves with smooth edges."""
    mask = Image.new("L", (size[0] * FINENESS, size[1] * FINENESS))
    draw = ImageDraw.Draw(mask)
    for curve in curves:
        points = [(x * FINENESS, y * FINENESS) for x, y in curve]
        draw.line(points, fill=opacity, width=max(1, round(thickness * FINENESS)))
    return mask.reduce(FINENESS)
