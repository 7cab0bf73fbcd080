"""Small marks that are scattered over an image: dots, short strokes or small circles."""

import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw

from bearcat.generation.colours import Colour

STROKE, CIRCLE = 6, 3  # longest stroke along each axis, radius of a circle, in pixels
# (shape, radius of a dot in pixels) → mean number of pixels
AREAS = {("dot", 1): 5.0, ("dot", 1.5): 11.6, ("stroke", 0): 4.8, ("circle", 0): 15.1}


def count_for(fraction: float, size: tuple[int, int], shape: str, radius: float) -> int:
    """Returns the number of marks that cover a fraction of an image of a size (width, height)."""
    # the logarithm, since marks lie over each other by chance
    return round(-math.log(1 - fraction) * size[0] * size[1] / AREAS[shape, radius])


def scatter(
    image: Image.Image, shape: str, radius: float, count: int, choose: Callable[[], Colour], rng: random.Random
) -> None:
    """Draws a number of marks of a shape in AREAS, each in the colour that `choose` returns next."""
    pencil, (width, height) = ImageDraw.Draw(image), image.size
    for _ in range(count):
        colour = choose()
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if shape == "dot":
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
        elif shape == "stroke":
            pencil.line((x, y, x + rng.uniform(-STROKE, STROKE), y + rng.uniform(-STROKE, STROKE)), colour)
        else:
            pencil.ellipse((x - CIRCLE, y - CIRCLE, x + CIRCLE, y + CIRCLE), outline=colour)
