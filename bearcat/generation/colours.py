"""Colours by their contrast as WCAG 2 defines it, from 1 (equal luminance) to 21 (black on white)."""

import colorsys
import random

import numpy as np
from numpy.typing import ArrayLike

MIN_CONTRAST = 3.0  # what WCAG asks of large text
PERCENTILES = (0.05, 0.95)  # of the background's luminance: the few pixels beyond are ignored
_FLARE = 0.05  # WCAG's constant for light that a screen reflects
_LUMINANCE_WEIGHTS = (0.2126, 0.7152, 0.0722)  # of red, green and blue

Colour = tuple[int, int, int]


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Returns the relative luminance (…), from 0 to 1, of sRGB pixels (…, 3), from 0 to 255."""
    return _LINEAR_LEVELS[np.asarray(pixels, np.uint8)] @ np.array(_LUMINANCE_WEIGHTS)


def contrast(one: ArrayLike, other: ArrayLike) -> np.ndarray:
    """Returns the contrast of luminances with others, element by element."""
    return (np.maximum(one, other) + _FLARE) / (np.minimum(one, other) + _FLARE)


def contrasting_colour(background: np.ndarray, rng: random.Random) -> tuple[Colour, Colour | None]:
    """Returns a random colour that contrasts with a background.

    Args:
        background: Pixels (…, 3) that the colour is drawn on.
        rng: Source of the randomness.

    Returns:
        The colour, and the colour of an outline: None unless the background is both dark and light, so that no
        colour contrasts with all of it.
    """
    ranked = np.sort(luminance(background), axis=None)
    low, high = (float(ranked[round(fraction * (ranked.size - 1))]) for fraction in PERCENTILES)
    max_dark = (low + _FLARE) / MIN_CONTRAST - _FLARE
    min_light = (high + _FLARE) * MIN_CONTRAST - _FLARE
    ranges = [(max_dark * 0.2, max_dark * 0.95)] if max_dark > 0.005 else []
    ranges += [(min_light + (1 - min_light) * 0.05, min_light + (1 - min_light) * 0.9)] if min_light < 0.97 else []
    if ranges:
        return random_colour(rng.uniform(*rng.choice(ranges)), rng), None
    light = rng.random() < 0.5
    return random_colour(0.75 if light else 0.02, rng), random_colour(0.01 if light else 0.9, rng)


def random_colour(luminance: float, rng: random.Random, vividness: float = 1.0) -> Colour:
    """Returns a colour of random hue with the given luminance; both this and the vividness are from 0 to 1."""
    vivid = [_to_linear(level) for level in colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.6, 1), 1)]
    own = sum(level * weight for level, weight in zip(vivid, _LUMINANCE_WEIGHTS, strict=True))
    if own > luminance:
        levels = [level * luminance / own for level in vivid]
    else:
        levels = [level + (1 - level) * (luminance - own) / (1 - own) for level in vivid]
    levels = [vividness * level + (1 - vividness) * luminance for level in levels]
    red, green, blue = (round(255 * _to_srgb(level)) for level in levels)
    return red, green, blue


def _to_linear(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _to_srgb(level: float) -> float:
    return level * 12.92 if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055


_LINEAR_LEVELS = np.array([_to_linear(level / 255) for level in range(256)])
