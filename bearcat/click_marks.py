"""What makes click captchas harder for machines and stays harmless for people: thin lines, and marks like strokes."""

import math
import random

import numpy as np
from PIL import Image, ImageDraw

from bearcat.click_layout import Box, find_place
from bearcat.colours import choose_colour, coloured

FINENESS = 2  # marks are drawn so many times larger and shrunk, which smooths their edges
LINE_OF_HEIGHT = 0.008  # a line's width
STROKE_OF_SIZE = 0.09  # a stroke's width, about that of a character
CURVE_POINTS = 16

Point = tuple[float, float]


def draw_line(picture: Image.Image, source: random.Random) -> None:
    """Draw a thin line or arc from one side of the picture to another, a little transparent."""
    width, height = picture.size
    ends = [(0, source.uniform(0, height)), (width, source.uniform(0, height))]
    if source.random() < 0.25:
        ends = [(source.uniform(0, width), 0), (source.uniform(0, width), height)]
    bend = (source.uniform(0, width), source.uniform(0, height))
    thickness = max(1.0, height * LINE_OF_HEIGHT) * source.uniform(0.7, 1.2)
    mask = _curve_mask(picture.size, [_curve(ends[0], bend, ends[1])], thickness, source.randint(130, 230))
    picture.paste(coloured(source, source.uniform(0.02, 0.8)), mask=mask)


def draw_stroke(picture: Image.Image, taken: list[Box], sizes: tuple[int, int], source: random.Random) -> None:
    """Draw a mark that looks like a part of a character where none is; nothing where there is no room."""
    size = source.uniform(*sizes)
    curves = _stroke(size, source)
    thickness = size * STROKE_OF_SIZE * source.uniform(0.7, 1.2)
    points = [point for curve in curves for point in curve]
    across, down = ((min(values) - thickness, max(values) + thickness) for values in zip(*points, strict=True))
    extent = math.ceil(across[1] - across[0]), math.ceil(down[1] - down[0])
    corner = find_place(extent, *picture.size, taken, source)
    if corner is None:
        return
    moved = [[(x - across[0], y - down[0]) for x, y in curve] for curve in curves]
    mask = _curve_mask(extent, moved, thickness)
    box = (*corner, corner[0] + extent[0], corner[1] + extent[1])
    colour, _ = choose_colour(np.asarray(picture.crop(box)), source)
    picture.paste(colour, corner, mask)


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
