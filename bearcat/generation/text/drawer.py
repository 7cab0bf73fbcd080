"""Draws the captchas of style "drawn", and tells which pixels are the ink of each character.

Each layer has its own source of randomness, so that a change of one key leaves the other layers as they are.
"""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.data.labels.direction import RTL, visual_order
from bearcat.generation.colours import Colour
from bearcat.generation.config import DrawnConfig
from bearcat.generation.rules import font_files
from bearcat.generation.text import dots, lines, papers
from bearcat.generation.text.layout import Geometry, PlacedMask, bend, find_fonts, lay_out, make_bend
from bearcat.generation.text.palette import Palette, any_colour

NOISE = (10, 40)  # standard deviation of the noise of a paper, of 255
THICKNESS = (0.02, 0.06)  # of lines, as a fraction of the image's height
INK = 96  # opacity, of 255, from which a pixel counts as ink
DOT_COLOURS = 32  # per image: a new colour for each dot would take most of the time

Paint = Callable[[Image.Image, Palette, Sequence[int], random.Random], Image.Image]


class TextDrawer:
    """Draws the captchas of a configuration.

    Args:
        config: The configuration, which `config_problems` finds nothing wrong with.
        work: Folder that its paths are relative to.
    """

    def __init__(self, config: DrawnConfig, work: Path):
        self.config = config
        self._geometry = Geometry.of(vars(config))
        self._fonts = find_fonts(config.characters, font_files(config.fonts, work))

    def draw(self, text: str, seed: str) -> Image.Image:
        """Draws a text; the same seed draws the same image."""
        config, placed = self.config, self._place(text, seed)
        palette = Palette(config.colours, config.contrast, _random(seed, "ink"), _random(seed, "paper colours"))
        image = Image.new("RGB", (config.width, config.height), palette.paper())
        image = PAPERS[config.paper](image, palette, _cuts(placed, config.width), _random(seed, "paper"))
        inks = [palette.ink() for _ in placed]
        for one, ink in zip(placed, inks, strict=True):
            image.paste(ink, (one.left, one.top), one.mask)
        self._draw_lines(image, inks, seed)
        self._draw_dots(image, seed)
        return image

    def masks(self, text: str, seed: str) -> list[np.ndarray]:
        """Returns the ink of each character as bool (height, width), wherever another one or a line covers it."""
        masks = []
        for one in self._place(text, seed):
            canvas = Image.new("L", (self.config.width, self.config.height))
            canvas.paste(one.mask, (one.left, one.top))
            masks.append(np.asarray(canvas) >= INK)
        return [masks[index] for index in np.argsort(visual_order(tuple(text), RTL))]

    def _place(self, text: str, seed: str) -> list[PlacedMask]:
        """Returns the masks of the characters from left to right."""
        shown = [text[index] for index in visual_order(tuple(text), RTL)]
        placed = lay_out(shown, self._geometry, self._fonts, lambda layer: _random(seed, layer))
        if not self.config.bend:
            return placed
        field = make_bend(self._geometry, _random(seed, "bend"))
        return [bend(one, field, self._geometry.border) for one in placed]

    def _draw_lines(self, image: Image.Image, inks: Sequence[Colour], seed: str) -> None:
        rng, by_colour = _random(seed, "lines"), _random(seed, "line colours")
        for _ in range(self.config.lines):
            colour = by_colour.choice(inks) if self.config.line_colour == "ink" else any_colour(by_colour)
            shape, thickness = rng.choice(lines.SHAPES), max(1, round(rng.uniform(*THICKNESS) * image.height))
            lines.draw_line(image, shape, colour, thickness, rng)

    def _draw_dots(self, image: Image.Image, seed: str) -> None:
        rng = _random(seed, "dots")
        shape, radius = rng.choice(list(dots.AREAS))
        count = dots.count_for(self.config.dots, image.size, shape, radius)
        colours = [any_colour(rng) for _ in range(DOT_COLOURS)]
        dots.scatter(image, shape, radius, count, lambda: rng.choice(colours), rng)


def _random(seed: str, layer: str) -> random.Random:
    return random.Random(f"{seed}/{layer}")


def _cuts(placed: Sequence[PlacedMask], width: int) -> list[int]:
    """Returns x coordinates from 0 to the width, between which the characters lie."""
    return [0, *(round((one.right + other.left) / 2) for one, other in pairwise(placed)), width]


def _plain(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    return image


def _gradient(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    papers.add_gradient(image, palette.lighter_paper, rng)
    return image


def _noise(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    return papers.add_noise(image, rng.uniform(*NOISE), rng)


def _blots(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    papers.add_blots(image, palette.lighter_paper, rng)
    return image


def _grid(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    papers.add_grid(image, any_colour(rng), rng)
    return image


def _tiles(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    papers.add_tiles(image, cuts, lambda size: Image.new("RGB", size, palette.any_paper()))
    return image


def _patches(image: Image.Image, palette: Palette, cuts: Sequence[int], rng: random.Random) -> Image.Image:
    papers.add_patches(image, palette.any_paper, rng)
    return image


PAPERS: dict[str, Paint] = {
    "plain": _plain,
    "gradient": _gradient,
    "noise": _noise,
    "blots": _blots,
    "grid": _grid,
    "tiles": _tiles,
    "patches": _patches,
}
