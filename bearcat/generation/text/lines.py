"""Lines over the characters: straight ones, arcs and waves, across all or part of an image."""

import math
import random

from PIL import Image, ImageDraw

from bearcat.generation.colours import Colour

SHAPES = ("straight", "straight", "arc", "wave")  # to choose from
POINTS = 33  # of a straight line or a wave


def draw_line(image: Image.Image, shape: str, colour: Colour, thickness: int, rng: random.Random) -> None:
    """Draws a line of one of SHAPES; its thickness is in pixels."""
    width, height = image.size
    pencil = ImageDraw.Draw(image)
    x0, x1 = sorted((rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * width))
    if rng.random() < 0.5:
        x0, x1 = 0, width
    y0, y1 = rng.uniform(0, height), rng.uniform(0, height)
    if shape == "arc":
        tall = rng.uniform(0.2, 2) * height
        box = (x0, y0 - tall / 2, x1 + 1, y0 + tall / 2)
        pencil.arc(box, rng.randrange(360), rng.randrange(360), colour, thickness)
        return
    swing = rng.uniform(0.05, 0.35) * height if shape == "wave" else 0.0
    turns, phase = rng.uniform(0.5, 3), rng.uniform(0, 2 * math.pi)
    points = []
    for number in range(POINTS):
        fraction = number / (POINTS - 1)
        y = y0 + (y1 - y0) * fraction + swing * math.sin(phase + 2 * math.pi * turns * fraction)
        points.append((x0 + (x1 - x0) * fraction, y))
    pencil.line(points, colour, thickness, joint="curve")
