"""Glyphs: masks of single characters, their ink light on black, and how they are distorted."""

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def draw_mask(
    character: str,
    font: ImageFont.FreeTypeFont,
    outline: int = 0,
    *,
    is_outlined: bool = False,
    bold: int = 0,
    strength: int = 255,
) -> Image.Image:
    """Draws the mask of a character.

    Args:
        character: What to draw.
        font: Its font at its size.
        outline: Width of an outline in pixels. The mask has room for it even if the character is filled.
        is_outlined: Whether only the outline is drawn.
        bold: Pixels by which a filled character is made bolder.
        strength: Opacity of the ink, 0 to 255.
    """
    left, top, right, bottom = font.getbbox(character, stroke_width=outline)
    mask = Image.new("L", (max(2, math.ceil(right - left)), max(2, math.ceil(bottom - top))))
    pencil = ImageDraw.Draw(mask)
    if is_outlined:
        pencil.text((-left, -top), character, 0, font, stroke_width=outline, stroke_fill=strength)
    else:
        pencil.text((-left, -top), character, strength, font, stroke_width=bold)
    return mask


def warp(mask: Image.Image, fraction: float, rng: random.Random) -> Image.Image:
    """Moves the corners of a mask by up to a fraction of its sides."""
    width, height = mask.size
    corners = ((0, 0), (0, height), (width, height), (width, 0))
    pull = [
        coordinate + rng.uniform(-fraction, fraction) * side
        for corner in corners
        for coordinate, side in zip(corner, mask.size, strict=True)
    ]
    return mask.transform(mask.size, Image.Transform.QUAD, pull, Image.Resampling.BILINEAR)


def shear(mask: Image.Image, amount: float) -> Image.Image:
    """Shears a mask: its top moves right by a fraction of its height, its bottom if `amount` is negative."""
    extra = math.ceil(abs(amount) * mask.height)
    map_back = (1, amount, -amount * mask.height if amount > 0 else 0.0, 0, 1, 0)
    return mask.transform(
        (mask.width + extra, mask.height), Image.Transform.AFFINE, map_back, Image.Resampling.BILINEAR
    )


def rotate(mask: Image.Image, angle: float) -> Image.Image:
    """Rotates a mask by an angle in degrees; it grows as needed."""
    return mask.rotate(angle, Image.Resampling.BILINEAR, expand=True)


def crop(mask: Image.Image) -> Image.Image:
    """Crops a mask to its ink."""
    return mask.crop(mask.getbbox() or (0, 0, 2, 2))


def silhouette(mask: Image.Image) -> Image.Image:
    """The silhouette of a mask: in each row everything from its first to its last ink."""
    ink = np.asarray(mask)
    return Image.fromarray(np.minimum(np.maximum.accumulate(ink, 1), np.maximum.accumulate(ink[:, ::-1], 1)[:, ::-1]))
