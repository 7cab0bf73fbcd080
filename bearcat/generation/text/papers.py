"""Papers: what is drawn on a plain background before the characters. A chooser returns the next random colour."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from bearcat.generation.colours import Colour

ChooseColour = Callable[[], Colour]


def add_gradient(image: Image.Image, choose: ChooseColour, rng: random.Random) -> None:
    """Lets a paper change into another colour from one side to the opposite one."""
    mask = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(image.size)
    image.paste(choose(), mask=mask)


def add_blots(image: Image.Image, choose: ChooseColour, rng: random.Random) -> None:
    """Draws discs of up to half the height."""
    pencil, (width, height) = ImageDraw.Draw(image), image.size
    for _ in range(rng.randint(3, 25)):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(1, height / 2)
        pencil.ellipse((x - radius, y - radius, x + radius, y + radius), choose())


def add_grid(image: Image.Image, colour: Colour, rng: random.Random) -> None:
    """Draws a grid of thin lines."""
    pencil, step, (width, height) = ImageDraw.Draw(image), rng.randint(4, 16), image.size
    for x in range(rng.randrange(step), width, step):
        pencil.line((x, 0, x + rng.choice((0, 5)), height), colour)
    for y in range(rng.randrange(step), height, step):
        pencil.line((0, y, width, y), colour)


def add_tiles(image: Image.Image, cuts: Sequence[int], draw: Callable[[tuple[int, int]], Image.Image]) -> None:
    """Gives each part between two cuts a paper of its own.

    Args:
        image: Is drawn on.
        cuts: Rising x coordinates.
        draw: Draws a paper of a width and height.
    """
    for left, right in pairwise(cuts):
        image.paste(draw((max(1, right - left), image.height)), (left, 0))


def add_patches(image: Image.Image, choose: ChooseColour, rng: random.Random) -> None:
    """Covers a paper with large stripes, triangles, discs or halves."""
    pencil, (width, height) = ImageDraw.Draw(image), image.size
    kind = rng.choice(("stripes", "triangles", "discs", "halves"))
    for _ in range(rng.randint(1, 7)):
        fill, x, y = choose(), rng.uniform(0, width), rng.uniform(0, height)
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


def add_noise(image: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """Adds noise with a standard deviation in 0 … 255, of one of several grain sizes, grey or in colour."""
    width, height = image.size
    grain, channels = rng.choice((1, 1, 1, 2, 3)), rng.choice((1, 3))
    source = np.random.default_rng(rng.getrandbits(32))
    noise = source.standard_normal((-(-height // grain), -(-width // grain), channels), np.float32) * strength
    if grain > 1:
        noise = noise.repeat(grain, 0).repeat(grain, 1)[:height, :width]
    return Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))
