"""What lies under and over the characters of an image: papers that change, noise, strikes, lines and heavy bends."""

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bearcat.generation.colours import Colour
from bearcat.generation.text import bends, papers
from bearcat.generation.text.papers import add_noise
from pretraining.drawing import Style, draw_line, draw_paper, random_colour

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
    rng = style.rng
    image = Image.new("RGB", layout.size)
    textured = rng.random() < 0.4

    def draw_tile(size: tuple[int, int]) -> Image.Image:
        style.dark_paper = rng.random() < 0.5
        return draw_paper(size, style) if textured else Image.new("RGB", size, random_colour(rng, rng.random()))

    papers.add_tiles(image, layout.cuts, draw_tile)
    return image


def patched_paper(layout: Layout, style: Style) -> Image.Image:
    """Covers a paper with large stripes, triangles and discs of any lightness."""
    rng = style.rng
    image = draw_paper(layout.size, style)
    papers.add_patches(image, lambda: random_colour(rng, rng.random()), rng)
    return image


def noisy_paper(layout: Layout, style: Style) -> Image.Image:
    """A paper with coarse and fine noise, which may reach the lightness of the ink."""
    return add_noise(draw_paper(layout.size, style), style.rng.uniform(3, 28), style.rng)


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
    return Image.fromarray(bends.displace(np.asarray(image), bends.swirl(image.size, style.rng)))


def blur(image: Image.Image, rng: random.Random) -> Image.Image:
    """Blurs an image by up to a fortieth of its height."""
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, max(0.6, image.height / 40))))
