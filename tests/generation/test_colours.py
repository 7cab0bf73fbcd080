"""Colours that contrast with their background."""

import random

import numpy as np

from bearcat.generation.colours import MIN_CONTRAST, contrast, contrasting_colour, luminance, random_colour


def test_colours_contrast_with_their_background():
    source = random.Random(1)
    for _ in range(300):
        plain = np.full((4, 4, 3), random_colour(source.random(), source), np.uint8)
        colour, outline = contrasting_colour(plain, source)
        assert outline is None
        assert contrast(*(float(luminance(np.array(c))) for c in (colour, plain[0, 0]))) >= MIN_CONTRAST * 0.97
    colour, outline = contrasting_colour(np.array([[0, 0, 0], [255, 255, 255]] * 8, np.uint8), source)
    assert contrast(*(float(luminance(np.array(c))) for c in (colour, outline))) > 2 * MIN_CONTRAST


def test_a_colour_has_the_luminance_that_was_asked_for():
    source = random.Random(2)
    for brightness in (0.02, 0.2, 0.5, 0.9):
        assert abs(luminance(np.array(random_colour(brightness, source))) - brightness) < 0.01
