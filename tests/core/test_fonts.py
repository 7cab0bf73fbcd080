"""Fonts of the system, and whether they really have a glyph for a character."""

import shutil
from pathlib import Path

import pytest
from PIL import ImageFont

from bearcat.core import fonts
from bearcat.core.fonts import find_font, fonts_with, has_glyph, missing_characters, open_font, system_fonts


@pytest.fixture
def font_folder(latin_font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only font folder of the system: two text fonts, a damaged one, a symbol font, and another file."""
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


def test_missing_glyphs_are_detected(latin_font: Path):
    assert has_glyph(latin_font, "a")
    for character in ("好", "\uffff", "\ue000", " "):
        assert not has_glyph(latin_font, character)
    assert missing_characters(latin_font, "a好b天好") == "好天"


def test_a_file_that_is_not_a_font_has_no_glyphs(tmp_path: Path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    assert not has_glyph(tmp_path / "a.ttf", "a")
    assert not has_glyph(tmp_path / "absent.ttf", "a")


def test_system_fonts_are_text_fonts_with_the_preferred_ones_first(font_folder: Path):
    assert system_fonts() == (font_folder / "arial.ttf", font_folder / "zzz.TTF", font_folder / "broken.otf")


def test_fonts_with_a_text_have_all_its_characters_except_spaces(font_folder: Path):
    assert fonts_with("a b7") == [font_folder / "arial.ttf", font_folder / "zzz.TTF"]
    assert fonts_with("a好") == []
    assert fonts_with("ab", [font_folder / "zzz.TTF", font_folder / "broken.otf"]) == [font_folder / "zzz.TTF"]


def test_the_font_for_a_text_is_a_system_font_or_pillows_default(font_folder: Path):
    assert find_font("abc 0.98", 17) is open_font(font_folder / "arial.ttf", 17)
    fallback = find_font("好", 19)
    assert isinstance(fallback, ImageFont.FreeTypeFont)
    assert fallback.size == 19
    assert Path(str(fallback.path)).parent != font_folder


def test_missing_font_folders_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("WINDIR", str(tmp_path / "absent"))
    (tmp_path / "Microsoft" / "Windows" / "Fonts").mkdir(parents=True)
    assert tmp_path / "Microsoft" / "Windows" / "Fonts" in fonts.font_folders()
    assert all(folder.is_dir() for folder in fonts.font_folders())


def test_a_chinese_system_font_has_chinese_characters():
    found = fonts_with("好天的")
    if not found:
        pytest.skip("no font of this system has Chinese characters: apt-get install fonts-wqy-microhei")
    assert missing_characters(found[0], "好天的\uffff") == "\uffff"
    assert find_font("好天的", 20).getbbox("好")[2] > 10
