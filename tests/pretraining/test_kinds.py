"""What the wider half of the training images shows: plans, scripts, kinds of images and their fonts."""

import random
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.fonts import system_fonts
from bearcat.data.vocabulary import BLANK
from pretraining import drawing, fonts, images
from pretraining.drawing import Style
from pretraining.kinds import KINDS, draw
from pretraining.layers import contrasting_ink
from pretraining.plans import AS_BEFORE, LATIN, LOOK_ALIKE_TURNED, plan_of
from pretraining.scripts import ALIASES, ALL_CHARACTERS, TAUGHT, target_of

# grey levels of 8 × 3 parts of "abc3" in Pillow's own font, as hexadecimal numbers; '' is drawing.draw
THUMBNAILS = {
    "usual": "fdfcbac2c2b9c4f6fdc26f9aaabe9cf1fdfacccad7d6eef8",
    "own lines": "fcfbc3c3c2c1ccf6abe395809eb59ef4f3fdfdcecfd7f4f9",
    "faint": "b2a0a1aaa8a0a8b2af958592969f9a98b1a99ea3a5b1a0a7",
    "tiles": "cbb35c5236485951a88c7c6a2e517751cab0665a3d496c51",
    "patches": "f2fcc17c3499daf6ebd082aa582e7bcee8eec9c7bc271210",
    "outlines": "f9cfbcd5d4c8cce7e9c19ca6c5c5c1e6e6e5c3b7d4d8d5ec",
    "swirls": "e5daa2b5b8b3aacfd3af797fb3baadf6f6fcaeccc89af2f7",
    "staggered": "e8fffffee8faf1f8dde6c6e5d1e0bfe1d3cccbe8fefef7f4",
    "": "cebfa6d4e9c9b1c3cba96d9e8eb679baedf6cebcb7a9d5f9",
}
MAX_CHANGE = 2  # mean grey levels by which versions of Pillow may differ
PLANS = [plan_of(number)[0] for number in range(4000)]


@pytest.fixture(scope="module")
def latin_fonts() -> list[Path]:
    found = fonts.fonts_with("abc3", [path for path in system_fonts() if not fonts.is_held_out(path)])
    if len(found) < fonts.MIN_FONTS:
        pytest.skip("needs four fonts of the system (Debian: apt-get install fonts-dejavu fonts-liberation)")
    return found


def test_two_fifths_of_the_images_are_as_before_and_the_rest_covers_all_kinds_scripts_and_lengths():
    wider = [plan for plan in PLANS if plan.kind != AS_BEFORE]
    assert len(wider) == len(PLANS) * 3 / 5
    assert {plan.kind for plan in wider} == set(KINDS)
    assert {plan.script for plan in wider} == {LATIN, *TAUGHT}
    assert {len(plan.text) for plan in wider} == set(range(1, 13))
    assert 0.4 < np.mean([plan.script == LATIN for plan in wider]) < 0.6


def test_a_plan_depends_on_the_number_of_the_image_alone():
    assert plan_of(7)[0] == plan_of(7)[0] == PLANS[7]


def test_characters_that_may_be_upside_down_cannot_be_taken_for_others():
    turned = "".join(plan.text for plan in PLANS if plan.kind == "tiles")
    assert turned and not set(turned) & LOOK_ALIKE_TURNED


def test_every_character_is_trained_itself_or_as_the_one_that_looks_the_same():
    drawn = "".join(script.characters for script in TAUGHT.values())
    assert set(target_of(drawn)) <= set(ALL_CHARACTERS)
    assert set(ALIASES) <= set(drawn) and not set(ALIASES) & set(ALL_CHARACTERS)
    assert BLANK not in ALL_CHARACTERS
    assert len(ALL_CHARACTERS) == len(set(ALL_CHARACTERS))


def test_both_waves_of_a_square_image_go_along_its_width(latin_fonts: list[Path]):
    """The released weights were trained on such images."""
    columns = np.arange(60, dtype=np.uint8) * 4
    seed = next(seed for seed in range(9) if random.Random(seed).random() < 0.5)  # waves, not a grid
    for height, is_kept in ((60, True), (40, False)):  # columns that move up and down look the same
        image, style = Image.fromarray(np.tile(columns, (height, 1))), Style(latin_fonts, random.Random(1))
        style.rng = random.Random(seed)
        assert (np.asarray(drawing.bend(image, style)) == np.asarray(image)).all() == is_kept


def test_characters_are_drawn_by_themselves():
    """No combining marks, and none that files of labels would write as several characters."""
    assert not [one for one in ALL_CHARACTERS if unicodedata.combining(one)]
    assert unicodedata.normalize("NFC", ALL_CHARACTERS) == ALL_CHARACTERS


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_draws_the_same_image_again_and_ink_on_it(name: str, latin_fonts: list[Path]):
    first, again, other = (draw(KINDS[name], "abc3", latin_fonts, random.Random(seed)) for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert len(Counter(first.convert("L").getdata())) > 1


@pytest.mark.parametrize("name", THUMBNAILS)
def test_the_training_images_stay_as_they_are(name: str, latin_font: Path):
    """The order of the random calls decides them: cached images would not match those drawn today."""
    files, rng = [latin_font] * fonts.MIN_FONTS, random.Random(7)
    image = draw(KINDS[name], "abc3", files, rng) if name else drawing.draw("abc3", files, rng)
    thumbnail = np.asarray(image.convert("L").resize((8, 3), Image.Resampling.BOX), np.int16)
    expected = np.frombuffer(bytes.fromhex(THUMBNAILS[name]), np.uint8).reshape(3, 8)
    assert np.abs(thumbnail - expected).mean() <= MAX_CHANGE


def test_an_image_is_drawn_in_the_fonts_of_its_script(monkeypatch: pytest.MonkeyPatch):
    number = next(number for number, plan in enumerate(PLANS) if plan.script == "Bengali")
    used = []

    def record(kind, text, fonts, rng):
        used.append(fonts)
        return Image.new("RGB", (300, 60))

    monkeypatch.setattr(images.kinds, "draw", record)
    assert images.draw_image(number, {"Bengali": [Path("bengali.ttf")]}).shape == (48, 160)
    assert used == [[Path("bengali.ttf")]]


def test_ink_on_changing_paper_differs_in_lightness(latin_fonts: list[Path]):
    for seed in range(20):
        style = Style(latin_fonts, random.Random(seed))
        light = 255 * seed // 19
        paper = Image.new("RGB", (50, 50), (light, light, light))
        ink = contrasting_ink(paper, (10, -5, 90, 90), style)
        assert abs(np.mean([max(ink), min(ink)]) - light) > 40


def test_held_out_fonts_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("Vollkorn-Italic.ttf", "FreeFarsi.ttf", "Other.ttf", "notes.txt"):
        (tmp_path / name).touch()
    monkeypatch.setattr(fonts, "fonts_with", lambda characters, paths: list(paths))
    monkeypatch.setattr(fonts, "distinguishes_cases", lambda path: True)
    found = fonts.find_fonts(tmp_path)
    assert set(found) == {LATIN, *TAUGHT}
    assert all([path.name for path in paths] == ["Other.ttf"] for paths in found.values())


def test_too_few_fonts_of_a_script_are_named():
    with pytest.raises(SystemExit, match=r"install more for: Thai \(1\)"):
        fonts.require_fonts({LATIN: [Path()] * 4, "Thai": [Path()]})
