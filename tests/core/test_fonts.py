"""Fonts: found on the system, and only those that really have a character."""

import shutil
from pathlib import Path

import pytest
from PIL import ImageFont

from bearcat.core import fonts
from bearcat.core.fonts import find_font, fonts_with, has_glyph, lacking_characters, open_font, system_fonts


@pytest.fixture
def only(latin_font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A font folder that is all the system has: one font, one that is damaged, one for images, and other files."""
    folder = tmp_path / "system" / "deep"
    folder.mkdir(parents=True)
    for name in ("arial.ttf", "Wingdings.ttf", "zzz.TTF"):
        shutil.copyfile(latin_font, folder / name)
    (folder / "broken.otf").write_bytes(b"no font")
    (folder / "fonts.dir").write_text("1", encoding="utf-8")
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path / "system"])
    system_fonts.cache_clear()
    yield folder
    system_fonts.cache_clear()


def test_a_character_that_a_font_lacks_is_told_from_one_that_it_has(latin_font: Path):
    assert has_glyph(latin_font, "a")
    for character in ("好", "\uffff", "\ue000", " "):
        assert not has_glyph(latin_font, character)
    assert lacking_characters(latin_font, "a好b天好") == "好天"


def test_what_is_no_font_has_nothing(tmp_path: Path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    assert not has_glyph(tmp_path / "a.ttf", "a")
    assert not has_glyph(tmp_path / "absent.ttf", "a")


def test_the_systems_fonts_are_those_for_text_the_preferred_ones_first(only: Path):
    assert system_fonts() == (only / "arial.ttf", only / "zzz.TTF", only / "broken.otf")


def test_fonts_with_a_text_have_all_of_it_but_spaces(only: Path):
    assert fonts_with("a b7") == [only / "arial.ttf", only / "zzz.TTF"]
    assert fonts_with("a好") == []
    assert fonts_with("ab", [only / "zzz.TTF", only / "broken.otf"]) == [only / "zzz.TTF"]


def test_a_font_for_a_text_is_the_systems_else_pillows_own(only: Path):
    assert find_font("abc 0.98", 17) is open_font(only / "arial.ttf", 17)
    fallback = find_font("好", 19)
    assert isinstance(fallback, ImageFont.FreeTypeFont)
    assert fallback.size == 19
    assert Path(str(fallback.path)).parent != only


def test_folders_that_are_not_there_are_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("WINDIR", str(tmp_path / "absent"))
    (tmp_path / "Microsoft" / "Windows" / "Fonts").mkdir(parents=True)
    assert tmp_path / "Microsoft" / "Windows" / "Fonts" in fonts.font_folders()
    assert all(folder.is_dir() for folder in fonts.font_folders())


def test_a_chinese_font_of_the_system_has_chinese():
    found = fonts_with("好天的")
    if not found:
        pytest.skip("no font of this system has Chinese: apt-get install fonts-wqy-microhei")
    assert lacking_characters(found[0], "好天的\uffff") == "\uffff"
    assert find_font("好天的", 20).getbbox("好")[2] > 10
