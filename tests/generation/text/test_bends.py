"""Fields that say from where the colour of each pixel is taken."""

import random

import numpy as np
import pytest

from bearcat.generation.text.bends import displace, swirl, waves


def test_a_field_says_where_the_colour_of_a_pixel_is_taken_from():
    pixels = np.arange(12).reshape(3, 4)
    field = np.zeros((2, 3, 4))
    assert (displace(pixels, field) == pixels).all()
    field[0, 0, 1], field[1, 0, 2], field[1, 2, 0] = 2, 1.4, -5
    assert displace(pixels, field).tolist() == [[0, 9, 3, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


@pytest.mark.parametrize("make", [waves, swirl])
def test_a_field_repeats_and_moves_pixels_in_both_directions(make):
    field = make((80, 40), random.Random(3))
    assert field.shape == (2, 40, 80)
    assert (field == make((80, 40), random.Random(3))).all()
    assert np.abs(field).max((1, 2)).min() > 0.3
    assert np.abs(field).max() < 40 / 2


@pytest.mark.parametrize("size", [(80, 40), (40, 40)])
def test_waves_go_along_each_side(size: tuple[int, int]):
    down, right = waves(size, random.Random(3))
    assert down.any() and (down == down[0]).all()
    assert right.any() and (right == right[:, :1]).all()


def test_both_waves_may_go_along_the_same_side():
    down, right = waves((80, 40), random.Random(3), (0, 0))
    assert down.any() and (down == down[0]).all() and not right.any()
    down, right = waves((80, 40), random.Random(3), (1, 1))
    assert right.any() and (right == right[:, :1]).all() and not down.any()
