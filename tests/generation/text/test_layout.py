"""Characters lie side by side, inside the image, as large as it allows."""

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bearcat.core.fonts import open_font
from bearcat.generation.rules import MIN_SIZE
from bearcat.generation.text import layout
from bearcat.generation.text.layout import (
    BEND_REACH,
    MARGIN,
    Geometry,
    PlacedMask,
    bend,
    find_fonts,
    lay_out,
    make_bend,
    needed_size,
)

PLAIN = Geometry(
    width=160, height=60, char_count=(4, 6), character_size=(), rotation=0, shear=0, overlap=0, outline=0, bend=0
)


def place(text: str, geometry: Geometry, font: Path, seed: int = 0) -> list[PlacedMask]:
    return lay_out(text, geometry, find_fonts(text, [font]), lambda name: random.Random(f"{seed}/{name}"))


def test_sizes_follow_from_the_height_and_the_width_unless_they_are_given():
    assert PLAIN.size_range == (26, 35)
    assert replace(PLAIN, width=2000).size_range == (34, 45)
    assert replace(PLAIN, width=16).size_range == (MIN_SIZE, MIN_SIZE)
    assert replace(PLAIN, character_size=[20, 30]).size_range == (20, 30)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"rotation": 180},
        {"shear": 1},
        {"overlap": 0.6},
        {"outline": 3},
        {"bend": 1},
        {"character_size": (90, 90)},
        {"width": 60, "height": 20},
        {"width": 40, "rotation": 30, "overlap": 0.3},
    ],
    ids=str,
)
@pytest.mark.parametrize("text", ["WMWMWM", "liil", "W", "Wl" * 8])
def test_everything_lies_within_the_border(change: dict, text: str, latin_font: Path):
    geometry = replace(PLAIN, **change)
    for seed in range(4):
        for placed in place(text, geometry, latin_font, seed):
            assert geometry.border <= placed.left and placed.right <= geometry.width - geometry.border
            assert geometry.border <= placed.top and placed.bottom <= geometry.height - geometry.border


@pytest.mark.parametrize("overlap", [0, 0.3, 0.6])
@pytest.mark.parametrize("characters", ["il'", "ilW"])
def test_many_characters_fit_the_size_that_is_needed_and_keep_their_ink(
    characters: str, overlap: float, latin_font: Path
):
    geometry = replace(PLAIN, char_count=(64,), overlap=overlap, rotation=15, shear=0.1)
    width, height = needed_size(geometry, find_fonts(characters, [latin_font]))
    geometry = replace(geometry, width=width, height=height)
    for seed in range(4):
        placed = place("".join(random.Random(seed).choices(characters, k=64)), geometry, latin_font, seed)
        assert geometry.border <= placed[0].left and placed[-1].right <= width - geometry.border
        assert all(np.asarray(one.mask).max() == 255 for one in placed)


def test_characters_do_not_overlap_unless_asked_and_then_by_a_fraction_of_the_narrower_one(latin_font: Path):
    for one, other in pairwise(place("aWilb", PLAIN, latin_font)):
        assert other.left == one.right + 1
    for one, other in pairwise(place("aWilb", replace(PLAIN, overlap=0.5), latin_font)):
        narrower = min(one.mask.width, other.mask.width)
        assert one.right - other.left == int(0.5 * narrower) - 1


def test_a_change_of_one_key_leaves_the_rest_of_the_layout(latin_font: Path):
    geometry = replace(PLAIN, character_size=(20, 24), rotation=20, shear=0.2)
    before, after = (place("abcd", one, latin_font) for one in (geometry, replace(geometry, overlap=0.4)))
    assert [one.mask.tobytes() for one in before] == [one.mask.tobytes() for one in after]
    straight = place("abcd", replace(geometry, rotation=0), latin_font)
    assert [one.mask.tobytes() for one in before] != [one.mask.tobytes() for one in straight]


def test_a_text_that_is_too_wide_is_drawn_smaller_than_configured(latin_font: Path):
    geometry = replace(PLAIN, character_size=(30, 30))
    heights = [max(one.mask.height for one in place(text, geometry, latin_font)) for text in ("il", "WWWWWW")]
    assert heights[1] < 0.9 * heights[0]


def test_the_size_that_is_needed_grows_with_the_text_and_what_is_done_to_it(latin_font: Path):
    fonts = find_fonts("abcWM", [latin_font])
    base = replace(PLAIN, character_size=(20, 40))
    width, height = needed_size(base, fonts)
    assert 6 * 10 < width < 6 * 24 and 14 < height < 34
    for change in ({"rotation": 30}, {"shear": 0.5}, {"outline": 2}, {"bend": 1}, {"character_size": (30, 40)}):
        wider, higher = needed_size(replace(base, **change), fonts)
        assert wider > width, change
        assert higher >= height, change
    assert needed_size(replace(base, char_count=(8,)), fonts)[0] > width
    assert needed_size(replace(base, overlap=0.5), fonts)[0] < width
    assert needed_size(PLAIN, fonts)[0] < width  # at the smallest size that there is


def test_a_bend_moves_ink_by_no_more_than_the_border(latin_font: Path):
    geometry = replace(PLAIN, bend=0.8)
    for seed in range(6):
        field = make_bend(geometry, random.Random(seed))
        assert np.abs(field).max() == pytest.approx(0.8 * BEND_REACH * 60)
        assert geometry.border >= np.abs(field).max() + MARGIN
        for placed in place("WMil", geometry, latin_font, seed):
            bent = bend(placed, field, geometry.border)
            ink, before = (np.asarray(one.mask) > 127 for one in (bent, placed))
            assert 0.5 * before.sum() < ink.sum() < 2 * before.sum()
            assert not np.array_equal(ink, before)
            assert bent.left >= 0 and bent.right <= geometry.width and bent.bottom <= geometry.height


def test_no_bend(latin_font: Path):
    assert not make_bend(PLAIN, random.Random(1)).any()


def test_the_size_that_is_needed_is_found_font_by_font(
    latin_font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    other, opened = tmp_path / "other.ttf", []
    other.write_bytes(latin_font.read_bytes())
    monkeypatch.setattr(layout, "open_font", lambda path, size: opened.append(path) or open_font(path, size))
    needed_size(PLAIN, find_fonts("abc", [latin_font, other]))
    assert opened == [latin_font] * 3 + [other] * 3  # one after the other: open_font keeps the last ones only


def test_the_fonts_of_the_system_have_all_characters(latin_font: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearcat.core.fonts.system_fonts", lambda: (latin_font,))
    assert find_fonts("aba", None) == {"a": [latin_font], "b": [latin_font]}
    assert find_fonts("ab好", None) == {"a": [], "b": [], "好": []}


def test_a_character_is_drawn_in_the_fonts_that_have_it(latin_font: Path, tmp_path: Path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    assert find_fonts("ab好a", [tmp_path / "a.ttf", latin_font]) == {"a": [latin_font], "b": [latin_font], "好": []}
