"""Kinds of images that `drawing.draw` lacks or rarely draws, each of which makes a text hard in a way of its own.

A kind changes the random style of an image, and may replace how its paper, its characters and what lies over them are
drawn; all else is as in pretraining/drawing.py. KINDS lists them. The order of the random calls decides the images.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from bearcat.generation.colours import Colour
from bearcat.generation.text.glyphs import silhouette
from bearcat.generation.text.papers import add_noise
from pretraining.drawing import Style, add_clutter, bend, coarsen, draw_glyph, draw_line, draw_paper, place
from pretraining.layers import (
    Box,
    Layout,
    blur,
    contrasting_ink,
    line_over,
    noisy_paper,
    patched_paper,
    strike_out,
    swirl,
    tiled_paper,
)


def _keep(style: Style) -> None:
    """Leaves a style as it is."""


def _plain_paper(layout: Layout, style: Style) -> Image.Image:
    return draw_paper(layout.size, style)


def _own_ink(paper: Image.Image, box: Box, style: Style) -> Colour:
    return style.ink_of_character()


def _usual_clutter(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    return add_clutter(image, style, chance=0.4)


@dataclass(frozen=True)
class Kind:
    """A kind of images.

    Args:
        weight: How often it is drawn.
        adjust: Changes the style.
        paper: Draws the background.
        ink: Chooses the colour of a character, which is drawn within a box of the paper.
        finish: Draws what lies over the characters, and distorts the image.
        longest: The largest number of characters.
        turned: Whether characters may be upside down, where 6 is 9.
    """

    weight: int
    adjust: Callable[[Style], None] = _keep
    paper: Callable[[Layout, Style], Image.Image] = _plain_paper
    ink: Callable[[Image.Image, Box, Style], Colour] = _own_ink
    finish: Callable[[Image.Image, Layout, Style], Image.Image] = _usual_clutter
    longest: int = 12
    turned: bool = False


def draw(kind: Kind, text: str, fonts: list[Path], rng: random.Random) -> Image.Image:
    """Draws a text as an RGB image; `fonts` are files that have all its characters."""
    style = Style(fonts, rng)
    kind.adjust(style)
    glyphs = [draw_glyph(character, style) for character in text]
    layout = _lay_out(glyphs, style)
    paper = kind.paper(layout, style)
    image = paper.copy()
    for glyph, box in zip(glyphs, layout.boxes, strict=True):
        if style.opaque:
            image.paste(style.choose_paper(), box[:2], silhouette(glyph))
        image.paste(kind.ink(paper, box, style), box[:2], glyph)
    return coarsen(kind.finish(image, layout, style), rng)


def _lay_out(glyphs: list[Image.Image], style: Style) -> Layout:
    starts, width = place(glyphs, style)
    boxes = []
    for glyph, start in zip(glyphs, starts, strict=True):
        left = round(start)
        top = round((style.height - glyph.height) / 2 + style.rng.uniform(-style.hop, style.hop))
        boxes.append((left, top, left + glyph.width, top + glyph.height))
    inner = [round((one[2] + other[0]) / 2) for one, other in pairwise(boxes)]
    return Layout((width, style.height), boxes, [0, *inner, width])


def _small_in_one_ink(style: Style) -> None:
    style.size = style.height * style.rng.uniform(0.3, 0.8)
    style.one_ink, style.faint = True, False


def _faint(style: Style) -> None:
    """Ink that is hardly darker or lighter than the paper."""
    rng, light = style.rng, style.rng.uniform(0.25, 0.95)
    contrast = rng.uniform(0.12, 0.4) * rng.choice((-1, 1 if light < 0.6 else -1))
    papers, inks = ((one, one, one) for one in (round(255 * light), round(255 * min(1, max(0, light + contrast)))))
    style.choose_paper, style.choose_ink = (lambda: papers), (lambda: inks)
    style.ink, style.faint = inks, False
    style.warp = rng.choice((0.0, 0.15, 0.25))


def _noise_and_blur(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    rng = style.rng
    if rng.random() < 0.6:
        image = rng.choice((bend, lambda image, style: swirl(image, layout, style)))(image, style)
    if rng.random() < 0.6:
        image = blur(image, rng)
    return add_noise(image, rng.uniform(2, 14), rng) if rng.random() < 0.5 else image


def _turned(style: Style) -> None:
    rng = style.rng
    style.tilt, style.shear, style.faint = rng.choice((60, 90, 180, 180)), 0.0, False
    style.gap = rng.uniform(0, 0.3) * style.size
    style.one_ink = False


def _large_outlines(style: Style) -> None:
    rng = style.rng
    style.size = style.height * rng.uniform(0.75, 1.2)
    style.outlined, style.faint = True, False
    style.outline = rng.randint(1, max(1, round(style.height / 22)))
    style.opaque = rng.random() < 0.35
    style.gap, style.visible = -rng.uniform(0.1, 0.5) * style.size, 0.45


def _staggered(style: Style) -> None:
    """Small characters that lean to one side and jump up and down."""
    rng = style.rng
    style.size = style.height * rng.uniform(0.35, 0.65)
    style.hop = (style.height - style.size) * rng.uniform(0.3, 0.6)
    style.shear, style.tilt = rng.choice((0.3, 0.6)), rng.choice((0, 10, 25))
    style.gap = rng.uniform(-0.3, 0.2) * style.size


def _swirl_and_lines(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    """Draws lines before and after a strong bend."""
    rng = style.rng
    for _ in range(rng.randint(0, 4)):
        draw_line(image, style)
    image = swirl(image, layout, style)
    for _ in range(rng.randint(0, 4)):
        draw_line(image, style)
    return image


def _lines_and_bend(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    image = line_over(image, layout, style)
    return bend(image, style) if style.rng.random() < 0.3 else image


def _strikes_and_noise(image: Image.Image, layout: Layout, style: Style) -> Image.Image:
    if style.rng.random() < 0.8:
        image = strike_out(image, layout, style)
    return add_noise(image, style.rng.uniform(2, 20), style.rng) if style.rng.random() < 0.25 else image


KINDS = {
    "usual": Kind(7),
    "own lines": Kind(5, adjust=_small_in_one_ink, finish=_lines_and_bend),
    "faint": Kind(8, adjust=_faint, paper=noisy_paper, finish=_noise_and_blur),
    "tiles": Kind(
        4, adjust=_turned, paper=tiled_paper, ink=contrasting_ink, finish=_strikes_and_noise, longest=7, turned=True
    ),
    "patches": Kind(1, paper=patched_paper, ink=contrasting_ink),
    "outlines": Kind(4, adjust=_large_outlines, longest=8),
    "swirls": Kind(5, finish=_swirl_and_lines),
    "staggered": Kind(6, adjust=_staggered),
}
