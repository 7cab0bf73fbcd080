"""Our own generator of captchas, as wide as captchas are: for the base recogniser alone.

An image's style is chosen anew each time: fonts, sizes, tilts, overlaps, waves, colours, paper, lines, dots, and how
coarse it is. Nothing is imitated; every chance is drawn wider than any one generator draws it.
"""

import colorsys
import io
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bearcat.core.fonts import open_font

HEIGHTS = (24, 90)  # pixels of an image
BEND_CELLS = (6, 3)  # columns and rows of the grid by which an image is bent

Colour = tuple[int, int, int]


class Style:
    """What all characters of one image have in common."""

    def __init__(self, fonts: list, source: random.Random):
        self.source = source
        self.height = round(math.exp(source.uniform(*map(math.log, HEIGHTS))))
        self.fonts = source.sample(fonts, source.choice((1, 1, 1, 2, 4)))
        self.size = self.height * source.uniform(0.5, 0.95)
        self.size_spread = source.choice((0.0, 0.1, 0.25))
        self.tilt = source.choice((0, 0, 8, 20, 35, 50))  # degrees
        self.shear = source.choice((0.0, 0.0, 0.2, 0.4))
        self.warp = source.choice((0.0, 0.0, 0.1, 0.2))
        self.hop = source.choice((0.0, 0.05, 0.15)) * self.height
        self.gap = source.choice((-0.25, -0.12, 0.0, 0.0, 0.1, 0.3)) * self.size
        self.dark_paper = source.random() < 0.2
        self.one_ink = source.random() < 0.6
        self.ink = self.choose_ink()
        self.outlined = source.random() < 0.08
        self.bold = source.choice((0, 0, 0, 0, 1))
        self.faint = source.random() < 0.2

    def choose_ink(self) -> Colour:
        """Return a colour that stands out from the paper, more or less."""
        light = self.source.uniform(0.0, 0.6)
        if self.dark_paper:
            light = 1 - light
        return _colour(self.source, light)

    def choose_paper(self) -> Colour:
        """Return a colour of the background."""
        light = 1 - self.source.choice((0.0, self.source.uniform(0, 0.15), self.source.uniform(0, 0.3)))
        return _colour(self.source, 1 - light if self.dark_paper else light)

    def ink_of_character(self) -> Colour:
        """Return the colour of the next character."""
        return self.ink if self.one_ink else self.choose_ink()


def draw(text: str, fonts: list, source: random.Random) -> Image.Image:
    """Return an image (RGB) of a text; `fonts` are files that have its characters."""
    style = Style(fonts, source)
    glyphs = [_draw_glyph(character, style) for character in text]
    starts, width = _place(glyphs, style)
    image = _draw_paper((width, style.height), style)
    for _ in range(source.choice((0, 0, 1, 3, 6))):
        _draw_line(image, style)
    for glyph, left in zip(glyphs, starts, strict=True):
        top = (style.height - glyph.height) / 2 + source.uniform(-style.hop, style.hop)
        image.paste(style.ink_of_character(), (round(left), round(top)), glyph)
    if source.random() < 0.45:
        image = _bend(image, style)
    for _ in range(source.choice((0, 0, 1, 2, 4))):
        _draw_line(image, style)
    if source.random() < 0.5:
        _draw_dots(image, style)
    return _coarsen(image, source)


def _colour(source: random.Random, lightness: float) -> Colour:
    saturation = source.choice((0.0, source.random(), source.random()))
    return tuple(round(255 * part) for part in colorsys.hls_to_rgb(source.random(), lightness, saturation))


def _draw_glyph(character: str, style: Style) -> Image.Image:
    """Return the mask of one character, turned and sheared."""
    source = style.source
    size = max(9, round(style.size * (1 + source.uniform(-style.size_spread, style.size_spread))))
    font = open_font(source.choice(style.fonts), size)
    box = font.getbbox(character, stroke_width=2)
    mask = Image.new("L", (max(2, math.ceil(box[2] - box[0])), max(2, math.ceil(box[3] - box[1]))))
    stroke = style.bold * max(1, size // 30)
    pencil = ImageDraw.Draw(mask)
    strength = 150 if style.faint else 255
    if style.outlined:
        pencil.text((-box[0], -box[1]), character, 0, font, stroke_width=2, stroke_fill=strength)
    else:
        pencil.text((-box[0], -box[1]), character, strength, font, stroke_width=stroke)
    if style.warp:
        mask = _warp(mask, style.warp, source)
    if style.shear:
        mask = _shear(mask, source.uniform(-style.shear, style.shear))
    if style.tilt:
        mask = mask.rotate(source.uniform(-style.tilt, style.tilt), Image.Resampling.BILINEAR, expand=True)
    return mask.crop(mask.getbbox() or (0, 0, 2, 2))


def _warp(mask: Image.Image, share: float, source: random.Random) -> Image.Image:
    """Return a mask whose corners are pulled to and fro, by up to a share of its sides."""
    width, height = mask.size
    corners = ((0, 0), (0, height), (width, height), (width, 0))
    pull = [
        coordinate + source.uniform(-share, share) * side
        for corner in corners
        for coordinate, side in zip(corner, mask.size, strict=True)
    ]
    return mask.transform(mask.size, Image.Transform.QUAD, pull, Image.Resampling.BILINEAR)


def _shear(mask: Image.Image, amount: float) -> Image.Image:
    """Return a mask whose top is moved to the right, by a share of its height, or its bottom where it is negative."""
    extra = math.ceil(abs(amount) * mask.height)
    map_back = (1, amount, -amount * mask.height if amount > 0 else 0.0, 0, 1, 0)
    return mask.transform(
        (mask.width + extra, mask.height), Image.Transform.AFFINE, map_back, Image.Resampling.BILINEAR
    )


def _place(glyphs: list[Image.Image], style: Style) -> tuple[list[float], int]:
    """Return where each character begins, in pixels from the left, and how wide the image is."""
    source = style.source
    margin = style.height * source.choice((0.05, 0.2, 0.5))
    left, starts = source.uniform(0.3, 1.0) * margin, []
    for glyph in glyphs:
        starts.append(left)
        # thin ones must not vanish in their neighbours
        left += max(glyph.width * 0.6, glyph.width + style.gap * source.uniform(0.6, 1.2)) + 1
    return starts, max(style.height, round(left + source.uniform(0.3, 1.0) * margin))


def _draw_paper(size: tuple[int, int], style: Style) -> Image.Image:
    """Return the background: plain, shaded, noisy or with blots."""
    source = style.source
    kind = source.choice(("plain", "plain", "plain", "shaded", "noisy", "blots", "grid"))
    image = Image.new("RGB", size, style.choose_paper())
    if kind == "shaded":
        mask = Image.linear_gradient("L").rotate(source.choice((0, 90, 180, 270))).resize(size)
        image.paste(style.choose_paper(), mask=mask)
    elif kind == "noisy":
        strength = source.uniform(5, 45)
        noise = np.random.default_rng(source.getrandbits(32)).normal(0, strength, (size[1], size[0], 3))
        image = Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))
    elif kind == "blots":
        pencil = ImageDraw.Draw(image)
        for _ in range(source.randint(3, 25)):
            x, y, radius = source.uniform(0, size[0]), source.uniform(0, size[1]), source.uniform(1, size[1] / 2)
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), style.choose_paper())
    elif kind == "grid":
        pencil, colour, step = ImageDraw.Draw(image), style.choose_ink(), source.randint(4, 16)
        for x in range(source.randrange(step), size[0], step):
            pencil.line((x, 0, x + source.choice((0, 5)), size[1]), colour)
        for y in range(source.randrange(step), size[1], step):
            pencil.line((0, y, size[0], y), colour)
    return image


def _draw_line(image: Image.Image, style: Style) -> None:
    """Draw a straight line, an arc or a wave, in any colour, across the image or a part of it."""
    source, (width, height) = style.source, image.size
    kind = source.choice(("straight", "straight", "arc", "wave"))
    colour = source.choice((style.ink, style.choose_ink(), style.choose_ink(), style.choose_paper()))
    thickness = source.choice((1, 1, 1, 2, max(1, height // 20)))
    pencil = ImageDraw.Draw(image)
    x0, x1 = sorted((source.uniform(-0.1, 1.1) * width, source.uniform(-0.1, 1.1) * width))
    if source.random() < 0.5:
        x0, x1 = 0, width
    y0, y1 = source.uniform(0, height), source.uniform(0, height)
    if kind == "arc":
        tall = source.uniform(0.2, 2) * height
        pencil.arc(
            (x0, y0 - tall / 2, x1 + 1, y0 + tall / 2), source.randrange(360), source.randrange(360), colour, thickness
        )
        return
    swing = source.uniform(0.05, 0.35) * height if kind == "wave" else 0.0
    turns, phase = source.uniform(0.5, 3), source.uniform(0, 2 * math.pi)
    points = []
    for number in range(33):
        share = number / 32
        y = y0 + (y1 - y0) * share + swing * math.sin(phase + 2 * math.pi * turns * share)
        points.append((x0 + (x1 - x0) * share, y))
    pencil.line(points, colour, thickness, joint="curve")


def _draw_dots(image: Image.Image, style: Style) -> None:
    """Strew dots, short strokes or small circles."""
    source, (width, height) = style.source, image.size
    pencil = ImageDraw.Draw(image)
    kind = source.choice(("dot", "dot", "dot", "stroke", "circle"))
    colour = style.choose_ink()
    many = source.random() < 0.6
    radius = source.choice((0, 0, 0, 1, 1.5))
    covered = (1 + 2 * radius) ** 2 if kind == "dot" else 12  # pixels by each of them
    count = round(width * height * source.uniform(0.01, 0.2) ** 1.5 / covered)
    for _ in range(count):
        if many:
            colour = style.choose_ink()
        x, y = source.uniform(0, width), source.uniform(0, height)
        if kind == "dot":
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
        elif kind == "stroke":
            pencil.line((x, y, x + source.uniform(-6, 6), y + source.uniform(-6, 6)), colour)
        else:
            pencil.ellipse((x - 3, y - 3, x + 3, y + 3), outline=colour)


def _bend(image: Image.Image, style: Style) -> Image.Image:
    """Bend an image by waves along its sides, or pull the crossings of a grid to and fro."""
    source = style.source
    pixels = np.asarray(image)
    if source.random() < 0.5:
        height, width = pixels.shape[:2]
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        for axis_length, strength in ((width, 0.1), (height, 0.08)):
            swing, turns = source.uniform(0, strength) * height, source.uniform(0.5, 2.5)
            wave = swing * np.sin(2 * math.pi * (turns * np.arange(axis_length) / axis_length + source.random()))
            if axis_length == width:
                rows = rows + wave[None, :]
            else:
                columns = columns + wave[:, None]
        rows, columns = rows.round().astype(int).clip(0, height - 1), columns.round().astype(int).clip(0, width - 1)
        return Image.fromarray(pixels[rows, columns])
    return image.transform(image.size, Image.Transform.MESH, _grid(image.size, source), Image.Resampling.BILINEAR)


def _grid(size: tuple[int, int], source: random.Random) -> list:
    """Return Pillow's mesh: target boxes with the quadrilaterals of the source that fill them."""
    columns, rows = BEND_CELLS
    xs, ys = np.linspace(0, size[0], columns + 1).round(), np.linspace(0, size[1], rows + 1).round()
    pull = source.uniform(0.02, 0.12) * size[1]

    def pulled(value: float, limit: int) -> float:
        return min(max(value + source.uniform(-pull, pull), 0), limit)

    points = [[(pulled(x, size[0]), pulled(y, size[1])) for x in xs] for y in ys]
    return [
        (
            (int(xs[c]), int(ys[r]), int(xs[c + 1]), int(ys[r + 1])),
            (*points[r][c], *points[r + 1][c], *points[r + 1][c + 1], *points[r][c + 1]),
        )
        for r in range(rows)
        for c in range(columns)
    ]


def _coarsen(image: Image.Image, source: random.Random) -> Image.Image:
    """Blur, shrink or save an image as JPEG, as those on the way to us do."""
    if source.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(source.uniform(0.3, 1.2)))
    if source.random() < 0.15:
        image = image.filter(ImageFilter.SHARPEN)
    if source.random() < 0.3:
        memory = io.BytesIO()
        image.save(memory, "JPEG", quality=source.randint(25, 90))
        image = Image.open(memory).convert("RGB")
    return image
