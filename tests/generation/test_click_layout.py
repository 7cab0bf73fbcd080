"""Glyphs are cropped to their ink and placed without touching."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.core.fonts import open_font
from bearcat.generation.click_layout import MARGIN, MIN_INK, boxes_touch, grid_size, make_glyph, place_glyphs


@pytest.mark.parametrize("angle", [0, 17.5, -30, 90])
def test_a_glyph_is_cropped_to_its_ink(latin_font: Path, angle: float):
    for character in "Agj7":
        mask = np.asarray(make_glyph(character, latin_font, 40, angle).mask)
        paper = Image.new("L", (200, 200))
        ImageDraw.Draw(paper).text((80, 80), character, fill=255, font=open_font(latin_font, 40))
        alone = np.asarray(paper.rotate(angle, Image.Resampling.BICUBIC))
        rows, columns = np.nonzero(alone >= MIN_INK)
        # the turned grids differ by a part of a pixel
        assert abs(mask.shape[0] - (np.ptp(rows) + 1)) <= 1
        assert abs(mask.shape[1] - (np.ptp(columns) + 1)) <= 1
        for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
            assert edge.max() >= MIN_INK


def test_characters_are_made_smaller_if_they_do_not_fit(latin_font: Path):
    glyphs = [make_glyph(character, latin_font, 40, 0) for character in "ABDEGH"]
    placed = place_glyphs(glyphs, 100, 50, 8, 0, random.Random(0))
    assert max(place.glyph.size for place in placed) < 40


def test_characters_are_placed_in_a_grid_at_last(latin_font: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearcat.generation.click_layout.LAYOUT_TRIES", 0)
    source = random.Random(0)
    columns, rows = grid_size(120, 70, 20, 30)
    glyphs = [make_glyph("M", latin_font, 45, source.uniform(-30, 30)) for _ in range(columns * rows)]
    boxes = [place.box for place in place_glyphs(glyphs, 120, 70, 20, 30, source)]
    assert len(boxes) == columns * rows == 6
    for index, box in enumerate(boxes):
        assert box[0] >= MARGIN <= box[1]
        assert box[2] <= 120 - MARGIN
        assert box[3] <= 70 - MARGIN
        assert not any(boxes_touch(box, other) for other in boxes[:index])
