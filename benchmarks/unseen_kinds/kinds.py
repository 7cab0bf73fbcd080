"""One generator for each kind of captcha that pretrained weights once failed on, and the sets that are made of them."""

import math
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.unseen_kinds.canvas import Canvas, glyph, waves

PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
BENGALI = "০১২৩৪৫৬৭৮৯কখগঘচছজঝটঠডঢতথদধনপফবভমযরলহ"
CAPITALS_AND_DIGITS = string.ascii_uppercase + string.digits
DISTINCT = "abcdefghijkmnpqrstuvwxyz23456789"  # none looks like another one
TELLABLE_TURNED = "23457ABCEFGHJKPQRTUY"  # none looks like another one in any direction
Fonts = list[Path]
Drawer = Callable[[str, Fonts, np.random.Generator], Image.Image]


@dataclass(frozen=True)
class MeasuringSet:
    """A set of labelled images.

    Args:
        draw: Draws a text.
        characters: That the texts are made of.
        lengths: The smallest and the largest number of characters.
        family: A name in FAMILIES of fonts.py.
        label: Turns the text that is drawn into its label.
    """

    draw: Drawer
    characters: str
    lengths: tuple[int, int]
    family: str
    label: Callable[[str], str] = str


def persian_under_lines(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Small digits, and lines of the same ink and width across them."""
    canvas = Canvas.plain(150, 50, rng.uniform(215, 255, 3), rng)
    ink = rng.uniform(0, 110, 3)
    x = rng.uniform(8, 22)
    for character in text:
        shape = glyph(character, fonts[rng.integers(len(fonts))], int(rng.integers(24, 31)), rng.uniform(-18, 18))
        canvas.paint(shape, x, rng.uniform(10, 38 - shape.shape[0] / 2), ink)
        x += shape.shape[1] + rng.uniform(5, 9)
    for _ in range(rng.integers(3, 6)):
        canvas.stroke([(-2, rng.uniform(0, 50)), (75, rng.uniform(5, 45)), (152, rng.uniform(0, 50))], ink, 2.0)
    return canvas.to_image()


def bengali_in_six_styles(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Letters and digits in one of six styles: dots, outlines, light on dark, a slant with a grid, waves, stripes."""
    style = rng.integers(6)
    dark = style == 2
    canvas = Canvas.plain(160, 60, rng.uniform(0, 60, 3) if dark else rng.uniform(200, 255, 3), rng)
    if style == 5:
        for x in range(0, 160, 20):
            canvas.pixels[:, x : x + 20] = rng.uniform(170, 255, 3)
    x, step = rng.uniform(6, 16), 140 / len(text)
    for character in text:
        ink = rng.uniform(180, 255, 3) if dark else rng.uniform(0, 130, 3)
        size, font = int(rng.integers(30, 40)), fonts[rng.integers(len(fonts))]
        shape = glyph(character, font, size, rng.uniform(-15, 15), 0.35 * (style == 3), 2.0 * (style == 1))
        canvas.paint(shape, x, 30 - shape.shape[0] / 2 + rng.uniform(-7, 7), ink)
        x += min(step, shape.shape[1] + rng.uniform(2, 8))
    if style == 0:
        for _ in range(120):
            canvas.paint(np.ones((2, 2), np.float32), rng.uniform(0, 160), rng.uniform(0, 60), rng.uniform(0, 160, 3))
    if style == 3:
        canvas.pixels[:: rng.integers(7, 12)] *= 0.6
        canvas.pixels[:, :: rng.integers(7, 12)] *= 0.6
    if style == 4:
        canvas.move(*waves(canvas, 2.5, 9))
    return canvas.to_image()


def faint_words_on_noise(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Warped letters, faint and blurred, on paper with noise."""
    grey = rng.uniform(120, 200)
    canvas = Canvas.plain(220, 70, (grey, grey, grey), rng)
    canvas.add_noise(10, 1.2)
    font, x, step = fonts[rng.integers(len(fonts))], 10.0, 200 / len(text)
    for character in text:
        shape = glyph(character, font, int(rng.integers(30, 37)), rng.uniform(-12, 12))
        canvas.paint(shape, x, 36 - shape.shape[0] / 2 + rng.uniform(-8, 8), (grey - rng.uniform(45, 70),) * 3)
        x += min(step, shape.shape[1] + 3)
    canvas.move(*waves(canvas, 3.0, 12))
    canvas.blur(rng.uniform(0.8, 1.4))
    canvas.add_noise(7)
    return canvas.to_image()


def turned_on_own_papers(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Every character on a paper of its own colour, turned by up to 180 degrees and struck through."""
    side = 48
    canvas = Canvas.plain(side * len(text), side, 0, rng)
    for number, character in enumerate(text):
        left, paper = number * side, rng.uniform(0, 255, 3)
        canvas.pixels[:, left : left + side] = paper
        ink = (paper + 128 + rng.uniform(-30, 30, 3)) % 256
        if abs(ink.mean() - paper.mean()) < 60:
            ink = np.full(3, 255.0 if paper.mean() < 128 else 0.0)
        shape = glyph(character, fonts[rng.integers(len(fonts))], int(rng.integers(30, 38)), rng.uniform(-180, 180))
        x, y = ((side - length) / 2 + rng.uniform(-3, 3) for length in shape.shape[::-1])
        canvas.paint(shape, left + x, y, ink)
        angle, middle = rng.uniform(0, math.pi), (left + side / 2, side / 2)
        reach = 16 * np.array([math.cos(angle), math.sin(angle)])
        canvas.stroke([tuple(middle - reach), tuple(middle + reach)], rng.uniform(0, 255, 3), 2.0)
    return canvas.to_image()


def large_outlines(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Large outlined letters, each of which begins within the one before."""
    canvas = Canvas.plain(180, 64, rng.uniform(210, 255, 3), rng)
    ink, font = rng.uniform(0, 120, 3), fonts[rng.integers(len(fonts))]
    shapes = [glyph(one, font, int(rng.integers(54, 64)), rng.uniform(-20, 20), ring=2.2) for one in text]
    total = sum(shape.shape[1] for shape in shapes)
    squeeze = min(0.75, 172 / total)
    x = (180 - total * squeeze) / 2
    for shape in shapes:
        canvas.paint(shape, x, 32 - shape.shape[0] / 2 + rng.uniform(-6, 6), ink)
        x += shape.shape[1] * squeeze
    return canvas.to_image()


def bent_with_lines(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """A strongly bent text between lines behind it and in front of it, as a PHP framework draws it by default."""
    canvas = Canvas.plain(160, 50, rng.uniform(200, 255, 3), rng)
    ink, font = rng.uniform(0, 150, 3), fonts[rng.integers(len(fonts))]

    def lines(count: int) -> None:
        for _ in range(count):
            ends = rng.uniform((0, 0), (160, 50), (2, 2))
            canvas.stroke([tuple(end) for end in ends], rng.uniform(60, 255, 3), rng.integers(1, 3))

    lines(rng.integers(2, 6))
    x = rng.uniform(8, 20)
    for character in text:
        shape = glyph(character, font, int(rng.integers(28, 34)), rng.uniform(-8, 8))
        canvas.paint(shape, x, 25 - shape.shape[0] / 2 + rng.uniform(-5, 5), ink)
        x += shape.shape[1] + rng.uniform(0, 3)
    lines(rng.integers(1, 4))
    down, across = waves(canvas, 3.0, 13)
    columns = np.arange(160, dtype=np.float32)[None, :]
    canvas.move(down + 4 * np.sin(columns / rng.uniform(9, 20) + rng.uniform(0, 6)).astype(np.float32), across)
    return canvas.to_image()


def staggered_italics(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Slanted serif letters at different heights, on paper with pale letters."""
    canvas = Canvas.plain(140, 48, (245, 245, 245), rng)
    for _ in range(14):
        stray = glyph(CAPITALS_AND_DIGITS[rng.integers(36)], fonts[rng.integers(len(fonts))], 14)
        canvas.paint(stray, rng.uniform(0, 135), rng.uniform(0, 40), rng.uniform(190, 235, 3))
    x = rng.uniform(5, 12)
    for character in text:
        shape = glyph(
            character, fonts[rng.integers(len(fonts))], int(rng.integers(22, 27)), lean=rng.uniform(0.2, 0.45)
        )
        canvas.paint(shape, x, rng.uniform(2, 46 - shape.shape[0]), rng.uniform(0, 130, 3))
        x += shape.shape[1] + rng.uniform(-4, 2)
    return canvas.to_image()


def tilted_with_dots(text: str, fonts: Fonts, rng: np.random.Generator) -> Image.Image:
    """Tilted letters in several colours, with dots and a curve."""
    width = 30 + 25 * len(text)
    canvas = Canvas.plain(width, 45, rng.uniform(220, 255, 3), rng)
    x = rng.uniform(4, 12)
    for character in text:
        shape = glyph(character, fonts[rng.integers(len(fonts))], int(rng.integers(26, 34)), rng.uniform(-25, 25))
        canvas.paint(shape, x, 22 - shape.shape[0] / 2 + rng.uniform(-6, 6), rng.uniform(0, 150, 3))
        x += shape.shape[1] + rng.uniform(-3, 3)
    for _ in range(70):
        canvas.paint(np.ones((2, 2), np.float32), rng.uniform(0, width), rng.uniform(0, 45), rng.uniform(0, 200, 3))
    swing, middle = rng.uniform(5, 14), rng.uniform(15, 30)
    curve = [(x, middle + swing * math.sin(x / 22)) for x in range(0, width + 1, 5)]
    canvas.stroke(curve, rng.uniform(0, 150, 3), 1.5)
    return canvas.to_image()


UNSEEN = {
    "persian_digits": MeasuringSet(persian_under_lines, PERSIAN_DIGITS, (6, 6), "Persian"),
    "bengali": MeasuringSet(bengali_in_six_styles, BENGALI, (3, 5), "Bengali"),
    "faint_words": MeasuringSet(faint_words_on_noise, string.ascii_lowercase, (8, 10), "sans"),
    "turned_tiles": MeasuringSet(turned_on_own_papers, TELLABLE_TURNED, (4, 4), "sans"),
    "outlines": MeasuringSet(large_outlines, CAPITALS_AND_DIGITS, (4, 5), "sans"),
    "bends": MeasuringSet(bent_with_lines, string.ascii_lowercase + string.digits, (5, 5), "sans"),
    "staggered": MeasuringSet(staggered_italics, CAPITALS_AND_DIGITS, (6, 6), "serif"),
    "case_as_drawn": MeasuringSet(tilted_with_dots, CAPITALS_AND_DIGITS, (4, 4), "sans"),
    "case_folded": MeasuringSet(tilted_with_dots, CAPITALS_AND_DIGITS, (4, 4), "sans", str.lower),
}
# what `cheak_file.py` suggests a mode by: the same kind of image with more and more characters
LENGTHS = {
    f"length_{length}": MeasuringSet(tilted_with_dots, DISTINCT, (length, length), "sans")
    for length in (4, 6, 8, 10, 12)
}
SETS = UNSEEN | LENGTHS
