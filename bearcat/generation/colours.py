"""Colours that stand out: chosen by the contrast of WCAG, from 1 (the same) to 21 (black on white)."""

import colorsys
import random

import numpy as np

LEAST_CONTRAST = 3.0  # what WCAG asks of large text
EXTREMES = (0.05, 0.95)  # the few pixels beyond these shares do not count
_GLARE = 0.05  # WCAG's light that a screen always reflects
_WEIGHTS = (0.2126, 0.7152, 0.0722)  # of red, green and blue in the luminance

Colour = tuple[int, int, int]


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Return the relative luminance (…) of sRGB pixels (…, 3) from 0 to 255."""
    return _LINEAR_LEVELS[np.asarray(pixels, np.uint8)] @ np.array(_WEIGHTS)


def contrast(one: float, other: float) -> float:
    """Return the contrast of two luminances."""
    return (max(one, other) + _GLARE) / (min(one, other) + _GLARE)


def choose_colour(background: np.ndarray, source: random.Random) -> tuple[Colour, Colour | None]:
    """Return a random colour that stands out from the pixels (…, 3) under it, and what to outline it with.

    The outline is None where the colour is enough; on a background both dark and light none would be.
    """
    ranked = np.sort(luminance(background), axis=None)
    low, high = (float(ranked[round(share * (ranked.size - 1))]) for share in EXTREMES)
    darker = (low + _GLARE) / LEAST_CONTRAST - _GLARE  # so dark, or darker
    lighter = (high + _GLARE) * LEAST_CONTRAST - _GLARE  # so light, or lighter
    ranges = [(darker * 0.2, darker * 0.95)] if darker > 0.005 else []
    ranges += [(lighter + (1 - lighter) * 0.05, lighter + (1 - lighter) * 0.9)] if lighter < 0.97 else []
    if ranges:
        return coloured(source, source.uniform(*source.choice(ranges))), None
    # neither end is far from all of the background: the outline makes the difference
    light = source.random() < 0.5
    return coloured(source, 0.75 if light else 0.02), coloured(source, 0.01 if light else 0.9)


def coloured(source: random.Random, brightness: float) -> Colour:
    """Return a colour of random hue with the given luminance."""
    vivid = [_to_linear(level) for level in colorsys.hsv_to_rgb(source.random(), source.uniform(0.6, 1), 1)]
    own = sum(level * weight for level, weight in zip(vivid, _WEIGHTS, strict=True))
    if own > brightness:
        levels = [level * brightness / own for level in vivid]
    else:
        levels = [level + (1 - level) * (brightness - own) / (1 - own) for level in vivid]
    red, green, blue = (round(255 * _to_srgb(level)) for level in levels)
    return red, green, blue


def _to_linear(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _to_srgb(level: float) -> float:
    return level * 12.92 if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055


_LINEAR_LEVELS = np.array([_to_linear(level / 255) for level in range(256)])
