"""Where to cut an image of several rows of characters: between the rows, where the least is drawn.

All sums are of integers, so that an image is cut alike on every machine.
"""

import numpy as np
from PIL import Image

MOST_LOOKED_AT = 512  # largest width and height, in pixels, of the image in which cuts are looked for
SHORTEST, TALLEST = 0.35, 0.9  # height of a character of a column with its spacing, in widths of the column
MOST_PARTS = 32  # of a column


def row_ink(image: Image.Image) -> np.ndarray:
    """Returns how much is drawn in each row of an RGB image: the differences between neighbours, int64 (H,)."""
    pixels = np.asarray(image, np.int16)
    return np.abs(np.diff(pixels, axis=1)).max(axis=2).sum(axis=1, dtype=np.int64)


def cut_two_lines(image: Image.Image) -> list[int]:
    """Returns the row at which the lower of two lines of text begins: the emptiest of the middle third.

    An image that is one pixel high is not cut.
    """
    if image.height == 1:
        return []
    small = shrink(image)
    height = small.height
    costs = _costs(small)
    middle = range(-(-height // 3), 2 * height // 3 + 1)
    best = min(middle, key=lambda row: (costs[row], abs(2 * row - height)))
    return _scale([best], height, image.height)


def cut_column(image: Image.Image) -> list[int]:
    """Returns the rows at which the characters of a column begin, but for the first.

    Of all ways to cut the column into parts that are SHORTEST to TALLEST high, the one that crosses the least ink is
    taken (dynamic programming). A part may be empty or hold two low characters.
    """
    small = shrink(image)
    height = small.height
    width = image.width * height / image.height
    costs = _costs(small)
    shortest = max(1, round(SHORTEST * width), -(-height // MOST_PARTS))
    tallest = max(round(TALLEST * width), 2 * shortest)  # so that parts of some number fill every height
    impossible = np.iinfo(np.int64).max // 2
    least = np.full(height + 1, impossible)  # ink that the cuts above a row cross, if one part ends at it
    least[0] = 0
    before = np.zeros(height + 1, np.int64)  # where that part begins
    for end in range(shortest, height + 1):
        start = max(0, end - tallest)
        before[end] = start + np.argmin(least[start : end - shortest + 1])
        least[end] = min(impossible, least[before[end]] + costs[end])
    cuts: list[int] = []
    row = int(before[height])
    while row > 0:
        cuts.append(row)
        row = int(before[row])
    return _scale(cuts[::-1], height, image.height)


def shrink(image: Image.Image) -> Image.Image:
    """Returns an image at most MOST_LOOKED_AT wide and high, whose rows show what those of the whole image do."""
    return image.resize([min(MOST_LOOKED_AT, side) for side in image.size], Image.Resampling.BOX)


def _costs(image: Image.Image) -> np.ndarray:
    """Returns what is drawn on both sides of each boundary of rows, above that of the emptiest row; int64 (H + 1,)."""
    ink = row_ink(image)
    ink -= ink.min()
    return np.concatenate([[0], ink[:-1] + ink[1:], [0]])


def _scale(rows: list[int], height: int, full_height: int) -> list[int]:
    return [row * full_height // height for row in rows]
