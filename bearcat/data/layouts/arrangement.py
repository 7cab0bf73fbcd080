"""The values of LAYOUT, and the arrangement of an image as one line of text, which is what a network reads."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image

from bearcat.data.layouts.cuts import cut_column, cut_two_lines

LINE = "line"
TWO_LINES = "two_lines"
VERTICAL = "vertical"

# value of LAYOUT → returns the rows at which an RGB image is cut into the parts of a line
LAYOUTS: dict[str, Callable[[Image.Image], list[int]]] = {
    LINE: lambda image: [],
    TWO_LINES: cut_two_lines,
    VERTICAL: cut_column,
}


def arrange(image: Image.Image, layout: str) -> Image.Image:
    """Cuts an image into parts from top to bottom and puts them side by side, from left to right.

    The line is as high as the highest part. The others are centred on the image's median colour, so that an image of
    one colour stays one.

    Args:
        image: An RGB image.
        layout: A value of LAYOUT: 'line' leaves the image as it is; 'two_lines' cuts it in two; 'vertical' cuts a
            column of upright characters between these.
    """
    parts = _parts(image, layout)
    if len(parts) == 1:
        return image
    width, height = image.width, _height(parts)
    line = Image.new("RGB", (width * len(parts), height), _median_colour(image))
    for number, (top, bottom) in enumerate(parts):
        line.paste(image.crop((0, top, width, bottom)), (number * width, (height - bottom + top) // 2))
    return line


def line_size(image: Image.Image, layout: str) -> tuple[int, int]:
    """Returns the width and height of what `arrange` makes of an image."""
    parts = _parts(image, layout)
    return image.width * len(parts), _height(parts)


def _parts(image: Image.Image, layout: str) -> list[tuple[int, int]]:
    """Returns the first row of each part of an image, and the row after its last one."""
    return list(pairwise([0, *LAYOUTS[layout](image), image.height]))


def _height(parts: list[tuple[int, int]]) -> int:
    return max(bottom - top for top, bottom in parts)


def _median_colour(image: Image.Image) -> tuple[int, ...]:
    counts = np.reshape(image.histogram(), (3, 256)).cumsum(axis=1)
    return tuple(int(np.searchsorted(channel, channel[-1] / 2)) for channel in counts)
