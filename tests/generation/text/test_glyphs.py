"""Masks of single characters, and how they are distorted."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.fonts import open_font
from bearcat.generation.text.glyphs import crop, draw_mask, rotate, shear, silhouette, warp


def ink(mask: Image.Image) -> np.ndarray:
    return np.asarray(mask) > 127


def test_a_mask_holds_all_ink_and_has_room_for_an_outline(latin_font: Path):
    font = open_font(latin_font, 40)
    filled, outlined = draw_mask("D", font), draw_mask("D", font, 2, is_outlined=True)
    assert (outlined.width, outlined.height) == (filled.width + 4, filled.height + 4)
    assert crop(outlined).width - crop(filled).width >= 3
    hollow = ink(crop(outlined))
    middle = hollow.shape[0] // 2
    assert hollow[middle, 1] and not hollow[middle, 5] and ink(crop(filled))[middle, 3]


def test_bold_and_faint_characters(latin_font: Path):
    font = open_font(latin_font, 40)
    usual, bold, faint = draw_mask("l", font), draw_mask("l", font, 1, bold=1), draw_mask("l", font, strength=100)
    assert ink(bold).sum() > ink(usual).sum()
    assert np.asarray(faint).max() == 100


@pytest.mark.parametrize(("amount", "row"), [(0.5, 0), (-0.5, -1)])
def test_one_end_of_a_sheared_character_moves_right(latin_font: Path, amount: float, row: int):
    mask = draw_mask("l", open_font(latin_font, 40))
    sheared = ink(shear(mask, amount))
    assert sheared.shape == (mask.height, mask.width + round(mask.height / 2))
    firsts = sheared.argmax(1)
    assert firsts[row] > firsts[-1 - row] + mask.height / 3


def test_a_rotated_character_keeps_its_ink(latin_font: Path):
    mask = crop(draw_mask("l", open_font(latin_font, 40)))
    turned = crop(rotate(mask, 90))
    assert abs(turned.width - mask.height) <= 2 and abs(turned.height - mask.width) <= 2
    assert abs(ink(turned).sum() - ink(mask).sum()) < 0.1 * ink(mask).sum()


def test_a_mask_without_ink_is_cropped_to_something():
    assert crop(Image.new("L", (9, 9))).size == (2, 2)


def test_warping_moves_the_corners(latin_font: Path):
    mask = draw_mask("E", open_font(latin_font, 40))
    assert warp(mask, 0.0, random.Random(1)).tobytes() == mask.tobytes()
    assert warp(mask, 0.2, random.Random(1)).tobytes() != mask.tobytes()


def test_a_silhouette_is_filled_between_its_first_and_last_ink():
    mask = Image.fromarray(np.array([[0, 9, 0, 9, 0], [0, 0, 0, 0, 0]], np.uint8))
    assert np.asarray(silhouette(mask)).tolist() == [[0, 9, 9, 9, 0], [0, 0, 0, 0, 0]]
