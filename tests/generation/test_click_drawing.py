"""Click captchas: tight boxes that do not touch, prompts without doubt, the same bytes again, plain refusals."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.core.errors import SettingsError
from bearcat.core.fonts import fonts_with, open_font
from bearcat.core.settings_file import change_settings_file
from bearcat.data.box_labels import read_prompt, read_voc
from bearcat.data.images import open_image
from bearcat.generation.click_drawing import ClickDrawer
from bearcat.generation.click_layout import EDGE, FAINTEST_INK, lay_out, make_glyph, room, touch
from bearcat.generation.colours import LEAST_CONTRAST, choose_colour, coloured, contrast, luminance
from bearcat.generation.config import ClickConfig, load_captcha_config
from bearcat.generation.generate import generate, make_images, plan
from tests.helpers.steps import run_well, run_wrongly

GIVEN = {
    "kind": "click",
    "train_dir": "train_dataset",
    "validation_dir": "validation_dataset",
    "test_dir": "test_dataset",
    "image_suffix": "png",
    "characters": "ABDEGHKMNRabdegk/?*7",
    "count": 6,
    "char_count": [2, 4],
    "width": 96,
    "height": 56,
    "validation_count": 3,
    "test_count": 2,
}


@pytest.fixture
def work(tmp_path: Path, latin_font: Path) -> Path:
    """A work's folder whose configuration is the one given, with Pillow's own font."""
    write(tmp_path, fonts=[str(latin_font)])
    return tmp_path


def write(folder: Path, **changes: object) -> Path:
    """Write the given configuration with some keys changed, and those taken out whose value is ...; return it."""
    path = folder / "captcha_config.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else GIVEN
    values = {name: value for name, value in (old | changes).items() if value is not ...}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def load(folder: Path, **changes: object) -> ClickConfig:
    """Return the configuration with some keys changed."""
    return load_captcha_config(write(folder, **changes))


def refuse(folder: Path, **changes: object) -> str:
    """Return what is said about a configuration that must be refused."""
    with pytest.raises(SettingsError) as error:
        load(folder, **changes)
    return str(error.value)


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Return path → content of the images and labels in a work."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("*/click_*")}


def test_the_defaults_of_the_keys_that_may_be_left_out(work: Path):
    config = load(work)
    assert (config.kind, config.prompt_count, config.rotation, config.backgrounds) == ("click", (), 30, "")
    assert (config.lines, config.dummy_strokes) == (3, 4)
    assert config.size_range == (11, 17)
    assert load(work, character_size=[9, 12]).size_range == (9, 12)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp"])
def test_every_image_has_its_boxes_and_its_prompt(work: Path, suffix: str):
    config = load(work, image_suffix=suffix)
    stems = []
    for split in ("train", "validation", "test"):
        folder = work / config.folders[split]
        assert generate(config, split, folder, 0) == (config.counts[split], 0)
        for path in folder.iterdir():
            stems.append(path.stem)
            assert open_image(path).size == (96, 56)
            labels, prompt = (
                read_voc(work / "label" / f"{path.stem}.xml"),
                read_prompt(work / "label" / f"{path.stem}.json"),
            )
            assert (labels.width, labels.height) == (96, 56)
            assert len(labels.names) in (2, 4)
            assert len(set(labels.names)) == len(labels.names)
            assert sorted(prompt) == sorted(labels.names)
    assert len(set(stems)) == 11
    assert all(stem.startswith("click_") for stem in stems)
    assert len(list((work / "label").iterdir())) == 22


def test_boxes_lie_inside_and_do_not_touch(work: Path):
    config = load(work, char_count=[5], rotation=180)
    drawer = ClickDrawer(config, work)
    for _, text, seed in plan(replace(config, count=40), "train", 0):
        boxes = drawer.draw(text, seed).labels.boxes_xyxy
        assert boxes.min() >= EDGE
        assert (boxes[:, 2:] <= np.array([96, 56]) - EDGE).all()
        for index, box in enumerate(boxes):
            assert not any(touch(tuple(box), tuple(other)) for other in boxes[:index])


@pytest.mark.parametrize("angle", [0, 17.5, -30, 90])
def test_a_glyph_is_all_of_its_ink_and_nothing_else(latin_font: Path, angle: float):
    for character in "Agj7":
        mask = np.asarray(make_glyph(character, latin_font, 40, angle).mask)
        paper = Image.new("L", (200, 200))
        ImageDraw.Draw(paper).text((80, 80), character, fill=255, font=open_font(latin_font, 40))
        alone = np.asarray(paper.rotate(angle, Image.Resampling.BICUBIC))
        rows, columns = np.nonzero(alone >= FAINTEST_INK)
        # the turned grids differ by a part of a pixel
        assert abs(mask.shape[0] - (np.ptp(rows) + 1)) <= 1
        assert abs(mask.shape[1] - (np.ptp(columns) + 1)) <= 1
        for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
            assert edge.max() >= FAINTEST_INK


def test_in_the_image_ink_fills_its_box_and_stays_in_it(work: Path, monkeypatch: pytest.MonkeyPatch):
    config = load(work, lines=0, dummy_strokes=0, rotation=45)
    monkeypatch.setattr("bearcat.generation.click_drawing.background", lambda *_: Image.new("RGB", (96, 56), "white"))
    monkeypatch.setattr("bearcat.generation.click_drawing.OUTLINED", 0)
    drawer = ClickDrawer(config, work)
    for _, text, seed in plan(config, "train", 3):
        drawing = drawer.draw(text, seed)
        ink = (np.asarray(drawing.image) != 255).any(axis=-1)
        for xmin, ymin, xmax, ymax in drawing.labels.boxes_xyxy.astype(int):
            rows, columns = np.nonzero(ink[ymin:ymax, xmin:xmax])
            assert (rows.min(), columns.min()) == (0, 0)
            assert (rows.max() + 1, columns.max() + 1) == (ymax - ymin, xmax - xmin)
            ink[ymin:ymax, xmin:xmax] = False
        assert not ink.any()


def test_a_prompt_may_ask_for_some_of_the_characters_in_any_order(work: Path):
    config = load(work, char_count=[4], prompt_count=[1, 3])
    drawings = [ClickDrawer(config, work).draw("ABDE", str(number)) for number in range(30)]
    assert {len(drawing.prompt) for drawing in drawings} == {1, 3}
    assert all(set(drawing.prompt) < set("ABDE") == set(drawing.labels.names) for drawing in drawings)
    assert all(len(set(drawing.prompt)) == len(drawing.prompt) for drawing in drawings)
    assert len({drawing.prompt[0] for drawing in drawings}) == 4


def test_a_character_that_the_configuration_repeats_is_still_drawn_once(work: Path):
    config = load(work, characters="AABBDD", char_count=[3])
    assert all(sorted(text) == list("ABD") for _, text, _ in plan(config, "train", 0))


def test_no_room_by_chance_makes_characters_smaller(latin_font: Path):
    glyphs = [make_glyph(character, latin_font, 40, 0) for character in "ABDEGH"]
    placed = lay_out(glyphs, 100, 50, 8, 0, random.Random(0))
    assert max(place.glyph.size for place in placed) < 40


def test_where_chance_finds_no_places_characters_line_up(latin_font: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearcat.generation.click_layout.ROUNDS", 0)
    source = random.Random(0)
    columns, rows = room(120, 70, 20, 30)
    glyphs = [make_glyph("M", latin_font, 45, source.uniform(-30, 30)) for _ in range(columns * rows)]
    boxes = [place.box for place in lay_out(glyphs, 120, 70, 20, 30, source)]
    assert len(boxes) == columns * rows == 6
    for index, box in enumerate(boxes):
        assert box[0] >= EDGE <= box[1]
        assert box[2] <= 120 - EDGE
        assert box[3] <= 70 - EDGE
        assert not any(touch(box, other) for other in boxes[:index])


def test_colours_stand_out_from_what_is_under_them():
    source = random.Random(1)
    for _ in range(300):
        plain = np.full((4, 4, 3), coloured(source, source.random()), np.uint8)
        colour, outline = choose_colour(plain, source)
        assert outline is None
        assert contrast(*(float(luminance(np.array(c))) for c in (colour, plain[0, 0]))) >= LEAST_CONTRAST * 0.97
    colour, outline = choose_colour(np.array([[0, 0, 0], [255, 255, 255]] * 8, np.uint8), source)
    assert contrast(*(float(luminance(np.array(c))) for c in (colour, outline))) > 2 * LEAST_CONTRAST


def test_the_brightness_of_a_colour_is_what_was_asked():
    source = random.Random(2)
    for brightness in (0.02, 0.2, 0.5, 0.9):
        assert abs(luminance(np.array(coloured(source, brightness))) - brightness) < 0.01


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(work: Path):
    config = load(work)
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        generate(config, "train", work / folder / "train_dataset", seed)
    first, second, third = (bytes_in(work / folder) for folder in "abc")
    assert first == second
    assert len(first) == 18
    assert not first.keys() & third.keys()


@pytest.mark.parametrize(
    "change", [{"rotation": 29}, {"lines": 0}, {"fonts": ["other.ttf"]}, {"prompt_count": (1,)}, {"characters": "AB"}]
)
def test_names_differ_where_the_configuration_does(work: Path, change: dict):
    config = replace(load(work), char_count=(2,))
    names = {name for name, _, _ in plan(config, "train", 0)}
    assert not names & {name for name, _, _ in plan(replace(config, **change), "train", 0)}
    assert names < {name for name, _, _ in plan(replace(config, count=9), "train", 0)}


def test_what_is_missing_of_a_image_is_made_again_with_the_same_bytes(work: Path):
    config = load(work)
    generate(config, "train", work / "train_dataset", 0)
    expected = bytes_in(work)
    stems = sorted(path.stem for path in (work / "train_dataset").iterdir())
    (work / "train_dataset" / f"{stems[0]}.png").unlink()
    (work / "label" / f"{stems[1]}.xml").unlink()
    (work / "label" / f"{stems[2]}.json").unlink()
    assert generate(config, "train", work / "train_dataset", 0) == (3, 0)
    assert bytes_in(work) == expected
    assert generate(config, "train", work / "train_dataset", 0) == (0, 0)


def test_labels_are_there_before_their_image(work: Path, monkeypatch: pytest.MonkeyPatch):
    config = load(work)

    def fail(self, *_, **__):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(MemoryError):
        generate(config, "train", work / "train_dataset", 0)
    assert len(list((work / "label").iterdir())) == 2
    assert list((work / "train_dataset").iterdir()) == []


def test_all_cores_make_what_one_makes(work: Path):
    config = load(work, count=70)
    assert generate(config, "train", work / "all" / "train_dataset", 0) == (70, 0)
    (work / "one" / "train_dataset").mkdir(parents=True)
    make_images(config, work / "one" / "train_dataset", list(plan(config, "train", 0)))
    assert bytes_in(work / "all") == bytes_in(work / "one")


def test_backgrounds_are_pieces_of_the_images_in_a_folder(work: Path):
    (work / "photos").mkdir()
    Image.new("RGB", (300, 40), (10, 20, 200)).save(work / "photos" / "small.png")
    Image.new("RGB", (900, 1200), (10, 20, 200)).save(work / "photos" / "large.jpg", quality=100)
    config = load(work, backgrounds="photos", lines=0, dummy_strokes=0)
    assert load(work, backgrounds=str(work / "photos")).backgrounds != config.backgrounds
    drawer = ClickDrawer(config, work)
    for _, text, seed in plan(config, "train", 0):
        pixels = np.asarray(drawer.draw(text, seed).image).astype(int)
        assert np.median(np.abs(pixels - [10, 20, 200]).max(axis=-1)) <= 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rotation", -1),
        ("rotation", 181),
        ("rotation", "30"),
        ("lines", True),
        ("lines", 51),
        ("dummy_strokes", 2.5),
        ("prompt_count", 2),
        ("prompt_count", [0]),
        ("prompt_count", [3]),
        ("character_size", 20),
        ("character_size", [20]),
        ("character_size", [20, 10]),
        ("character_size", [7, 10]),
        ("character_size", None),
        ("fonts", "a.ttf"),
        ("fonts", ["absent.ttf"]),
        ("fonts", [""]),
        ("fonts", [3]),
        ("backgrounds", "absent"),
        ("backgrounds", 1),
        ("characters", "a b"),
        ("characters", "a_b"),
        ("characters", "A"),
        ("char_count", [20]),
        ("char_count", [0]),
        ("width", 16),
        ("kind", "clicks"),
        ("kind", ["click"]),
        ("image_suffix", "tiff"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(work: Path, name: str, value: object):
    message = refuse(work, **{name: value})
    named = {"width": "char_count = [2, 4]: 16×56 pixels have room for", "characters": "char"}.get(name)
    assert (named or f"{name} = {value!r}: ") in message
    assert str(work / "captcha_config.json") in message


def test_every_problem_stands_in_one_message(work: Path):
    message = refuse(work, rotation=999, count=..., hight=1, char_count=[21], image_suffix="tiff", characters="ABD好")
    problems = [line.split()[0] for line in message.splitlines()[1:]]
    assert sorted(problems) == ["char_count", "count", "fonts", "hight", "image_suffix", "rotation"]
    assert "at most 4 is expected: no character of `characters` is drawn twice" in message


def test_too_many_characters_for_the_image_are_refused_with_the_room_there_is(work: Path):
    message = refuse(work, char_count=[18], character_size=[30, 50])
    assert "96×56 pixels have room for 2 characters of 30 pixels turned by up to 30°" in message


def test_characters_that_no_font_has_are_named_with_what_to_install(work: Path):
    message = refuse(work, characters="ABDE好天的一是在不了有")
    assert "no one of them has all of `characters`; the best lacks 好 天 的 一 是 在 不 了 and 1 more" in message
    assert "apt-get install fonts-wqy-microhei" in message
    assert "simhei.ttf" in message
    assert 'set "fonts"' in message


def test_a_system_without_fonts_is_told_so(work: Path, monkeypatch: pytest.MonkeyPatch):
    for module in ("bearcat.core.fonts", "bearcat.generation.click_rules"):
        monkeypatch.setattr(f"{module}.system_fonts", lambda: ())
    assert "no font of this system has all of `characters`; the best lacks A B D E" in refuse(work, fonts=...)


def test_keys_of_the_other_kind_are_refused(work: Path):
    message = refuse(work, kind="text", rotation=20, fonts=..., characters="AB")
    assert 'rotation is a key of kind "click" alone: take it out, or add "kind": "click"' in message


def test_a_kind_that_is_left_out_or_text_means_the_same(work: Path):
    values = {"fonts": ..., "characters": "ABD"}
    assert load(work, kind="text", **values) == load(work, kind=..., **values)
    assert load(work, kind=...).kind == "text"


def test_the_script_generates_goes_on_and_refuses(works: Path, latin_font: Path):
    run_well("New_work.py", works, "clicks")
    work = works / "clicks"
    (work / "captcha_config.json").unlink()
    write(work, fonts=[str(latin_font)])
    assert "'click' goes with MODE = 'EFFICIENTDET'" in run_wrongly("gen_sample_by_captcha.py")
    change_settings_file(work / "settings.py", {"MODE": "EFFICIENTDET"})
    assert "train_dataset: 6 images, 6 of them made now" in run_well("gen_sample_by_captcha.py")
    assert len(list((work / "label").iterdir())) == 22
    next((work / "label").iterdir()).unlink()
    assert run_well("gen_sample_by_captcha.py").count(" 1 of them made now") == 1
    write(work, rotation="much")
    assert "rotation = 'much'" in run_wrongly("gen_sample_by_captcha.py")


def test_chinese_characters_where_a_font_has_them(work: Path):
    if not fonts_with("好天的一是在"):
        pytest.skip("no font of this system has Chinese: apt-get install fonts-wqy-microhei")
    config = load(work, characters="好天的一是在", fonts=...)
    generate(config, "test", work / "test_dataset", 0)
    for path in (work / "test_dataset").iterdir():
        assert set(read_voc(work / "label" / f"{path.stem}.xml").names) <= set("好天的一是在")
