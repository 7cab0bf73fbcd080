"""Image grids: the notation, cells that fill the image within its margins, and cells that match a name."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import ImageError, SettingsError
from bearcat.core.workspace import ROOT
from bearcat.data.codecs import Prediction
from bearcat.data.grids import EXAMPLE, MAX_CELLS, Grid, cut, matching_cells
from bearcat.data.images import MIN_SIDE

OF_12306 = Grid(2, 4, left=5, top=41, gap=5, right=5, bottom=10)  # 8 cells of 67×67 in 293×190


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("2x4", Grid(2, 4)),
        ("1x1", Grid(1, 1)),
        ("3x12~2", Grid(3, 12, gap=2)),
        ("2x4+5+41", Grid(2, 4, left=5, top=41)),
        ("2x4+5+41~5", Grid(2, 4, left=5, top=41, gap=5)),
        ("2x4+5+41+6+10", Grid(2, 4, left=5, top=41, right=6, bottom=10)),
        ("2x4+0+0+6+10", Grid(2, 4, right=6, bottom=10)),
        ("2x4+5+41+5+10~5", OF_12306),
    ],
)
def test_the_notation_is_parsed_and_printed(text: str, grid: Grid):
    assert Grid.parse(text) == grid
    assert str(grid) == text


def test_spaces_around_the_notation_are_ignored():
    assert Grid.parse(" 2x4+5+41\n") == Grid(2, 4, left=5, top=41)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2", "2x", "x4", "2*4", "2 x 4", "-2x4", "２x４", "999999x1", "2x4.5"),
        *("2x4+30", "2x4+1+2+3", "2x4+1+2+3+4+5+6", "2x4-1-1", "2x4~", "2x4~5+1+2", "2x4" * 9),
    ],
)
def test_anything_else_is_refused_with_the_input_and_an_example(text: str):
    with pytest.raises(SettingsError) as error:
        Grid.parse(text)
    assert repr(text) in str(error.value)
    assert EXAMPLE in str(error.value)


@pytest.mark.parametrize(
    ("rows", "columns"), [(0, 4), (4, 0), (-1, -1), (MAX_CELLS, 2), (1, MAX_CELLS + 1), (99999, 99999)]
)
def test_no_cells_or_too_many_are_refused(rows: int, columns: int):
    with pytest.raises(SettingsError, match=f"{rows} rows and {columns} columns.*{MAX_CELLS}"):
        Grid(rows, columns)


def test_too_many_cells_are_refused_in_the_notation_too():
    assert Grid.parse(f"1x{MAX_CELLS}").columns == MAX_CELLS
    with pytest.raises(SettingsError, match="99999 rows"):
        Grid.parse("99999x99999")


@pytest.mark.parametrize("part", ["left", "top", "right", "bottom", "gap"])
def test_negative_pixels_are_refused(part: str):
    with pytest.raises(SettingsError, match="-1"):
        Grid(2, 2, **{part: -1})


def test_the_cells_of_12306_are_where_that_site_draws_them():
    boxes = OF_12306.boxes_xyxy(293, 190)
    assert boxes[:4] == [(5, 41, 72, 108), (77, 41, 144, 108), (149, 41, 216, 108), (221, 41, 288, 108)]
    assert boxes[4:] == [(x0, 113, x1, 180) for x0, _, x1, _ in boxes[:4]]


def test_if_pixels_do_not_divide_evenly_cells_differ_by_one_pixel():
    boxes = Grid(1, 3).boxes_xyxy(20, 7)
    assert boxes == [(0, 0, 6, 7), (6, 0, 13, 7), (13, 0, 20, 7)]


@pytest.mark.parametrize(
    ("grid", "size"),
    [(Grid(3, 7), (97, 53)), (Grid(2, 3, 5, 41, 4, 7, 11), (157, 120)), (Grid(5, 1, gap=1, bottom=3), (4, 41))],
)
def test_cells_fill_the_space_within_margins_and_gaps_and_never_overlap(grid: Grid, size: tuple[int, int]):
    boxes = grid.boxes_xyxy(*size)
    cover = np.zeros((size[1], size[0]), int)
    for x0, y0, x1, y1 in boxes:
        cover[y0:y1, x0:x1] += 1
    inner = cover[grid.top : size[1] - grid.bottom, grid.left : size[0] - grid.right]
    assert len(boxes) == grid.rows * grid.columns
    assert cover.max() == 1
    assert cover.sum() == inner.sum()
    assert (inner.max(axis=1) == 0).sum() == grid.gap * (grid.rows - 1)
    assert (inner.max(axis=0) == 0).sum() == grid.gap * (grid.columns - 1)
    for first, last in ((0, 2), (1, 3)):
        assert np.ptp([box[last] - box[first] for box in boxes]) <= 1
    assert all(isinstance(edge, int) for box in boxes for edge in box)


def test_cells_of_the_smallest_size_are_accepted_and_smaller_ones_refused():
    grid = Grid(2, 3, left=5, top=41, gap=1)
    width, height = 5 + 3 * MIN_SIDE + 2, 41 + 2 * MIN_SIDE + 1
    assert len(grid.boxes_xyxy(width, height)) == 6
    for size in ((width - 1, height), (width, height - 1)):
        with pytest.raises(ImageError) as error:
            grid.boxes_xyxy(*size)
        assert f"{size[0]}×{size[1]}" in str(error.value)
        assert "2x3+5+41~1" in str(error.value)
        assert f"{MIN_SIDE}×{MIN_SIDE}" in str(error.value)


def test_margins_wider_than_the_image_are_refused():
    with pytest.raises(ImageError, match="would have 0×4"):
        Grid(1, 2, left=100).boxes_xyxy(50, 4)


def test_cut_raises_an_error_that_the_service_maps_to_a_status():
    with pytest.raises(ImageError) as error:
        cut(Image.new("RGB", (10, 10)), Grid(5, 5))
    assert type(error.value) is ImageError


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_cut_returns_the_pixels_of_the_cells_in_reading_order(mode: str):
    image = Image.new(mode, (293, 190), "white")
    boxes = OF_12306.boxes_xyxy(*image.size)
    for number, box in enumerate(boxes):
        image.paste(Image.new(mode, (67, 67), (number * 10,) * len(mode)), box)
    cells = cut(image, OF_12306)
    assert [cell.size for cell in cells] == [(67, 67)] * 8
    for number, cell in enumerate(cells):
        assert cell.mode == mode
        assert np.unique(np.asarray(cell)).tolist() == [number * 10]


def test_matching_cells_have_a_number_a_centre_and_a_confidence():
    boxes = OF_12306.boxes_xyxy(293, 190)
    found = [("cat", 0.5), ("dog", 0.9), ("cat", 0.25), *[("dogs", 0.9)] * 4, ("dog", 0.75)]
    predictions = [Prediction(label, (confidence,)) for label, confidence in found]
    cells = matching_cells(predictions, boxes, "dog")
    assert [(cell.number, cell.label, cell.confidence) for cell in cells] == [(2, "dog", 0.9), (8, "dog", 0.75)]
    assert [cell.centre for cell in cells] == [(110, 74), (254, 146)]
    assert matching_cells(predictions, boxes, "中国结") == []


def test_every_cell_needs_a_prediction():
    with pytest.raises(ValueError, match="zip"):
        matching_cells([Prediction("cat", (0.5,))], Grid(1, 2).boxes_xyxy(8, 4), "cat")


@pytest.mark.parametrize("module", ["grids", "offline_augmentation"])
def test_the_module_imports_neither_tensorflow_nor_keras(module: str):
    check = f"import sys, bearcat.data.{module}; sys.exit(bool({{'tensorflow', 'keras'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0
