"""How legible generated captchas are: a proxy from 0 to 1, computed from the images and the ink of their characters.

It is not what people read, which only people can tell (`python app.py --label FOLDER --blind`). It is the mean over the
images of a product:

- how well the characters stand out: the F1 score between the pixels around a character that contrast with the paper
  and those of its own ink, mean over the characters;
- how much of their shapes a bend leaves: the similarity of the bent characters with straight ones;
- how large they are: 1 for ink of LEGIBLE_SIZE pixels and more, in proportion below;
- how upright they are: the cosine of the mean rotation.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image, ImageFilter

from bearcat.generation.colours import MIN_CONTRAST, contrast, luminance
from bearcat.generation.config import CaptchaConfig, DrawnConfig
from bearcat.generation.generate import Item
from bearcat.generation.text.drawer import TextDrawer

LEGIBLE_SIZE = 12  # pixels: what capitals have in text of 16 pixels, the default of browsers
MARGIN = 2  # pixels around a character that are looked at too
EDGE = 3  # side in pixels of the filter whose surplus is the edge of ink: it is neither right nor wrong to see it
SHAPE_SIDE = 24  # of the square in which shapes are compared, in pixels
SHAPE_BLUR = 1.5  # pixels by which strokes may be displaced and still be similar

Mask = np.ndarray  # bool (height, width)


def legibility(config: CaptchaConfig, work: Path, items: Sequence[Item]) -> float | None:
    """Returns the legibility of images, from 0 to 1; None for a style that does not tell where its ink is.

    Args:
        config: Says how the images look.
        work: The folder that its paths are relative to.
        items: The images.
    """
    if not isinstance(config, DrawnConfig):
        return None
    drawer, straight = TextDrawer(config, work), TextDrawer(replace(config, bend=0), work)
    scores = []
    for _, text, seed in items:
        masks = drawer.masks(text, seed)
        shape = shape_kept(masks, straight.masks(text, seed)) if config.bend else 1.0
        scores.append(stands_out(np.asarray(drawer.draw(text, seed)), masks) * shape * size_factor(masks))
    return fmean(scores) * upright_factor(config.rotation)


def stands_out(pixels: np.ndarray, masks: Sequence[Mask]) -> float:
    """Returns how well characters can be told from what is around them, from 0 to 1.

    Lines, dots and other characters beside them count as wrong, as does ink that is covered or too faint.

    Args:
        pixels: RGB pixels (height, width, 3).
        masks: The ink of each character.
    """
    any_ink = np.logical_or.reduce(masks)
    return fmean(_f1(pixels, mask, any_ink) for mask in masks)


def _f1(pixels: np.ndarray, mask: Mask, any_ink: Mask) -> float:
    if not mask.any():
        return 0.0
    box = _box(mask, MARGIN)
    own, paper = mask[box], pixels[box][~any_ink[box]]
    if not paper.size:  # characters all over the box
        paper = pixels[~any_ink]
    colour = np.median(paper, axis=0)
    seen = contrast(luminance(pixels[box]), luminance(colour)) >= MIN_CONTRAST
    seen &= own | ~_widened(own)
    return float(2 * (seen & own).sum() / (seen.sum() + own.sum()))


def _widened(mask: Mask) -> Mask:
    return np.asarray(Image.fromarray(mask).convert("L").filter(ImageFilter.MaxFilter(EDGE))) > 0


def shape_kept(masks: Sequence[Mask], straight: Sequence[Mask]) -> float:
    """Returns how similar characters are to the same ones without the bend, from 0 to 1."""
    return fmean(_similarity(one, other) for one, other in zip(masks, straight, strict=True))


def _similarity(one: Mask, other: Mask) -> float:
    """Returns the cosine similarity of two shapes, wherever they lie and however large they are."""
    if not one.any() or not other.any():
        return 0.0
    first, second = _shape(one), _shape(other)
    return float((first * second).sum() / math.sqrt((first**2).sum() * (second**2).sum()))


def _shape(mask: Mask) -> np.ndarray:
    square = Image.fromarray(mask[_box(mask)]).convert("L").resize((SHAPE_SIDE, SHAPE_SIDE), Image.Resampling.BOX)
    return np.asarray(square.filter(ImageFilter.GaussianBlur(SHAPE_BLUR)), np.float64)


def size_factor(masks: Sequence[Mask]) -> float:
    """Returns the factor of the size of characters: the longer sides of their ink, mean over them."""
    return min(1.0, fmean(max(mask[_box(mask)].shape) if mask.any() else 0 for mask in masks) / LEGIBLE_SIZE)


def upright_factor(rotation: float) -> float:
    """Returns the factor of characters that are rotated at random by up to some degrees in either direction."""
    return max(0.0, math.cos(math.radians(rotation / 2)))


def _box(mask: Mask, margin: int = 0) -> tuple[slice, slice]:
    """Returns the rows and columns of the ink of a mask, and of a margin around it."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return _span(rows, margin), _span(columns, margin)


def _span(found: np.ndarray, margin: int) -> slice:
    return slice(max(0, found[0] - margin), found[-1] + 1 + margin)
