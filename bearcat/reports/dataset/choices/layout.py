"""The value of LAYOUT that suits the images of texts, from their proportions and from what each row shows."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bearcat.data.layouts.arrangement import LINE, TWO_LINES, VERTICAL, line_size
from bearcat.data.layouts.cuts import row_ink, shrink

TALL = 1.5  # height of a column, at least, in widths
MIDDLE = 0.35, 0.65  # part of the height in which the band between two lines lies
SMOOTHED = 20  # rows are averaged over a part of the height: the 20th
PAPER_ROWS, INK_ROWS = 5, 90  # percentiles of the rows' ink that stand for nothing and for text
EMPTY, FULL = 0.25, 0.5  # ink of the band, at most, and of rows of text, at least, between these two
LEAST_TEXT = 0.12  # fraction of the height that has rows of text above the band, and below
FEWEST = {TWO_LINES: 4, VERTICAL: 2}  # symbols of the median label
CHARACTER_RATIO = 2.2  # height of the image in widths of a character if all were in one line: less is one line


@dataclass(frozen=True)
class SeenLayout:
    """What an image shows of its layout.

    Args:
        has_band: Whether an empty band divides it into an upper and a lower part.
        size: Its width and height in pixels.
        line_sizes: Value of LAYOUT → width and height of the line that it makes of the image.
    """

    has_band: bool
    size: tuple[int, int]
    line_sizes: dict[str, tuple[int, int]]

    @property
    def is_tall(self) -> bool:
        return self.size[1] >= TALL * self.size[0]


def see_layout(image: Image.Image) -> SeenLayout:
    """Measures an RGB image."""
    return SeenLayout(has_band(image), image.size, {how: line_size(image, how) for how in (TWO_LINES, VERTICAL)})


def has_band(image: Image.Image) -> bool:
    """Whether the middle of an image has an empty band, with rows of text above and below."""
    ink = row_ink(shrink(image)).astype(np.float64)
    window = max(1, round(len(ink) / SMOOTHED))
    before = window // 2
    padded = np.pad(ink, (before, window - 1 - before), mode="edge")
    ink = np.convolve(padded, np.full(window, 1 / window), "valid")
    paper, text = np.percentile(ink, [PAPER_ROWS, INK_ROWS])
    start, end = (round(len(ink) * part) for part in MIDDLE)
    if text <= paper or start == end:  # nothing is drawn, or there are two rows, which have no middle
        return False
    ink = (ink - paper) / (text - paper)
    band = start + int(ink[start:end].argmin())
    full = ink >= FULL
    return bool(ink[band] <= EMPTY and min(full[:band].sum(), full[band:].sum()) >= LEAST_TEXT * len(ink))


def choose_layout(seen: Sequence[SeenLayout], label_lengths: Counter[int]) -> str:
    """Returns the value of LAYOUT that suits most images.

    Args:
        seen: A sample of the images.
        label_lengths: Number of labels per length.
    """
    if not seen or not label_lengths:
        return LINE
    length = statistics.median(label_lengths.elements())
    width, height = (statistics.median(one.size[axis] for one in seen) for axis in (0, 1))
    if length >= FEWEST[VERTICAL] and _is_most(VERTICAL, seen):
        return VERTICAL
    is_high = height * length >= CHARACTER_RATIO * width
    return TWO_LINES if length >= FEWEST[TWO_LINES] and is_high and _is_most(TWO_LINES, seen) else LINE


# value of LAYOUT → whether an image has it; what was seen in the images that have it
_SHOWS: dict[str, Callable[[SeenLayout], bool]] = {
    TWO_LINES: lambda one: one.has_band,
    VERTICAL: lambda one: one.is_tall,
}
_SEEN = {
    TWO_LINES: "an empty band divides {} of {} images into an upper and a lower line",
    VERTICAL: f"{{}} of {{}} images are at least {TALL:g} times as high as wide, and labels have several characters",
}


def _is_most(how: str, seen: Sequence[SeenLayout]) -> bool:
    return 2 * sum(map(_SHOWS[how], seen)) > len(seen)


def reason_for_layout(how: str, seen: Sequence[SeenLayout]) -> str:
    """Returns why `choose_layout` has chosen a value other than 'line'."""
    return _SEEN[how].format(sum(map(_SHOWS[how], seen)), len(seen))
