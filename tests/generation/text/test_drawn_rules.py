"""Problems with the keys of style "drawn" are all named in one message."""

import re
from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from tests.helpers.captchas import load_drawn, load_text


@pytest.fixture
def refusal(tmp_path: Path, latin_font: Path):
    """Returns the message about a configuration that must be refused."""

    def refuse(**changes: object) -> str:
        with pytest.raises(SettingsError) as error:
            load_drawn(tmp_path, latin_font, **changes)
        return str(error.value)

    return refuse


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rotation", -1),
        ("rotation", 181),
        ("rotation", 10.5),
        ("shear", 1.1),
        ("shear", "0"),
        ("overlap", 0.61),
        ("overlap", True),
        ("outline", 21),
        ("outline", 0.5),
        ("bend", -0.1),
        ("bend", None),
        ("lines", 51),
        ("lines", [2]),
        ("line_colour", "red"),
        ("dots", 0.31),
        ("dots", float("nan")),
        ("paper", "stone"),
        ("paper", ["plain"]),
        ("colours", 1),
        ("contrast", 0),
        ("contrast", 1.01),
        ("text", "words"),
        ("character_size", 20),
        ("character_size", [7, 10]),
        ("character_size", [20, 10]),
        ("fonts", "a.ttf"),
        ("fonts", ["absent.ttf"]),
        ("characters", "a b"),
    ],
)
def test_a_wrong_value_is_named(refusal, name: str, value: object):
    assert f"{name} = {value!r}: " in refusal(**{name: value})


def test_all_problems_are_in_one_message(refusal):
    message = refusal(rotation=999, count=0, paper="", hight=1, width=70, characters="ab\u0301好")
    problems = [line.split()[0] for line in message.splitlines()[1:]]
    assert sorted(problems) == ["characters", "count", "hight", "paper", "rotation"]
    message = refusal(width=40, char_count=[12], characters="abc", height=16, character_size=[30, 40])
    assert [line.split()[0] for line in message.splitlines()[1:]] == ["width", "height"]


def test_characters_that_no_chosen_font_has_are_named_with_what_to_install(refusal):
    message = refusal(characters="AB好天的一是在不了有")
    assert "none of these fonts has 好 天 的 一 是 在 不 了 and 1 more. " in message
    assert "apt-get install fonts-wqy-microhei" in message
    assert 'set "fonts"' in message


def test_one_font_of_the_system_must_have_all_characters(refusal, monkeypatch: pytest.MonkeyPatch):
    for module in ("bearcat.core.fonts", "bearcat.generation.rules"):
        monkeypatch.setattr(f"{module}.system_fonts", lambda: ())
    assert "no font of this system has all of `characters`; the best lacks A B" in refusal(characters="AB", fonts=[])


def test_the_message_says_how_large_an_image_the_text_needs(tmp_path: Path, latin_font: Path, refusal):
    large = {"character_size": [40, 50], "char_count": [5]}
    message = refusal(**large)
    (needed,) = [int(line.split()[3]) for line in message.splitlines() if line.strip().startswith("width = 100: ")]
    assert (
        f"{needed} or more is expected, for 5 characters of 40 pixels; or fewer characters (char_count) or smaller "
        "ones (character_size) or more overlap"
    ) in message
    assert load_drawn(tmp_path, latin_font, width=needed, **large).width == needed
    assert f"width = {needed - 1}: {needed} or more" in refusal(width=needed - 1, **large)
    assert "height = 30: " in refusal(height=30, bend=1.0, character_size=[24, 24])


def test_only_what_would_help_is_advised(refusal):
    bent = refusal(width=16, height=2000, char_count=[1], bend=1, rotation=0, shear=0)
    assert re.search(r"width = 16: 6\d\d or more is expected, for 1 character of 8 pixels; or less bend$", bent)
    dense = refusal(width=16, char_count=[9], bend=0, rotation=0, shear=0, overlap=0.6)
    assert dense.endswith("for 9 characters of 8 pixels; or fewer characters (char_count)")
    turned = refusal(width=300, height=16, outline=3, rotation=90, shear=0, bend=0, overlap=0.6, char_count=[1])
    assert re.search(r"height = 16: \d\d or more .* of 8 pixels; or less outline or less rotation$", turned)


def test_a_text_that_fits_no_image_is_said_to_be_so(refusal):
    message = refusal(char_count=[64], character_size=[1000, 1000])
    assert re.search(
        r"width = 100: 64 characters of 1000 pixels would take \d{5}, more than the 2000 that are possible; "
        r"smaller ones \(character_size\) or fewer characters \(char_count\) or more overlap is expected",
        message,
    )


def test_a_font_whose_name_no_file_can_have_is_refused(refusal):
    assert "does not exist or is not a font" in refusal(fonts=["a\0b"])


def test_the_keys_of_the_toolkits_own_configuration_fit(tmp_path: Path, latin_font: Path):
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert load_text(tmp_path, style="drawn", fonts=[str(latin_font)], characters=letters, char_count=[4, 5, 6])


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ("aא1", "written from left to right, or from right to left"),
        ("ab\u0301", "combining marks (\u0301) cannot be drawn: every"),
    ],
)
def test_characters_whose_labels_would_be_unclear_are_refused(refusal, characters: str, message: str):
    assert message in refusal(characters=characters)


def test_sums_need_their_characters(refusal):
    assert "for sums, two or more digits" in refusal(text="sum", characters="abc")
    assert "for sums, two or more digits" in refusal(text="sum", characters="123+")
    assert "char_count = [2]: lengths from 4 to 14" in refusal(text="sum", characters="12+=", char_count=[2])
