"""captcha_config.json: keys, defaults, and messages about wrong values."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import ROOT
from bearcat.generation.config import CaptchaConfig, DrawnConfig, config_problems, load_captcha_config
from bearcat.generation.generate import plan
from tests.helpers.captchas import TEXT, load_click, load_drawn, load_text, refusal


def test_the_original_keys_are_enough_and_validation_and_test_get_a_tenth(tmp_path: Path):
    config = load_text(tmp_path)
    assert config.folders == {split: f"{split}_dataset" for split in ("train", "validation", "test")}
    assert config.counts == {"train": 250, "validation": 25, "test": 25}
    assert (config.characters, config.char_count, config.image_suffix) == ("01", (4, 5), "jpg")
    assert (config.width, config.height) == (100, 60)


def test_the_counts_of_validation_and_test_can_be_set_and_default_to_at_least_one(tmp_path: Path):
    assert load_text(tmp_path, validation_count=3, test_count=0).counts == {"train": 250, "validation": 3, "test": 0}
    assert load_text(tmp_path, count=4).counts == {"train": 4, "validation": 1, "test": 1}


def test_the_toolkits_own_configuration_is_valid():
    assert load_captcha_config(ROOT / "captcha_config.json").count > 0


def test_the_defaults_of_kind_click(work: Path):
    config = load_click(work)
    assert (config.kind, config.prompt_count, config.rotation, config.backgrounds) == ("click", (), 30, "")
    assert (config.lines, config.dummy_strokes) == (3, 4)
    assert config.size_range == (11, 17)
    assert load_click(work, character_size=[9, 12]).size_range == (9, 12)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_dir", ""),
        ("validation_dir", "/tmp"),
        ("test_dir", "../elsewhere"),
        ("image_suffix", "tiff"),
        ("image_suffix", ["png"]),
        ("characters", ""),
        ("characters", "a_b"),
        ("characters", "a/b"),
        ("characters", 10),
        ("count", 0),
        ("count", "250"),
        ("count", True),
        ("count", 2.5),
        ("char_count", []),
        ("char_count", 4),
        ("char_count", [0]),
        ("char_count", [4, "5"]),
        ("width", 15),
        ("height", 5000),
        ("validation_count", -1),
        ("test_count", None),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: object):
    with pytest.raises(SettingsError) as error:
        load_text(tmp_path, **{name: value})
    assert f"{name} = {value!r}" in str(error.value)
    assert str(tmp_path / "captcha_config.json") in str(error.value)


def test_all_problems_are_in_one_message(tmp_path: Path):
    with pytest.raises(SettingsError) as error:
        load_text(tmp_path, width=1, height=1, characters="?", hight=60, char_count=[])
    problems = str(error.value).splitlines()[1:]
    assert sorted(line.split()[0] for line in problems) == ["char_count", "characters", "height", "hight", "width"]


def test_a_missing_key_is_named(tmp_path: Path):
    (tmp_path / "captcha_config.json").write_text(
        json.dumps({name: value for name, value in TEXT.items() if name not in ("width", "characters")})
    )
    with pytest.raises(SettingsError, match=r"(?s)characters is missing.*width is missing"):
        load_captcha_config(tmp_path / "captcha_config.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xff", b'["count"]'])
def test_a_file_that_is_not_a_json_object_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "captcha_config.json").write_bytes(content)
    with pytest.raises(SettingsError, match="not the JSON object"):
        load_captcha_config(tmp_path / "captcha_config.json")
    with pytest.raises(SettingsError, match="does not exist"):
        load_captcha_config(tmp_path / "absent.json")


def test_keys_of_the_other_kind_are_refused(work: Path):
    message = refusal(work, kind="text", rotation=20, dummy_strokes=1, fonts=..., characters="AB")
    assert 'dummy_strokes is a key of kind "click" only: remove it, or add "kind": "click"' in message
    assert (
        'rotation is a key of style "drawn" and of kind "click" only: remove it, or add "style": "drawn" or '
        '"kind": "click"'
    ) in message
    assert 'style is a key of kind "text" only: remove it' in refusal(work, kind="click", style="drawn")


def test_the_default_kind_is_text(work: Path):
    values = {"fonts": ..., "characters": "ABD"}
    assert load_click(work, kind="text", **values) == load_click(work, kind=..., **values)
    assert load_click(work, kind=...).kind == "text"


def test_the_default_style_is_captcha_and_an_unknown_one_is_named(tmp_path: Path, latin_font: Path):
    assert load_text(tmp_path, style="captcha") == load_text(tmp_path)
    assert load_text(tmp_path).style == "captcha"
    for style in ("painted", ["drawn"], None):
        with pytest.raises(SettingsError, match="one of captcha, drawn is expected") as error:
            load_text(tmp_path, style=style, lines=-1)
        assert f"style = {style!r}: " in str(error.value)
        assert "lines = -1: a whole number from 0 to 50 is expected" in str(error.value)


def test_of_an_unknown_kind_only_the_keys_of_all_kinds_are_checked(tmp_path: Path):
    with pytest.raises(SettingsError) as error:
        load_text(tmp_path, kind="Text", style="drawn", lines=-1, prompt_count="", characters="01", width=1, hight=1)
    kind, *others = str(error.value).splitlines()[1:]
    assert kind == "  kind = 'Text': one of text, click is expected"
    assert others == ["  hight is not a key", "  width = 1: a whole number from 16 to 2000 is expected"]


def test_whole_numbers_are_stored_like_fractions(tmp_path: Path, latin_font: Path):
    """So that the names and the images are the same, whichever is written."""
    whole = load_drawn(tmp_path, latin_font, overlap=0, bend=0, shear=1, dots=0, contrast=1, count=9)
    fractions = load_drawn(tmp_path, latin_font, overlap=0.0, bend=0.0, shear=1.0, dots=0.0, contrast=1.0, count=9)
    assert list(plan(whole, "train", 1)) == list(plan(fractions, "train", 1))
    defaults = {field.name: field.default for field in fields(DrawnConfig)[len(fields(CaptchaConfig)) :]}
    explicit = load_drawn(tmp_path, latin_font, **(defaults | {"overlap": 0, "fonts": [str(latin_font)]}))
    assert list(plan(explicit, "train", 1)) == list(plan(load_drawn(tmp_path, latin_font), "train", 1))


def test_a_configuration_that_was_changed_after_loading_is_checked(tmp_path: Path, latin_font: Path):
    config = load_drawn(tmp_path, latin_font)
    assert config_problems(config, tmp_path) == []
    (problem,) = config_problems(replace(config, overlap=0.7), tmp_path)
    assert problem == "overlap = 0.7: a number from 0 to 0.6 is expected"
    assert "char_count = ()" in config_problems(replace(config, char_count=()), tmp_path)[0]
    assert "characters = 'a b'" in config_problems(replace(load_text(tmp_path), characters="a b"), tmp_path)[0]


@pytest.mark.parametrize("page", ["docs/data.md", "docs/zh-CN/data.md"])
def test_the_docs_list_the_keys_of_style_drawn_with_their_defaults(page: str):
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\S+) \| [^|]+\|$", (ROOT / page).read_text(encoding="utf-8"), re.M)
    listed = {name: default.strip("`") for name, default in rows}
    for field in fields(DrawnConfig)[len(fields(CaptchaConfig)) :]:
        default = str(field.default).replace("()", "[]").removesuffix(".0")
        assert listed[field.name] == default
