"""The proxy of legibility: 1 for clear characters, less for each thing that makes them hard to read."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bearcat.generation.config import DrawnConfig
from bearcat.strength.sweep.legibility import legibility, shape_kept, size_factor, stands_out, upright_factor
from tests.helpers.captchas import load_drawn, load_text

ITEMS = [("", text, str(number)) for number, text in enumerate(("abc1", "DE23", "4bCd", "a1B2", "c5A6"))]
INK, PAPER = (20, 20, 20), (240, 240, 240)


@pytest.fixture
def clear(tmp_path: Path, latin_font: Path) -> DrawnConfig:
    return load_drawn(
        tmp_path, latin_font, width=200, rotation=0, shear=0, bend=0, lines=0, dots=0, contrast=0.9, colours="black"
    )


def test_clear_characters_are_legible(clear: DrawnConfig, tmp_path: Path):
    assert legibility(clear, tmp_path, ITEMS) > 0.93


@pytest.mark.parametrize(
    ("change", "harder"),
    [
        ({"lines": 3}, {"lines": 12}),
        ({"dots": 0.05}, {"dots": 0.3}),
        ({"overlap": 0.2}, {"overlap": 0.5}),
        ({"bend": 0.4}, {"bend": 1.0}),
        ({"rotation": 30}, {"rotation": 60}),
        ({"contrast": 0.5}, {"contrast": 0.2}),
        ({"character_size": (10, 12)}, {"character_size": (8, 8)}),
        ({"paper": "grid"}, {"paper": "grid", "lines": 8}),
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_makes_reading_hard_lowers_it(clear: DrawnConfig, tmp_path: Path, change: dict, harder: dict):
    scores = [legibility(replace(clear, **changes), tmp_path, ITEMS) for changes in ({}, change, harder)]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[2] < scores[1] < scores[0] <= 1


def test_it_is_unknown_where_nobody_knows_the_ink(tmp_path: Path):
    assert legibility(load_text(tmp_path), tmp_path, ITEMS) is None


def bars() -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns an image of two dark bars on light paper, and their masks."""
    masks = [np.zeros((40, 60), bool) for _ in range(2)]
    masks[0][5:35, 8:16], masks[1][5:35, 40:48] = True, True
    pixels = np.full((40, 60, 3), PAPER, np.uint8)
    pixels[masks[0] | masks[1]] = INK
    return pixels, masks


def test_only_the_characters_own_pixels_count():
    pixels, masks = bars()
    assert stands_out(pixels, masks) == 1
    pixels[38:, :, :] = INK  # far from the characters
    assert stands_out(pixels, masks) == 1
    pixels[20:24, :, :] = INK  # through both of them
    crossed = stands_out(pixels, masks)
    assert crossed < 1
    pixels[5:20, 8:16] = PAPER  # half of one is covered
    assert stands_out(pixels, masks) < crossed


def test_edges_of_ink_are_neither_right_nor_wrong():
    pixels, masks = bars()
    pixels[5:35, 7] = (90, 90, 90)
    assert stands_out(pixels, masks) == 1


def test_ink_without_contrast_or_outside_the_image_does_not_stand_out():
    pixels, masks = bars()
    assert stands_out(np.full_like(pixels, 128), masks) == 0
    nothing = np.zeros_like(masks[0])
    assert stands_out(pixels, [masks[0], nothing]) == 0.5
    assert shape_kept([nothing], [masks[0]]) == 0
    assert size_factor([nothing]) == 0


def test_characters_without_paper_between_them_are_compared_with_the_paper_elsewhere():
    pixels, masks = bars()
    around = np.zeros_like(masks[0])
    around[2:38, 4:20] = True
    around &= ~masks[0]
    pixels[around] = INK
    assert 0 < stands_out(pixels, [masks[0], around]) < 1


def test_a_shape_is_the_same_wherever_it_lies_and_however_large_it_is():
    _, (bar, other) = bars()
    assert shape_kept([bar], [other]) == pytest.approx(1)
    lower = np.zeros_like(bar)
    lower[10:15, 10:20] = True
    angle = lower.copy()
    angle[10:30, 10:13] = True
    assert shape_kept([angle], [lower]) < 0.9


def test_size_and_rotation():
    _, masks = bars()
    assert size_factor(masks) == 1
    assert size_factor([mask[::5, ::5] for mask in masks]) == pytest.approx(6 / 12)
    assert upright_factor(0) == 1
    assert upright_factor(60) == pytest.approx(math.cos(math.radians(30)))
    assert upright_factor(180) == pytest.approx(0, abs=1e-9)
