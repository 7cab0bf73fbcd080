"""Inks and papers differ in lightness by the contrast that is configured."""

import random

import numpy as np
import pytest

from bearcat.generation.colours import Colour, luminance
from bearcat.generation.text.palette import Palette, any_colour, luminance_of

ROUNDING = 0.02  # of colours in 256 levels


def palette(colours: str, contrast: float, seed: int) -> Palette:
    return Palette(colours, contrast, random.Random(seed), random.Random(seed + 1))


def lightness(colour: Colour) -> float:
    """CIE L*, from 0 to 1."""
    level = float(luminance(np.array(colour)))
    return (116 * level ** (1 / 3) - 16) / 100 if level > 0.008856 else 9.033 * level


def test_lightness_becomes_the_luminance_of_cie():
    assert [luminance_of(value) for value in (-1, 0, 1, 2)] == pytest.approx([0, 0, 1, 1])
    assert luminance_of(0.5) == pytest.approx(0.1842, abs=1e-4)
    assert luminance_of(0.05) == pytest.approx(0.0055, abs=1e-4)


@pytest.mark.parametrize("colours", ["one", "each", "black"])
@pytest.mark.parametrize("contrast", [0.1, 0.4, 0.7, 1.0])
def test_every_paper_differs_from_the_ink_by_the_contrast(colours: str, contrast: float):
    for seed in range(25):
        chosen = palette(colours, contrast, seed)
        ink = lightness(chosen.ink())
        assert lightness(chosen.paper()) - ink == pytest.approx(contrast, abs=ROUNDING)
        assert lightness(chosen.lighter_paper()) - ink > contrast - ROUNDING
        assert abs(lightness(chosen.any_paper()) - ink) > contrast - ROUNDING


def test_any_paper_is_dark_or_light_if_the_contrast_leaves_room():
    chosen = palette("one", 0.3, 6)
    ink = lightness(chosen.ink())
    assert {lightness(chosen.any_paper()) > ink for _ in range(60)} == {False, True}


def test_characters_have_one_colour_each_its_own_or_black():
    assert len({palette("one", 0.5, seed).ink() for seed in range(9)}) == 9
    for colours, different in (("one", 1), ("each", 9), ("black", 1)):
        chosen = palette(colours, 0.5, 3)
        inks = {chosen.ink() for _ in range(9)}
        assert len(inks) == different
        assert (inks == {(0, 0, 0)}) == (colours == "black")


def test_papers_are_paler_than_inks():
    spread = [max(colour) - min(colour) for colour in (palette("one", 0.5, seed).paper() for seed in range(60))]
    assert max(spread) < 160 and len(set(spread)) > 20


def test_any_colour_is_of_any_lightness():
    rng = random.Random(1)
    values = [lightness(any_colour(rng)) for _ in range(200)]
    assert min(values) < 0.1 and max(values) > 0.9
