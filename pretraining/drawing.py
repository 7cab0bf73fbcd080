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
from PIL import Image, ImageDraw, ImageFilter

from bearcat.core.fonts import open_font

HEIGHTS = (24, 90)  # pixels of an image
BEND_CELLS = (6, 3)  # columns and rows of the distortion grid

Colour = tuple[int, int, int]


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
    glyphs = [draw_glyph(character, style) for character in text]
    starts, width = place(glyphs, style)
    image = draw_paper((width, style.height), style)
    for _ in range(rng.choice((0, 0, 1, 3, 6))):
        draw_line(image, style)
    for glyph, left in zip(glyphs, starts, strict=True):
        top = (style.height - glyph.height) / 2 + rng.uniform(-style.hop, style.hop)
        image.paste(style.ink_of_character(), (round(left), round(top)), glyph)
    return coarsen(add_clutter(image, style, dots=0.5), rng)


def add_clutter(image: Image.Image, style: Style, dots: float) -> Image.Image:
    """Bends an image and draws lines and dots over it, each by chance, dots with a probability."""
    rng = style.rng
    if rng.random() < 0.45:
        image = bend(image, style)
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        draw_line(image, style)
    if rng.random() < dots:
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
    font = open_font(rng.choice(style.fonts), size)
    box = font.getbbox(character, stroke_width=style.outline)
    mask = Image.new("L", (max(2, math.ceil(box[2] - box[0])), max(2, math.ceil(box[3] - box[1]))))
    stroke = style.bold * max(1, size // 30)
    pencil = ImageDraw.Draw(mask)
    strength = 150 if style.faint else 255
    if style.outlined:
        pencil.text((-box[0], -box[1]), character, 0, font, stroke_width=style.outline, stroke_fill=strength)
    else:
        pencil.text((-box[0], -box[1]), character, strength, font, stroke_width=stroke)
    if style.warp:
        mask = _warp(mask, style.warp, rng)
    if style.shear:
        mask = _shear(mask, rng.uniform(-style.shear, style.shear))
    if style.tilt:
        mask = mask.rotate(rng.uniform(-style.tilt, style.tilt), Image.Resampling.BILINEAR, expand=True)
    return mask.crop(mask.getbbox() or (0, 0, 2, 2))


def _warp(mask: Image.Image, fraction: float, rng: random.Random) -> Image.Image:
    """Moves the corners of a mask by up to a fraction of its sides."""
    width, height = mask.size
    corners = ((0, 0), (0, height), (width, height), (width, 0))
    pull = [
        coordinate + rng.uniform(-fraction, fraction) * side
        for corner in corners
        for coordinate, side in zip(corner, mask.size, strict=True)
    ]
    return mask.transform(mask.size, Image.Transform.QUAD, pull, Image.Resampling.BILINEAR)


def _shear(mask: Image.Image, amount: float) -> Image.Image:
    """Shears a mask: its top moves right by a fraction of its height, its bottom if `amount` is negative."""
    extra = math.ceil(abs(amount) * mask.height)
    map_back = (1, amount, -amount * mask.height if amount > 0 else 0.0, 0, 1, 0)
    return mask.transform(
        (mask.width + extra, mask.height), Image.Transform.AFFINE, map_back, Image.Resampling.BILINEAR
    )


def place(glyphs: list[Image.Image], style: Style) -> tuple[list[float], int]:
    """Places the characters; returns their left edges and the width of the image, in pixels."""
    rng = style.rng
    margin = style.height * rng.choice((0.05, 0.2, 0.5))
    left, starts = rng.uniform(0.3, 1.0) * margin, []
    for glyph in glyphs:
        starts.append(left)
        # keeps thin characters visible between their neighbours
        left += max(glyph.width * style.visible, glyph.width + style.gap * rng.uniform(0.6, 1.2)) + 1
    return starts, max(style.height, round(left + rng.uniform(0.3, 1.0) * margin))


def draw_paper(size: tuple[int, int], style: Style) -> Image.Image:
    """Draws the background: plain, with a gradient, noise, blots or a grid."""
    rng = style.rng
    kind = rng.choice(("plain", "plain", "plain", "shaded", "noisy", "blots", "grid"))
    image = Image.new("RGB", size, style.choose_paper())
    if kind == "shaded":
        mask = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(size)
        image.paste(style.choose_paper(), mask=mask)
    elif kind == "noisy":
        strength = rng.uniform(5, 45)
        noise = np.random.default_rng(rng.getrandbits(32)).normal(0, strength, (size[1], size[0], 3))
        image = Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))
    elif kind == "blots":
        pencil = ImageDraw.Draw(image)
        for _ in range(rng.randint(3, 25)):
            x, y, radius = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(1, size[1] / 2)
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), style.choose_paper())
    elif kind == "grid":
        pencil, colour, step = ImageDraw.Draw(image), style.choose_ink(), rng.randint(4, 16)
        for x in range(rng.randrange(step), size[0], step):
            pencil.line((x, 0, x + rng.choice((0, 5)), size[1]), colour)
        for y in range(rng.randrange(step), size[1], step):
            pencil.line((0, y, size[0], y), colour)
    return image


def draw_line(image: Image.Image, style: Style, pen: tuple[Colour, int] | None = None) -> None:
    """Draws a straight line, an arc or a wave across all or part of the image, by chance or with a colour and width."""
    rng, (width, height) = style.rng, image.size
    kind = rng.choice(("straight", "straight", "arc", "wave"))
    colour = rng.choice((style.ink, style.choose_ink(), style.choose_ink(), style.choose_paper()))
    thickness = rng.choice((1, 1, 1, 2, max(1, height // 20)))
    colour, thickness = pen or (colour, thickness)
    pencil = ImageDraw.Draw(image)
    x0, x1 = sorted((rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * width))
    if rng.random() < 0.5:
        x0, x1 = 0, width
    y0, y1 = rng.uniform(0, height), rng.uniform(0, height)
    if kind == "arc":
        tall = rng.uniform(0.2, 2) * height
        pencil.arc(
            (x0, y0 - tall / 2, x1 + 1, y0 + tall / 2), rng.randrange(360), rng.randrange(360), colour, thickness
        )
        return
    swing = rng.uniform(0.05, 0.35) * height if kind == "wave" else 0.0
    turns, phase = rng.uniform(0.5, 3), rng.uniform(0, 2 * math.pi)
    points = []
    for number in range(33):
        fraction = number / 32
        y = y0 + (y1 - y0) * fraction + swing * math.sin(phase + 2 * math.pi * turns * fraction)
        points.append((x0 + (x1 - x0) * fraction, y))
    pencil.line(points, colour, thickness, joint="curve")


def draw_dots(image: Image.Image, style: Style) -> None:
    """Scatters dots, short strokes or small circles."""
    rng, (width, height) = style.rng, image.size
    pencil = ImageDraw.Draw(image)
    kind = rng.choice(("dot", "dot", "dot", "stroke", "circle"))
    colour = style.choose_ink()
    many = rng.random() < 0.6
    radius = rng.choice((0, 0, 0, 1, 1.5))
    covered = (1 + 2 * radius) ** 2 if kind == "dot" else 12  # pixels that each one covers
    count = round(width * height * rng.uniform(0.01, 0.2) ** 1.5 / covered)
    for _ in range(count):
        if many:
            colour = style.choose_ink()
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if kind == "dot":
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
        elif kind == "stroke":
            pencil.line((x, y, x + rng.uniform(-6, 6), y + rng.uniform(-6, 6)), colour)
        else:
            pencil.ellipse((x - 3, y - 3, x + 3, y + 3), outline=colour)


def bend(image: Image.Image, style: Style) -> Image.Image:
    """Distorts an image by waves along its sides, or by moving the points of a grid."""
    rng = style.rng
    pixels = np.asarray(image)
    if rng.random() < 0.5:
        height, width = pixels.shape[:2]
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        for axis_length, strength in ((width, 0.1), (height, 0.08)):
            swing, turns = rng.uniform(0, strength) * height, rng.uniform(0.5, 2.5)
            wave = swing * np.sin(2 * math.pi * (turns * np.arange(axis_length) / axis_length + rng.random()))
            if axis_length == width:
                rows = rows + wave[None, :]
            else:
                columns = columns + wave[:, None]
        rows, columns = rows.round().astype(int).clip(0, height - 1), columns.round().astype(int).clip(0, width - 1)
        return Image.fromarray(pixels[rows, columns])
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
