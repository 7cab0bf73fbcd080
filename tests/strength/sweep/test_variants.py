"""Which values of which keys are tried, in which order, and which are left out and why."""

import string
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.generation.config import CaptchaConfig, DrawnConfig, config_problems
from bearcat.strength.sweep.variants import (
    BASE,
    KEYS,
    SCALES,
    Variant,
    base_value,
    ordered_values,
    plan_sweep,
    say_value,
    with_absolute_fonts,
)
from tests.helpers.captchas import load_drawn, load_text


@pytest.fixture
def drawn(tmp_path: Path, latin_font: Path) -> DrawnConfig:
    return load_drawn(tmp_path, latin_font, width=160)


def values_of(variants: list[Variant], key: str) -> list[object]:
    return [variant.value for variant in variants if variant.key == key]


def test_a_sweep_begins_with_the_base_and_a_harder_value_of_each_key(drawn: DrawnConfig, tmp_path: Path):
    variants, _ = plan_sweep(drawn, tmp_path)
    assert variants[0] == Variant("", None, drawn, BASE)
    firsts = {variant.key: variant.value for variant in reversed(variants)}
    assert {variant.key for variant in variants[: len(firsts)]} == firsts.keys()
    harder = {"char_count": (5, 6), "rotation": 30, "overlap": 0.2, "bend": 0.5, "lines": 6, "dots": 0.06}
    harder |= {"contrast": 0.5, "outline": 1, "shear": 0.3, "paper": "gradient", "colours": "each"}
    assert {key: firsts[key] for key in harder} == harder


def test_each_variant_differs_in_its_key_only_and_can_be_drawn(drawn: DrawnConfig, tmp_path: Path):
    variants, _ = plan_sweep(drawn, tmp_path)
    for variant in variants[1:]:
        assert replace(variant.config, **{variant.key: getattr(drawn, variant.key)}) == drawn
        assert getattr(variant.config, variant.key) == variant.value != base_value(drawn, variant.key)
        assert config_problems(variant.config, tmp_path) == []
    names = [variant.name for variant in variants]
    assert len(set(names)) == len(names)
    assert all(name == Path(name).name and name.isascii() for name in names)


def test_values_that_are_refused_or_change_nothing_are_left_out_with_the_reason(tmp_path: Path, latin_font: Path):
    config = load_drawn(tmp_path, latin_font, lines=0, character_size=[24, 28], width=120)
    variants, left_out = plan_sweep(config, tmp_path)
    reasons = {(one.key, one.value): one.reason for one in left_out}
    assert reasons["line_colour", "ink"] == "the images look the same"
    assert reasons["char_count", (5, 6)].startswith("width = 120: ")
    assert not values_of(variants, "line_colour")
    assert (4, 5) not in values_of(variants, "char_count")
    assert (3, 4) in values_of(variants, "char_count")


def test_style_captcha_has_few_keys(tmp_path: Path):
    variants, left_out = plan_sweep(load_text(tmp_path), tmp_path)
    assert {variant.key for variant in variants} == {"", *KEYS["captcha"]}
    assert values_of(variants, "width") == [75, 60, 125]
    assert values_of(variants, "characters")[0] == "0123456789"
    assert left_out == []


def test_values_come_harder_first_and_from_the_base_on(drawn: DrawnConfig, tmp_path: Path):
    def order(key: str, **changes: object) -> list[object]:
        config = replace(drawn, **changes)
        return ordered_values(SCALES[key], base_value(config, key), config, tmp_path)

    assert order("rotation", rotation=20) == [30, 60, 15, 0]
    assert order("contrast", contrast=0.6) == [0.5, 0.3, 0.7, 1.0]
    assert order("paper", paper="blots") == ["grid", "tiles", "patches", "noise", "gradient", "plain"]
    assert order("character_size", character_size=(20, 40)) == [(15, 30), (12, 24), (25, 50)]
    assert order("lines", lines=50) == [6, 3, 0]
    same = "".join(reversed(string.ascii_lowercase))
    assert [len(value) for value in order("characters", characters=same)] == [36, 62, 10]


def test_several_fonts_are_compared_with_one(drawn: DrawnConfig, tmp_path: Path, latin_font: Path):
    other = tmp_path / "other.ttf"
    other.write_bytes(latin_font.read_bytes())
    config = replace(drawn, fonts=(str(latin_font), "other.ttf"))
    assert ordered_values(SCALES["fonts"], config.fonts, config, tmp_path) == [(str(latin_font),)]
    variants, _ = plan_sweep(config, tmp_path)
    assert variants[0].config.fonts == (str(latin_font), "other.ttf"), "the same wherever the work lies"
    assert with_absolute_fonts(config, tmp_path).fonts == (str(latin_font), str(other)), "usable from another folder"


def test_a_system_without_fonts_offers_none(drawn: DrawnConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearcat.strength.sweep.variants.fonts_with", lambda characters: [])
    assert ordered_values(SCALES["fonts"], drawn.fonts, drawn, tmp_path) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.25, "0.25"),
        (1.0, "1"),
        ("plain", "plain"),
        ((4, 6), "4, 6"),
        ([4], "4"),
        ((), "those of the system"),
        (("/fonts/Serif.ttf", "Sans.otf"), "Serif, Sans"),
        ("abcdefghijklmnopqrst", "20 characters, abcdefghij…"),
    ],
)
def test_a_value_is_said_in_short(value: object, said: str):
    assert say_value(value) == said


def test_a_variant_says_what_it_is(tmp_path: Path):
    config: CaptchaConfig = load_text(tmp_path)
    assert Variant("", None, config, BASE).describe() == "the configuration as it is"
    assert Variant("char_count", (6,), config, "char_count-6").describe() == "char_count = 6"
