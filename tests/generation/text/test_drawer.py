"""Images of style "drawn", the layers they consist of, and the ink of their characters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.fonts import fonts_with
from bearcat.generation.config import DrawnConfig
from bearcat.generation.text import drawer as drawing
from bearcat.generation.text.drawer import DOT_COLOURS, INK, PAPERS, TextDrawer
from bearcat.generation.text.drawn_rules import CHOICES
from tests.helpers.captchas import load_drawn

TEXT = "aB3d"
VARIANTS = [
    {"character_size": (12, 20)},
    {"rotation": 60},
    {"shear": 0.6},
    {"overlap": 0.4},
    {"outline": 1},
    {"bend": 0.9},
    {"lines": 8},
    {"line_colour": "ink"},
    {"dots": 0.2},
    {"colours": "each"},
    {"colours": "black"},
    {"contrast": 0.3},
    *({"paper": paper} for paper in CHOICES["paper"] if paper != "plain"),
]


@pytest.fixture
def config(tmp_path: Path, latin_font: Path) -> DrawnConfig:
    return load_drawn(tmp_path, latin_font, image_suffix="png")


def pixels(config: DrawnConfig, seed: str = "7", text: str = TEXT) -> np.ndarray:
    return np.asarray(TextDrawer(config, Path()).draw(text, seed))


def masks(config: DrawnConfig, seed: str = "7", text: str = TEXT) -> list[np.ndarray]:
    return TextDrawer(config, Path()).masks(text, seed)


@pytest.mark.parametrize("change", [{}, *VARIANTS], ids=str)
def test_every_key_changes_the_image_which_has_the_size_and_repeats(config: DrawnConfig, change: dict):
    changed = replace(config, **change)
    image = TextDrawer(changed, Path()).draw(TEXT, "7")
    assert image.size == (100, 60) and image.mode == "RGB"
    assert (np.asarray(image) == pixels(changed)).all()
    assert (np.asarray(image) == pixels(config)).all() == (not change)
    assert (np.asarray(image) != pixels(changed, "8")).any()


def test_each_paper_can_be_drawn():
    assert tuple(PAPERS) == CHOICES["paper"]


@pytest.mark.parametrize(
    "change",
    [{"lines": 9}, {"dots": 0.2}, {"line_colour": "ink"}, {"colours": "each"}, {"contrast": 0.2}, {"paper": "tiles"}],
    ids=str,
)
def test_what_is_not_about_the_shape_of_characters_leaves_their_ink(config: DrawnConfig, change: dict):
    for before, after in zip(masks(config), masks(replace(config, **change)), strict=True):
        assert (before == after).all()


def test_more_lines_are_drawn_over_the_image_as_it_was(config: DrawnConfig):
    few, more = (pixels(replace(config, lines=number, dots=0.0)) for number in (2, 3))
    changed = (few != more).any(-1)
    assert 0 < changed.mean() < 0.3
    assert len(np.unique(more[changed], axis=0)) == 1


def test_lines_of_the_inks_colour(config: DrawnConfig):
    image = pixels(replace(config, lines=6, line_colour="ink", dots=0.0, bend=0.0, rotation=0, shear=0.0))
    _, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    assert (counts > 60).sum() == 2


def test_the_masks_are_the_ink_of_each_character_bent_as_in_the_image(config: DrawnConfig):
    clean = replace(config, lines=0, dots=0.0, bend=1.0, colours="black", contrast=1.0)
    image, found = pixels(clean), masks(clean)
    assert [mask.shape for mask in found] == [(60, 100)] * len(TEXT)
    assert all(mask.any() for mask in found)
    assert ((image[..., 0] <= 255 - INK) == np.logical_or.reduce(found)).all()
    lefts = [np.flatnonzero(mask.any(0))[0] for mask in found]
    assert lefts == sorted(lefts)
    straight = masks(replace(clean, bend=0.0))
    assert not any((one == other).all() for one, other in zip(found, straight, strict=True))


def test_the_masks_do_not_lack_what_is_covered(config: DrawnConfig):
    covered = replace(config, overlap=0.6, character_size=(30, 30), rotation=0, shear=0.0, bend=0.0)
    first, second = masks(covered, text="BB")
    assert (first & second).any()
    (rows, columns), (other_rows, other_columns) = (np.nonzero(mask) for mask in (first, second))
    assert (rows - rows.min()).tolist() == (other_rows - other_rows.min()).tolist()
    assert (columns - columns.min()).tolist() == (other_columns - other_columns.min()).tolist()


def test_dots_have_many_colours_but_not_one_each(config: DrawnConfig):
    plain = replace(config, width=200, height=200, lines=0, dots=0.0)
    before, after = (pixels(replace(plain, dots=share)) for share in (0.0, 0.3))
    colours = np.unique(after[(before != after).any(-1)], axis=0)
    assert 10 < len(colours) <= DOT_COLOURS


def test_letters_from_right_to_left_are_drawn_so_and_their_masks_are_in_the_order_of_the_text(
    config: DrawnConfig, latin_font: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(drawing, "find_fonts", lambda characters, files: {one: [latin_font] for one in characters})
    found = masks(replace(config, characters="אבגדהוזח123"), text="אב12")
    lefts = [int(np.flatnonzero(mask.any(0))[0]) for mask in found]
    assert np.argsort(lefts).tolist() == [2, 3, 1, 0]


def test_papers_contrast_with_the_ink(config: DrawnConfig):
    for paper in ("plain", "gradient", "blots", "tiles", "patches"):
        clean = replace(config, paper=paper, lines=0, dots=0.0, colours="black", contrast=0.6)
        for seed in range(5):
            image = pixels(clean, str(seed))
            assert np.asarray(Image.fromarray(image).convert("L"))[0].min() > 100  # the first row has no ink


def test_chinese_characters_differ_if_a_font_has_them(config: DrawnConfig):
    fonts = fonts_with("好天的")
    if not fonts:
        pytest.skip("no font of this system has Chinese: apt-get install fonts-wqy-microhei")
    chinese = replace(config, characters="好天的", fonts=(str(fonts[0]),), rotation=0, shear=0.0, bend=0.0)
    shapes = [mask[np.ix_(mask.any(1), mask.any(0))].tobytes() for mask in masks(chinese, text="好天的")]
    assert len(set(shapes)) == 3
