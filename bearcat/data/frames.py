"""Frames of an animation, and the ways to make one image of them (setting FRAMES)."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import numpy as np
from PIL import Image, ImageChops

FIRST = "first"
SPREAD = "spread"
MAX_FRAMES = 100  # of an animation; later ones are not decoded
SPREAD_FRAMES = 4  # at most, side by side

Frames = Sequence[Image.Image]  # RGB, all of the same size, at least one


def _median(frames: Frames) -> Image.Image:
    stack = np.stack([np.asarray(frame) for frame in frames])
    middle = (len(stack) - 1) // 2, len(stack) // 2
    stack.partition(middle, axis=0)
    low, high = (stack[number].astype(np.uint16) for number in middle)
    return Image.fromarray(((low + high) // 2).astype(np.uint8))


def _side_by_side(frames: Frames) -> Image.Image:
    chosen = [frames[number] for number in evenly_spaced(len(frames), SPREAD_FRAMES)]
    width, height = frames[0].size
    whole = Image.new("RGB", (width * len(chosen), height))
    for number, frame in enumerate(chosen):
        whole.paste(frame, (number * width, 0))
    return whole


def evenly_spaced(count: int, most: int) -> list[int]:
    """Returns at most `most` evenly spaced numbers of 0 … count − 1, the first and the last among them."""
    most = min(most, count)
    return [round(number * (count - 1) / max(1, most - 1)) for number in range(most)]


# value of FRAMES → makes one image of several frames
FRAMES: dict[str, Callable[[Frames], Image.Image]] = {
    FIRST: lambda frames: frames[0],
    "last": lambda frames: frames[-1],
    "darkest": lambda frames: reduce(ImageChops.darker, frames),
    "lightest": lambda frames: reduce(ImageChops.lighter, frames),
    "median": _median,
    SPREAD: _side_by_side,
}


def combine_frames(frames: Iterable[Image.Image], how: str) -> Image.Image:
    """Makes one image of an animation's frames; a still image stays as it is.

    Args:
        frames: RGB images of the same size.
        how: A value of FRAMES: 'first' and 'last' take one frame; 'darkest', 'lightest' and 'median' take that value
            of each pixel and channel over all frames; 'spread' puts SPREAD_FRAMES evenly spaced frames side by side.
    """
    frames = list(frames)
    return FRAMES[how](frames) if len(frames) > 1 else frames[0]


def width_factor(how: str, count: int) -> int:
    """Returns by how much `combine_frames` multiplies the width of an animation of `count` frames."""
    return min(count, SPREAD_FRAMES) if how == SPREAD else 1
