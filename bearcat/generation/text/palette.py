"""Colours of style "drawn": ink and paper that differ in lightness as configured, and any colours for what disturbs.

Lightness is that of CIE L*, from 0 (black) to 1 (white): equal differences look about equal.
"""

import random

from bearcat.generation.colours import Colour, random_colour

PAPER_VIVIDNESS = 0.5  # the most, from 0 (grey) to 1


class Palette:
    """Chooses the colours of an image.

    Args:
        colours: 'one' for all characters, 'each' its own, or 'black'.
        contrast: Difference in lightness between ink and paper, the least one if a paper has several colours.
        by_ink, by_paper: Sources of the randomness of inks and papers.
    """

    def __init__(self, colours: str, contrast: float, by_ink: random.Random, by_paper: random.Random):
        lightness = by_ink.random() * (1 - contrast)
        self._ink = 0.0 if colours == "black" else lightness
        self._contrast, self._by_ink, self._by_paper = contrast, by_ink, by_paper
        self._shared = None if colours == "each" else _colour(self._ink, by_ink)

    def ink(self) -> Colour:
        """Returns the colour of the next character."""
        return self._shared or _colour(self._ink, self._by_ink)

    def paper(self) -> Colour:
        """Returns a colour that is lighter than the ink by the contrast."""
        return self._paper(self._ink + self._contrast)

    def lighter_paper(self) -> Colour:
        """Returns a colour that is lighter than the ink by the contrast or more."""
        return self._paper(self._by_paper.uniform(self._ink + self._contrast, 1))

    def any_paper(self) -> Colour:
        """Returns a colour that is lighter or darker than the ink by the contrast or more."""
        darker = max(0.0, self._ink - self._contrast)
        place = self._by_paper.uniform(0, darker + 1 - self._ink - self._contrast)
        return self._paper(place if place < darker else self._ink + self._contrast + place - darker)

    def _paper(self, lightness: float) -> Colour:
        return _colour(lightness, self._by_paper, PAPER_VIVIDNESS)


def any_colour(rng: random.Random) -> Colour:
    """Returns a colour of any hue and lightness."""
    return _colour(rng.random(), rng)


def luminance_of(lightness: float) -> float:
    """Returns the luminance of a CIE lightness, both from 0 to 1."""
    level = 100 * min(1.0, max(0.0, lightness))
    return ((level + 16) / 116) ** 3 if level > 8 else level / 903.3


def _colour(lightness: float, rng: random.Random, most_vivid: float = 1.0) -> Colour:
    return random_colour(luminance_of(lightness), rng, most_vivid * rng.random())
