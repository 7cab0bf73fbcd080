"""Problems with the keys of kind "click" are all named in one message."""

from pathlib import Path

import pytest

from tests.helpers.captchas import refusal


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
    message = refusal(work, **{name: value})
    named = {"width": "char_count = [2, 4]: 16×56 pixels have room for", "characters": "char"}.get(name)
    assert (named or f"{name} = {value!r}: ") in message
    assert str(work / "captcha_config.json") in message


def test_all_problems_are_in_one_message(work: Path):
    message = refusal(work, rotation=999, count=..., hight=1, char_count=[21], image_suffix="tiff", characters="ABD好")
    problems = [line.split()[0] for line in message.splitlines()[1:]]
    assert sorted(problems) == ["char_count", "count", "fonts", "hight", "image_suffix", "rotation"]
    assert "at most 4 is expected: no character of `characters` is drawn twice" in message


def test_the_message_says_how_many_characters_fit_into_the_image(work: Path):
    message = refusal(work, char_count=[18], character_size=[30, 50])
    assert "96×56 pixels have room for 2 characters of 30 pixels rotated by up to 30°" in message


def test_characters_that_no_font_has_are_named_with_what_to_install(work: Path):
    message = refusal(work, characters="ABDE好天的一是在不了有")
    assert "none of these fonts has all of `characters`; the best lacks 好 天 的 一 是 在 不 了 and 1 more" in message
    assert "apt-get install fonts-wqy-microhei" in message
    assert "simhei.ttf" in message
    assert 'set "fonts"' in message


def test_a_system_without_fonts(work: Path, monkeypatch: pytest.MonkeyPatch):
    for module in ("bearcat.core.fonts", "bearcat.generation.rules"):
        monkeypatch.setattr(f"{module}.system_fonts", lambda: ())
    assert "no font of this system has all of `characters`; the best lacks A B D E" in refusal(work, fonts=...)
