"""Characters that the captcha package cannot draw are refused."""

from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from tests.helpers.captchas import load_text


def refusal(folder: Path, characters: str) -> str:
    with pytest.raises(SettingsError) as error:
        load_text(folder, characters=characters)
    return str(error.value)


def test_letters_digits_and_signs_that_it_draws(tmp_path: Path):
    characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+×÷éÄЖ"
    assert load_text(tmp_path, characters=characters).characters == characters


def test_characters_without_a_glyph_are_named_with_the_other_style(tmp_path: Path):
    message = refusal(tmp_path, "12好天")
    assert "characters = '12好天': the captcha package has no glyph for 好 天: remove them, or set " in message
    assert message.endswith('or set "style": "drawn", which draws what its fonts have')


def test_for_combining_marks_the_other_style_is_not_advised(tmp_path: Path):
    message = refusal(tmp_path, "12\u0e31\u0e34")
    assert message.endswith("the captcha package has no glyph for \u0e31 \u0e34: remove them")


@pytest.mark.parametrize("character", "-=~—'`,")
def test_flat_characters_are_refused(tmp_path: Path, character: str):
    assert f"the captcha package stretches {character} into blocks: " in refusal(tmp_path, f"12{character}")


def test_both_reasons_are_in_one_message(tmp_path: Path):
    assert "has no glyph for 好 and stretches - = into blocks: " in refusal(tmp_path, "1-=好-")
