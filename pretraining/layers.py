"""What lies under and over the characters of an image: papers that change, noise, strikes, lines and heavy bends."""

import math
import random
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pretraining.drawing import Colour, Style, draw_line, draw_paper, random_colour

Box = tuple[int, int, int, int]
CONTRAST = 0.3  # least difference in lightness, 0 to 1, of a character from a paper that changes


@dataclass(frozen=True)
class Layout:
    """Where the characters of an image are.

    Args:
        size: Width and height of the image.
        boxes: Left, top, right and bottom of each character.
        cuts: x coordinates from 0 to the width, between which the characters lie.
    """

    size: tuple[int, int]
    boxes: list[Box]
    cuts: list[int]


def tiled_paper(layout: Layout, style: Style) -> Image.Image:
    """Gives every character a paper of its own colour, some with a texture."""
    rng, height = style.rng, layout.size[1]
    image = Image.new("RGB", layout.size)
    textured = rng.random() < 0.4
    for left, right in pairwise(layout.cuts):
        style.dark_paper = rng.random() < 0.5
        tile = (max(1, right - left), height)
        paper = draw_paper(tile, style) if textured else Image.new("RGB", tile, random_colour(rng, rng.random()))
        image.paste(paper, (left, 0))
    return image


def patched_paper(layout: Layout, style: Style) -> Image.Image:
    """Covers a paper with large stripes, triangles and discs of any lightness."""
    rng, (width, height) = style.rng, layout.size
    image = draw_paper(layout.size, style)
    pencil = ImageDraw.Draw(image)
    kind = rng.choice(("stripes", "triangles", "discs", "halves"))
    for _ in range(rng.randint(1, 7)):
        fill, x, y = random_colour(rng, rng.random()), rng.uniform(0, width), rng.uniform(0, height)
        reach = rng.uniform(0.1, 0.6) * height
        if kind == "stripes":
            lean = rng.uniform(-1, 1) * height
            pencil.polygon((x, 0, x + reach, 0, x + reach + lean, height, x + lean, height), fill)
        elif kind == "triangles":
            pencil.polygon([(x + rng.uniform(-3, 3) * reach, y + rng.uniform(-3, 3) * reach) for _ in range(3)], fill)
        elif kind == "discs":
            pencil.ellipse((x - reach, y - reach, x + reach, y + reach), fill)
        else:
            pencil.rectangle(rng.choice(((x, 0, width, height), (0, y, width, height))), fill)
    return image


def noisy_paper(layout: Layout, style: Style) -> Image.Image:
    """A paper with coarse and fine noise, which may reach the lightness of the ink."""
    return add_noise(draw_paper(layout.size, style), style.rng, style.rng.uniform(3, 28))


def add_noise(image: Image.Image, rng: random.Random, strength: float) -> Image.Image:
    """Adds noise with a standard deviation in 0 … 255, of one of several grain sizes, grey or in colour."""
    width, height = image.size
    grain, channels = rng.choice((1, 1, 1, 2, 3)), rng.choice((1, 3))
    source = np.random.default_rng(rng.getrandbits(32))
    noise = source.standard_normal((-(-height // grain), -(-width // grain), channels), np.float32) * strength
    if grain > 1:
        noise = noise.repeat(grain, 0).repeat(grain, 1)[:height, :width]
    return Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))


def contrasting_ink(paper: Image.Image, box: Box, style: Style) -> Colour:
    """A colour that differs in lightness from what a paper has within a box."""
    left, top, right, bottom = box
    x0, y0 = min(max(0, left), paper.width - 1), min(max(0, top), paper.height - 1)
    part = paper.crop((x0, y0, max(x0 + 1, min(right, paper.width)), max(y0 + 1, min(bottom, paper.height))))
    light = np.asarray(part.resize((1, 1), Image.Resampling.BOX).convert("L")).item() / 255
    choices = [(0.0, light - CONTRAST), (light + CONTRAST, 1.0)]
    low, high = style.rng.choices(choices, [max(0.01, high - low) for low, high in choices])[0]
    return random_colour(style.rng, min(1.0, max(0.0, style.rng.uniform(low, high))))


def strike_out(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    """Strikes lines through each character."""
    rng, pencil = style.rng, ImageDraw.Draw(image)
    count, share = rng.choice((1, 1, 2)), rng.choice((0.7, 1.0))
    thickness = rng.choice((1, 2, max(1, round(style.size / 14))))
    for left, top, right, bottom in layout.boxes:
        for _ in range(count if rng.random() < share else 0):
            x = (left + right) / 2 + rng.uniform(-0.25, 0.25) * (right - left)
            y = (top + bottom) / 2 + rng.uniform(-0.25, 0.25) * (bottom - top)
            angle, reach = rng.uniform(0, math.pi), rng.uniform(0.4, 0.8) * max(right - left, bottom - top)
            across, down = reach * math.cos(angle), reach * math.sin(angle)
            pencil.line((x - across, y - down, x + across, y + down), random_colour(rng, rng.random()), thickness)
    return image


def line_over(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    """Draws lines of the ink's own colour, about as wide as the strokes."""
    rng = style.rng
    widest = max(1.0, style.size / 9)
    for _ in range(rng.randint(1, 6)):
        draw_line(image, style, (style.ink, max(1, round(rng.uniform(0.25, 0.9) * widest))))
    return image


def swirl(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    """Bends an image strongly by waves in both directions, which change along the way."""
    rng, (width, height) = style.rng, image.size
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    down, across = rows / height, columns / height
    shift = np.zeros((2, height, width), np.float32)
    for _ in range(rng.randint(1, 3)):
        for axis, strength in enumerate((0.13, 0.1)):
            turns = rng.uniform(0.2, 1.6), rng.uniform(0.0, 1.0)
            along = (across * turns[0] + down * turns[1]) if axis == 0 else (down * turns[0] + across * turns[1])
            wave = np.sin(2 * math.pi * (along + rng.random()), dtype=np.float32)
            shift[axis] += rng.uniform(0.3, 1.0) * strength / 1.5 * height * wave
    rows = (rows + shift[0]).round().astype(np.int32).clip(0, height - 1)
    columns = (columns + shift[1]).round().astype(np.int32).clip(0, width - 1)
    return Image.fromarray(np.asarray(image)[rows, columns])


def blur(image: Image.Image, rng: random.Random) -> Image.Image:
    """Blurs an image by up to a fortieth of its height."""
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, max(0.6, image.height / 40))))


def filled(glyph: Image.Image) -> Image.Image:
    """The silhouette of a mask: in each row everything from its first to its last ink."""
    ink = np.asarray(glyph)
    return Image.fromarray(np.minimum(np.maximum.accumulate(ink, 1), np.maximum.accumulate(ink[:, ::-1], 1)[:, ::-1]))
