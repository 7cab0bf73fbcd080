"""Ways to make one image of the frames of an animation."""

import numpy as np
import pytest
from PIL import Image

from bearcat.data.frames import FRAMES, SPREAD_FRAMES, combine_frames, evenly_spaced, width_factor


def flat(*levels: tuple[int, int, int]) -> list[Image.Image]:
    return [Image.new("RGB", (5, 4), level) for level in levels]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("first", (10, 200, 0)),
        ("last", (30, 100, 7)),
        ("darkest", (10, 0, 0)),
        ("lightest", (90, 200, 9)),
        ("median", (30, 100, 7)),
    ],
)
def test_a_value_of_each_pixel_and_channel_is_taken(how: str, expected: tuple):
    image = combine_frames(flat((10, 200, 0), (90, 0, 9), (30, 100, 7)), how)
    assert image.size == (5, 4)
    assert image.getpixel((2, 3)) == expected


def test_the_median_of_an_even_number_lies_between_the_two_in_the_middle():
    image = combine_frames(flat((0, 0, 0), (255, 250, 9), (10, 255, 9), (20, 200, 9)), "median")
    assert image.getpixel((0, 0)) == (15, 225, 9)


def test_frames_are_spread_evenly_from_the_first_to_the_last():
    image = combine_frames(flat(*((number, 0, 0) for number in range(10))), "spread")
    assert image.size == (5 * SPREAD_FRAMES, 4)
    assert [image.getpixel((x, 0))[0] for x in range(0, 20, 5)] == [0, 3, 6, 9]
    assert combine_frames(flat((1, 1, 1), (2, 2, 2)), "spread").size == (10, 4)
    assert [width_factor("spread", count) for count in (1, 2, 9)] == [1, 2, 4]
    assert width_factor("darkest", 9) == 1
    assert evenly_spaced(1, 4) == [0]


@pytest.mark.parametrize("how", FRAMES)
def test_a_still_image_stays_as_it_is(how: str):
    (still,) = flat((9, 99, 199))
    assert combine_frames([still], how) is still


@pytest.mark.parametrize("how", FRAMES)
def test_the_frames_are_not_changed(how: str):
    frames = flat((10, 200, 0), (90, 0, 9))
    combine_frames(frames, how)
    assert [np.asarray(frame)[0, 0].tolist() for frame in frames] == [[10, 200, 0], [90, 0, 9]]
