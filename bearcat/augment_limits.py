"""How far each random change of a picture may go, so that a person still reads the text at the first glance."""

from collections.abc import Callable

TURN = 0.08  # radians
SCALE = 0.10  # share of the size
SHEAR = 0.15  # pixels to the side for each pixel down
SHIFT_X, SHIFT_Y = 0.04, 0.06  # shares of the width and the height
CONTRAST = 0.2  # share
BRIGHTNESS = 20.0  # grey levels


def affine_rows(uniform: Callable, cos: Callable, sin: Callable, height: int, width: int) -> list:
    """Return the six numbers of random maps from output to input pixels about the centre of pictures.

    `uniform(limit)` draws from −limit … limit, in arrays of a library whose cosine and sine the others are.
    """
    turn = uniform(TURN)
    a0 = cos(turn) * (1 + uniform(SCALE))
    a1 = -sin(turn) + uniform(SHEAR)
    b0 = sin(turn)
    b1 = cos(turn) * (1 + uniform(SCALE))
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + uniform(SHIFT_X * width)
    b2 = centre_y - b0 * centre_x - b1 * centre_y + uniform(SHIFT_Y * height)
    return [a0, a1, a2, b0, b1, b2]
