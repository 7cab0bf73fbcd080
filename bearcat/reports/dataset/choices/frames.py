"""The value of FRAMES that suits an animation, from what each of its frames shows."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from bearcat.data.frames import FIRST, SPREAD, evenly_spaced

LOOKED_AT = 16  # frames at most
SMALL = (240, 240)  # largest width and height that frames are compared in
MID_GREY = 128
LEAST_CHANGE = 32  # grey levels; with smaller changes the frames count as alike
OF_LARGEST_CHANGE = 0.4  # fraction of the largest change from which a pixel counts as drawn
LEAST_DRAWN = 0.002  # fraction of the pixels that must change
EVERYTHING = 0.9  # fraction of what is ever drawn that a frame must show to suffice
SAME_SHAPE = 0.85  # fraction of a shape that is found again in the next frame if it has only moved
AS_MUCH = 0.8  # fraction of the fullest frame that another must show to be used instead
WHOLE_WIDTH = 0.55  # fraction of the drawn columns from which a frame is not merely a part

# FRAMES → what was seen in the frames
REASONS = {
    FIRST: "the first frame shows all of what is drawn, or as much as any other",
    "last": "the last frame shows all of what is drawn, the first does not",
    "darkest": "what is drawn, dark on light, appears at different times",
    "lightest": "what is drawn, light on dark, appears at different times",
    "median": "something moves, and what lies under it stays",
    SPREAD: "what is drawn moves, and neither the first nor the last frame shows all of it",
}


def choose_frames(frames: Sequence[Image.Image]) -> str:
    """Returns the value of FRAMES that suits an animation.

    The pixels that change are what is drawn. If one frame shows nearly all of them, it will do; otherwise the frames
    are put together, unless what is drawn moves, or is only noise over something that stays.

    Args:
        frames: At least two RGB images of the same size.
    """
    grey = _grey(frames)
    collected = "darkest"
    if np.median(grey) < MID_GREY:
        grey, collected = 255 - grey, "lightest"
    lightest, darkest = grey.max(axis=0), grey.min(axis=0)
    change = lightest - darkest
    least = max(LEAST_CHANGE, OF_LARGEST_CHANGE * change.max())
    drawn = change >= least
    if drawn.mean() < LEAST_DRAWN:
        return FIRST
    shown = lightest - grey >= least
    coverage = shown.sum(axis=(1, 2)) / drawn.sum()
    for number, how in ((0, FIRST), (-1, "last")):
        if coverage[number] >= EVERYTHING:
            return how
    if coverage.max() < EVERYTHING:
        if _moves(shown):
            fullest = AS_MUCH * coverage.max()
            return FIRST if coverage[0] >= fullest else "last" if coverage[-1] >= fullest else SPREAD
        staying = (np.median(grey) - lightest >= least).mean()
        columns = shown.any(axis=1)
        if staying >= shown.mean() and columns.mean() >= WHOLE_WIDTH * columns.any(axis=0).mean():
            return "median"
    return collected


def _grey(frames: Sequence[Image.Image]) -> np.ndarray:
    """Returns evenly spaced frames in grey and at most SMALL, int16 (n, H, W)."""
    small = []
    for number in evenly_spaced(len(frames), LOOKED_AT):
        frame = frames[number].convert("L")
        frame.thumbnail(SMALL, Image.Resampling.BOX)
        small.append(np.asarray(frame, np.int16))
    return np.stack(small)


def _moves(shown: np.ndarray) -> bool:
    """Whether most frames show what the frame before shows, at another place.

    Args:
        shown: Where each frame has something drawn, bool (n, H, W).
    """
    shown = shown[shown.any(axis=(1, 2))]
    if len(shown) < 2:
        return False
    height, width = shown.shape[1:]
    areas = shown.sum(axis=(1, 2))
    # padded, so that what leaves at one edge does not come in at the other
    spectra = np.fft.rfft2(shown.astype(np.float32), (2 * height, 2 * width))
    moved = 0
    for before, after, area in zip(spectra[:-1], spectra[1:], np.minimum(areas[:-1], areas[1:]), strict=True):
        overlaps = np.fft.irfft2(after * before.conj(), (2 * height, 2 * width))
        best = overlaps.max()
        moved += best >= SAME_SHAPE * area and overlaps[0, 0] < AS_MUCH * best
    return moved > (len(shown) - 1) / 2
