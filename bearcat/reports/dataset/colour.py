"""The colour of images: for the choice between 1 and 3 channels, and to tell photographs from drawings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bearcat.data.images import is_coloured

COLOURED_IMAGES = 0.05  # of a set: fewer do not decide about its channels
NEARLY_GREY = 4  # mean chroma of an image without visible colour
BIN_BITS = 5  # colours are counted in steps of 2^5 levels of each channel
COLOUR_AREA = 0.01  # of an image, that a colour covers at least; strokes of one letter do
MOST_COLOURS = 32  # the largest ones, of which every two are compared
FAR_APART = 64  # levels of a channel, by which people see two colours as different
GREY_KEEPS = 0.3  # of that difference: if grey keeps less, it merges them
PHOTOGRAPH_BITS = 4.75  # of a photograph's colours, at least; gradients and drawings have fewer
PHOTOGRAPHS = 0.1  # of a set of photographs; the others show things on plain ground, as drawings do
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of R, G, B, as Pillow converts to grey (ITU-R 601)


@dataclass(frozen=True)
class Colour:
    """The colour of an image.

    Args:
        is_coloured: Whether hue or saturation differ within the image; a tint that covers all of it does not count.
        merges: Whether grey merges two of its colours that are far apart.
        chroma: Mean difference between the largest and the smallest of red, green and blue, 0 to 255.
        entropy: Entropy of the colours, counted in steps, in bits.
    """

    is_coloured: bool
    merges: bool
    chroma: float
    entropy: float


def measure_colour(image: Image.Image) -> Colour:
    """Measures an RGB image."""
    pixels = np.asarray(image, np.int16)
    fractions = np.bincount(_bins(pixels.reshape(-1, 3).astype(np.int64))) / (image.width * image.height)
    fractions = fractions[fractions > 0]
    entropy = -float((fractions * np.log2(fractions)).sum())
    return Colour(is_coloured(pixels), merges_colours(pixels), float(np.ptp(pixels, axis=2).mean()), entropy)


def merges_colours(pixels: np.ndarray) -> bool:
    """Whether grey merges two colours of an image, such as strokes and background, or two kinds of strokes.

    Compares the colours that cover an area, every two of them, rather than the image as a whole: one letter of six
    may vanish in grey while the others keep their contrast.

    Args:
        pixels: RGB pixels (H, W, 3), 0 to 255.
    """
    colours = _main_colours(pixels.reshape(-1, 3).astype(np.int64))
    distances = np.abs(colours[:, None] - colours[None]).max(axis=2)
    greys = colours @ LUMINANCE
    grey_distances = np.abs(greys[:, None] - greys[None])
    return bool(((distances >= FAR_APART) & (grey_distances < GREY_KEEPS * distances)).any())


def _bins(pixels: np.ndarray) -> np.ndarray:
    """Returns the number of each pixel's group of similar colours; (pixels,)."""
    levels, size = pixels >> BIN_BITS, 256 >> BIN_BITS
    return (levels[:, 0] * size + levels[:, 1]) * size + levels[:, 2]


def _main_colours(pixels: np.ndarray) -> np.ndarray:
    """Returns the mean of each group of similar pixels that covers an area; (colours, 3)."""
    bins, number = _bins(pixels), (256 >> BIN_BITS) ** 3
    areas = np.bincount(bins, minlength=number)
    large = np.argsort(areas)[::-1][:MOST_COLOURS]
    large = large[areas[large] >= max(1, COLOUR_AREA * len(pixels))]
    sums = np.stack([np.bincount(bins, pixels[:, channel], minlength=number) for channel in range(3)], axis=1)
    return sums[large] / areas[large, None]


def share_of(flags: Sequence[bool]) -> float:
    """Returns the fraction that is true; 0 without any."""
    return sum(flags) / len(flags) if flags else 0.0


def needs_colour(colours: Sequence[Colour], is_text: bool) -> bool:
    """Whether a set of images is worth 3 channels.

    Colour gains far more on some sets than it costs on others (docs/benchmarks.md), so that a few coloured images are
    enough. Classes and objects may also differ in a tint that covers the whole image.
    """
    if share_of([one.is_coloured for one in colours]) > COLOURED_IMAGES:
        return True
    return not is_text and bool(colours) and float(np.median([one.chroma for one in colours])) > NEARLY_GREY


def are_photographs(colours: Sequence[Colour]) -> bool:
    """Whether a set of images consists of photographs rather than drawings or text."""
    return share_of([one.entropy >= PHOTOGRAPH_BITS for one in colours]) >= PHOTOGRAPHS


def reason_for_channels(colours: Sequence[Colour], is_text: bool) -> str:
    """Returns why a set is worth 3 channels, or 1; '' without images."""
    if not colours:
        return ""
    coloured = share_of([one.is_coloured for one in colours])
    if not needs_colour(colours, is_text):
        return f"colour in {coloured:.0%} of the images" if coloured else "the images have no colour"
    if coloured <= COLOURED_IMAGES:
        return "the images differ in tint; colour helps to distinguish objects"
    reason = f"colour in {coloured:.0%} of the images"
    merged = share_of([one.merges for one in colours])
    if merged:
        reason += f"; in grey, different colours would look alike in {merged:.0%}"
    return reason + ("" if is_text else "; colour helps to distinguish objects")
