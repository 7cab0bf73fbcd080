"""Layouts: two lines and columns become one line, each part as it was, and an image in one line stays."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from bearcat.data.layouts.arrangement import LAYOUTS, arrange, line_size
from bearcat.data.layouts.cuts import MOST_PARTS, cut_column, cut_two_lines, row_ink
from tests.helpers.layouts import draw_column, draw_two_lines

INK, PAPER = 0, 200


def rows_of(widths: Sequence[int], width: int = 8) -> Image.Image:
    """Draws a row of pixels per number, with as many strokes."""
    pixels = np.full((len(widths), width, 3), PAPER, np.uint8)
    for row, strokes in enumerate(widths):
        pixels[row, 1 : 2 * strokes : 2] = INK
    return Image.fromarray(pixels)


def columns_of(image: Image.Image) -> list[list[int]]:
    """Returns the number of strokes in each row of each part of a line, which is 8 wide."""
    pixels = np.asarray(image)[..., 0]
    return [(part == INK).sum(axis=1).tolist() for part in np.split(pixels, pixels.shape[1] // 8, axis=1)]


def test_the_ink_of_a_row_is_what_differs_in_it():
    assert row_ink(rows_of([0, 1, 3])).tolist() == [0, 2 * PAPER, 6 * PAPER]
    assert row_ink(Image.new("RGB", (1, 4), "red")).tolist() == [0, 0, 0, 0]
    colours = Image.new("RGB", (2, 1), (90, 50, 0))
    colours.putpixel((1, 0), (90, 60, 200))
    assert row_ink(colours).tolist() == [200]


def test_two_lines_are_cut_at_the_emptiest_row_of_the_middle_third():
    image = rows_of([0, 3, 2, 3, 1, 0, 0, 2, 3])
    assert cut_two_lines(image) == [6]
    line = arrange(image, "two_lines")
    assert line.size == (16, 6)
    assert columns_of(line) == [[0, 3, 2, 3, 1, 0], [0, 0, 2, 3, 0, 0]]
    assert cut_two_lines(rows_of([3, 0, 0, 3, 3, 3, 3, 3, 3])) == [3]  # 0 and 1 are no rows of the middle third
    assert cut_two_lines(rows_of([0] * 8)) == [4]
    assert cut_two_lines(rows_of([3] * 4)) == [2]


def test_a_column_is_cut_between_its_characters():
    image = rows_of([0, 3, 3, 3, 0, 2, 2, 2, 2, 0, 0, 3, 3, 1, 3, 3])
    cuts = cut_column(image)
    parts = np.split(np.array([0, 3, 3, 3, 0, 2, 2, 2, 2, 0, 0, 3, 3, 1, 3, 3]), cuts)
    inked = [part[part > 0].tolist() for part in parts]
    assert [one for one in inked if one] == [[3, 3, 3], [2, 2, 2, 2], [3, 3, 1, 3, 3]]
    line = arrange(image, "vertical")
    assert line.size == (8 * len(parts), max(map(len, parts)))
    assert [[row for row in column if row] for column in columns_of(line)] == inked


def test_an_image_that_is_not_higher_than_a_character_is_a_line_already():
    wide = rows_of([0, 3, 3, 0], width=40)
    assert arrange(wide, "vertical") is wide
    assert arrange(wide, "line") is wide


@pytest.mark.parametrize("width", [1, 5])
def test_an_image_of_one_row_is_not_cut(width: int):
    low = rows_of([0], width)
    assert arrange(low, "two_lines") is low
    assert arrange(low, "vertical") is low


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("height", [2, 3])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_images_of_a_few_rows_are_cut_between_them(width: int, height: int, layout: str):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    cuts = LAYOUTS[layout](Image.fromarray(pixels))
    assert all(top < bottom for top, bottom in pairwise([0, *cuts, height]))
    assert len(cuts) == 1 or layout != "two_lines"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_size_of_a_line_is_known_before_it_is_made(layout: str):
    for image in (rows_of([0]), rows_of([3] * 7), draw_two_lines("k7xd3a"), draw_column("k7xd3a")):
        assert line_size(image, layout) == arrange(image, layout).size


@pytest.mark.parametrize("layout", ["two_lines", "vertical"])
def test_the_parts_hold_all_pixels_of_the_image(layout: str):
    image = draw_two_lines("k7xd3a") if layout == "two_lines" else draw_column("k7xd3a")
    line = np.asarray(arrange(image, layout))
    edges = [0, *LAYOUTS[layout](image), image.height]
    for number, (top, bottom) in enumerate(pairwise(edges)):
        start = (line.shape[0] - (bottom - top)) // 2
        part = line[start : start + bottom - top, number * image.width : (number + 1) * image.width]
        np.testing.assert_array_equal(part, np.asarray(image)[top:bottom])


@pytest.mark.parametrize("seed", range(5))
def test_a_character_is_never_cut(seed: int):
    column = draw_column("WXMH8N", seed)
    rows = [round((number + 0.5) * 30) for number in range(6)]  # the middles of the characters
    cuts = cut_column(column)
    assert len({sum(cut <= row for cut in cuts) for row in rows}) == 6  # each is in a part of its own
    assert min(abs(cut - row) for cut in cuts for row in rows) > 6
    assert 25 <= cut_two_lines(draw_two_lines("WXMH8N", seed))[0] <= 39


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(4, 4), (7, 9), (31, 33), (40, 161)])
def test_an_image_of_one_colour_stays_one(layout: str, size: tuple[int, int]):
    line = np.asarray(arrange(Image.new("RGB", size, (210, 220, 240)), layout))
    assert (line == (210, 220, 240)).all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(4, 60_000), (3000, 3000), (60_000, 4)])
def test_the_line_of_a_large_image_is_not_much_larger(layout: str, size: tuple[int, int]):
    line = arrange(Image.new("RGB", size, "white"), layout)
    assert line.width * line.height <= 2.6 * size[0] * size[1]
    assert line.width <= MOST_PARTS * size[0]
