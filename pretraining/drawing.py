"""A generator of highly varied captchas, for the pretrained weights.

Each image has its own random style: fonts, sizes, rotation, overlap, distortion, colours, background, lines, dots and
compression. It imitates no existing generator; every parameter varies more than in any of them.

The order of the random calls decides the images, so that changing it changes the training data.
"""

import colorsys
import io
import math
import random

import numpy as np
from PIL import Image, ImageFilter

from bearcat.core.fonts import open_font
from bearcat.generation.colours import Colour
from bearcat.generation.text import bends, dots, glyphs, lines, papers

HEIGHTS = (24, 90)  # pixels of an image
BEND_CELLS = (6, 3)  # columns and rows of the distortion grid


class Style:
    """Parameters shared by all characters of an image."""

    def __init__(self, fonts: list, rng: random.Random):
        self.rng = rng
        self.height = round(math.exp(rng.uniform(*map(math.log, HEIGHTS))))
        self.fonts = rng.sample(fonts, rng.choice((1, 1, 1, 2, 4)))
        self.size = self.height * rng.uniform(0.5, 0.95)
        self.size_spread = rng.choice((0.0, 0.1, 0.25))
        self.tilt = rng.choice((0, 0, 8, 20, 35, 50))  # degrees
        self.shear = rng.choice((0.0, 0.0, 0.2, 0.4))
        self.warp = rng.choice((0.0, 0.0, 0.1, 0.2))
        self.hop = rng.choice((0.0, 0.05, 0.15)) * self.height
        self.gap = rng.choice((-0.25, -0.12, 0.0, 0.0, 0.1, 0.3)) * self.size
        self.dark_paper = rng.random() < 0.2
        self.one_ink = rng.random() < 0.6
        self.ink = self.choose_ink()
        self.outlined = rng.random() < 0.08
        # what other kinds of images change, see pretraining/kinds.py
        self.outline = 2  # pixels
        self.opaque = False  # whether a character hides what is behind it
        self.visible = 0.6  # of a character's width, however much they overlap
        self.bold = rng.choice((0, 0, 0, 0, 1))
        self.faint = rng.random() < 0.2

    def choose_ink(self) -> Colour:
        """Chooses a colour with some contrast to the background."""
        light = self.rng.uniform(0.0, 0.6)
        if self.dark_paper:
            light = 1 - light
        return random_colour(self.rng, light)

    def choose_paper(self) -> Colour:
        """Chooses a background colour."""
        light = 1 - self.rng.choice((0.0, self.rng.uniform(0, 0.15), self.rng.uniform(0, 0.3)))
        return random_colour(self.rng, 1 - light if self.dark_paper else light)

    def ink_of_character(self) -> Colour:
        """The colour of the next character."""
        return self.ink if self.one_ink else self.choose_ink()


def draw(text: str, fonts: list, rng: random.Random) -> Image.Image:
    """Draws a text as an RGB image; `fonts` are files that have all its characters."""
    style = Style(fonts, rng)
    masks = [draw_glyph(character, style) for character in text]
    starts, width = place(masks, style)
    image = draw_paper((width, style.height), style)
    for _ in range(rng.choice((0, 0, 1, 3, 6))):
        draw_line(image, style)
    for mask, left in zip(masks, starts, strict=True):
        top = (style.height - mask.height) / 2 + rng.uniform(-style.hop, style.hop)
        image.paste(style.ink_of_character(), (round(left), round(top)), mask)
    return coarsen(add_clutter(image, style, chance=0.5), rng)


def add_clutter(image: Image.Image, style: Style, chance: float) -> Image.Image:
    """Bends an image and draws lines and dots over it, each by chance, dots with the chance given."""
    rng = style.rng
    if rng.random() < 0.45:
        image = bend(image, style)
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        draw_line(image, style)
    if rng.random() < chance:
        draw_dots(image, style)
    return image


def random_colour(rng: random.Random, lightness: float) -> Colour:
    """A colour of any hue and saturation with a lightness of 0 to 1."""
    saturation = rng.choice((0.0, rng.random(), rng.random()))
    red, green, blue = colorsys.hls_to_rgb(rng.random(), lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_glyph(character: str, style: Style) -> Image.Image:
    """Draws the mask of one character, distorted and rotated."""
    rng = style.rng
    size = max(9, round(style.size * (1 + rng.uniform(-style.size_spread, style.size_spread))))
    mask = glyphs.draw_mask(
        character,
        open_font(rng.choice(style.fonts), size),
        style.outline,
        is_outlined=style.outlined,
        bold=style.bold * max(1, size // 30),
        strength=150 if style.faint else 255,
    )
    if style.warp:
        mask = glyphs.warp(mask, style.warp, rng)
    if style.shear:
        mask = glyphs.shear(mask, rng.uniform(-style.shear, style.shear))
    if style.tilt:
        mask = glyphs.rotate(mask, rng.uniform(-style.tilt, style.tilt))
    return glyphs.crop(mask)


def place(masks: list[Image.Image], style: Style) -> tuple[list[float], int]:
    """Places the characters; returns their left edges and the width of the image, in pixels."""
    rng = style.rng
    margin = style.height * rng.choice((0.05, 0.2, 0.5))
    left, starts = rng.uniform(0.3, 1.0) * margin, []
    for mask in masks:
        starts.append(left)
        # keeps thin characters visible between their neighbours
        left += max(mask.width * style.visible, mask.width + style.gap * rng.uniform(0.6, 1.2)) + 1
    return starts, max(style.height, round(left + rng.uniform(0.3, 1.0) * margin))


def draw_paper(size: tuple[int, int], style: Style) -> Image.Image:
    """Draws the background: plain, with a gradient, noise, blots or a grid."""
    rng = style.rng
    kind = rng.choice(("plain", "plain", "plain", "gradient", "noise", "blots", "grid"))
    image = Image.new("RGB", size, style.choose_paper())
    if kind == "gradient":
        papers.add_gradient(image, style.choose_paper, rng)
    elif kind == "noise":
        strength = rng.uniform(5, 45)
        noise = np.random.default_rng(rng.getrandbits(32)).normal(0, strength, (size[1], size[0], 3))
        image = Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))
    elif kind == "blots":
        papers.add_blots(image, style.choose_paper, rng)
    elif kind == "grid":
        papers.add_grid(image, style.choose_ink(), rng)
    return image


def draw_line(image: Image.Image, style: Style, pen: tuple[Colour, int] | None = None) -> None:
    """Draws a line by chance or with a colour and width."""
    rng = style.rng
    shape = rng.choice(lines.SHAPES)
    colour = rng.choice((style.ink, style.choose_ink(), style.choose_ink(), style.choose_paper()))
    thickness = rng.choice((1, 1, 1, 2, max(1, image.height // 20)))
    lines.draw_line(image, shape, *(pen or (colour, thickness)), rng)


def draw_dots(image: Image.Image, style: Style) -> None:
    """Scatters dots, short strokes or small circles."""
    rng, (width, height) = style.rng, image.size
    shape = rng.choice(("dot", "dot", "dot", "stroke", "circle"))
    colour = style.choose_ink()
    many = rng.random() < 0.6
    radius = rng.choice((0, 0, 0, 1, 1.5))  # Pillow draws no dots of 0
    covered = (1 + 2 * radius) ** 2 if shape == "dot" else 12  # pixels that each one covers
    count = round(width * height * rng.uniform(0.01, 0.2) ** 1.5 / covered)
    dots.scatter(image, shape, radius, count, style.choose_ink if many else lambda: colour, rng)


def bend(image: Image.Image, style: Style) -> Image.Image:
    """Distorts an image by waves along its sides, or by moving the points of a grid."""
    rng = style.rng
    if rng.random() < 0.5:
        # both waves of a square image go along its width: the released weights were trained on such images
        axes = (0, 0) if image.width == image.height else (0, 1)
        return Image.fromarray(bends.displace(np.asarray(image), bends.waves(image.size, rng, axes)))
    return image.transform(image.size, Image.Transform.MESH, _grid(image.size, rng), Image.Resampling.BILINEAR)


def _grid(size: tuple[int, int], rng: random.Random) -> list:
    """Makes a mesh for Pillow: target boxes, each with the source quadrilateral that fills it."""
    columns, rows = BEND_CELLS
    xs, ys = np.linspace(0, size[0], columns + 1).round(), np.linspace(0, size[1], rows + 1).round()
    pull = rng.uniform(0.02, 0.12) * size[1]

    def moved(value: float, limit: int) -> float:
        return min(max(value + rng.uniform(-pull, pull), 0), limit)

    points = [[(moved(x, size[0]), moved(y, size[1])) for x in xs] for y in ys]
    return [
        (
            (int(xs[c]), int(ys[r]), int(xs[c + 1]), int(ys[r + 1])),
            (*points[r][c], *points[r + 1][c], *points[r + 1][c + 1], *points[r][c + 1]),
        )
        for r in range(rows)
        for c in range(columns)
    ]


def coarsen(image: Image.Image, rng: random.Random) -> Image.Image:
    """Blurs, sharpens or compresses an image as JPEG."""
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.SHARPEN)
    if rng.random() < 0.3:
        memory = io.BytesIO()
        image.save(memory, "JPEG", quality=rng.randint(25, 90))
        image = Image.open(memory).convert("RGB")
    return image
