"""Colours that stand out: chosen by the contrast of WCAG, from 1 (the same) to 21 (black on white)."""

import colorsys
import random

import numpy as np

LEAST_CONTRAST = 3.0  # what WCAG asks of large text
DARKEST, LIGHTEST = 0.0, 1.0
_GLARE = 0.05  # WCAG's light that a screen always reflects

Colour = tuple[int, int, int]


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Return the relative luminance (…) of sRGB pixels (…, 3) from 0 to 255."""
    return _TO_LINEAR[np.asarray(pixels, np.uint8)] @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: float, other: float) -> float:
    """Return the contrast of two luminances."""
    return (max(one, other) + _GLARE) / (min(one, other) + _GLARE)


def choose_colour(background: np.ndarray, source: random.Random) -> tuple[Colour, Colour | None]:
    """Return a random colour that stands out from the pixels (…, 3) under it, and what to outline it with.

    The outline is None where the colour is enough; on a background both dark and light none would be.
    """
    low, high = np.percentile(luminance(background), (5, 95))
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
    vivid = colorsys.hsv_to_rgb(source.random(), source.uniform(0.6, 1), 1)
    linear = _TO_LINEAR[(np.array(vivid) * 255).astype(np.uint8)]
    own = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    if own > brightness:
        linear = linear * (brightness / own)
    else:
        linear = linear + (1 - linear) * ((brightness - own) / (1 - own))
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    red, green, blue = np.round(srgb.clip(0, 1) * 255).astype(int).tolist()
    return red, green, blue


def _linear_steps() -> np.ndarray:
    steps = np.arange(256) / 255
    return np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)


_TO_LINEAR = _linear_steps()
