"""Bends: fields (2, height, width) that say how many pixels below and right of a pixel its colour is taken from."""

import math
import random

import numpy as np

WAVES = (0.1, 0.08)  # largest swing of the first and the second wave, as a fraction of the height
SWIRL = (0.13, 0.1)  # the same for a swirl


def waves(size: tuple[int, int], rng: random.Random, axes: tuple[int, int] = (0, 1)) -> np.ndarray:
    """Returns the field of two waves in an image.

    Args:
        size: Width and height of the image.
        rng: Source of the randomness.
        axes: The axis of `size` that each wave goes along.
    """
    width, height = size
    field = np.zeros((2, height, width))
    for axis, strength in zip(axes, WAVES, strict=True):
        swing, turns = rng.uniform(0, strength) * height, rng.uniform(0.5, 2.5)
        wave = swing * np.sin(2 * math.pi * (turns * np.arange(size[axis]) / size[axis] + rng.random()))
        if axis == 0:
            field[0] += wave[None, :]
        else:
            field[1] += wave[:, None]
    return field


def swirl(size: tuple[int, int], rng: random.Random) -> np.ndarray:
    """Returns the field of strong waves in both directions, which change along the way."""
    width, height = size
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    down, across = rows / height, columns / height
    field = np.zeros((2, height, width), np.float32)
    for _ in range(rng.randint(1, 3)):
        for axis, strength in enumerate(SWIRL):
            turns = rng.uniform(0.2, 1.6), rng.uniform(0.0, 1.0)
            along = (across * turns[0] + down * turns[1]) if axis == 0 else (down * turns[0] + across * turns[1])
            wave = np.sin(2 * math.pi * (along + rng.random()), dtype=np.float32)
            field[axis] += rng.uniform(0.3, 1.0) * strength / 1.5 * height * wave
    return field


def displace(pixels: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Returns pixels (height, width, …) bent by a field; beyond an edge its colour goes on."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    rows = (rows + field[0]).round().astype(np.int32).clip(0, height - 1)
    columns = (columns + field[1]).round().astype(np.int32).clip(0, width - 1)
    return pixels[rows, columns]
