"""At what size our own networks see text: at one height, whatever the pictures' is, so that they can share a base."""

import math

HEIGHT = 48  # pixels
LEAST_WIDTH = 160  # pixels
WIDTH_OF_SHAPE = 32  # pixels of width for each time that a picture is as wide as high
STEP = 8  # widths are multiples of it
PIXELS_A_STEP = 4  # along the width


def sight_of(height: int, width: int) -> tuple[int, int]:
    """Return the height and width in pixels at which a network sees text on pictures of a size.

    Most captchas, 1.5 to 5 times as wide as high, are stretched or squeezed to the same 48×160; longer ones are wider.
    """
    return HEIGHT, max(LEAST_WIDTH, round(WIDTH_OF_SHAPE * width / height / STEP) * STEP)


def width_with(steps: int, height: int) -> int:
    """Return how wide pictures of a height must be for a network of ours to have so many time steps."""
    return math.ceil(steps * PIXELS_A_STEP * height / WIDTH_OF_SHAPE)
