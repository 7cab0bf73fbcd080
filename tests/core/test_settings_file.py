"""Settings files are parsed without running them, and changed only in their values."""

from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import change_settings_file, is_template_line, parse_override, read_settings_file
from bearcat.core.workspace import ROOT

DEFAULTS = ROOT / "settings.py"
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """An empty settings file."""
    path = tmp_path / "settings.py"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EPOCHS=20", ("EPOCHS", 20)),
        (" LR = 1e-3 ", ("LR", 1e-3)),
        ("MODE=CTC", ("MODE", "CTC")),
        ("MODE='CTC'", ("MODE", "CTC")),
        ("MODEL_NAME=a=b", ("MODEL_NAME", "a=b")),
        ("USE_GPU=False", ("USE_GPU", False)),
    ],
)
def test_an_override_is_a_literal_or_else_text(text: str, expected: tuple):
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["EPOCHS", "=3", "", " =3"])
def test_an_override_without_name_or_value_is_refused(text: str):
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        parse_override(text)


@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_bom_and_any_line_ends_are_accepted(settings_file: Path, bom: bytes, end: bytes):
    settings_file.write_bytes(bom + end.join([b"EPOCHS = 3", b"MODEL_NAME = '" + "验证码".encode() + b"'", b""]))
    values = {name: value for name, (value, _) in read_settings_file(settings_file).items()}
    assert values == {"EPOCHS": 3, "MODEL_NAME": "验证码"}


@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ("# 名\nEPOCHS = 3  # 轮\nLR=1e-3\n", {"EPOCHS": 44}, "# 名\nEPOCHS = 44  # 轮\nLR=1e-3\n"),
        ("EPOCHS = 3\nSEED = 1\n", {"SEED": 22}, "EPOCHS = 3\nSEED = 22\n"),
        ("\nMODEL_NAME = '验证码'  # a\n", {"MODEL_NAME": "新"}, "\nMODEL_NAME = '新'  # a\n"),
        ("# a\nX = [\n  1,  # one\n  2,\n]  # x\nSEED = 1\n", {"X": [3], "SEED": 22}, "# a\nX = [3]  # x\nSEED = 22\n"),
        ("# a\nSEED = 1; EPOCHS = 3\n", {"EPOCHS": 44}, "# a\nSEED = 1; EPOCHS = 44\n"),
        ("SEED = 1\n", {"EPOCHS": 3, "MODE": "CTC"}, "SEED = 1\nEPOCHS = 3\nMODE = 'CTC'\n"),
        ("# a\nSEED = 1", {"SEED": 2}, "# a\nSEED = 2"),
    ],
)
def test_only_values_are_changed(settings_file: Path, bom: bytes, end: bytes, before: str, values: dict, after: str):
    settings_file.write_bytes(bom + before.encode().replace(b"\n", end))
    change_settings_file(settings_file, values)
    assert settings_file.read_bytes() == bom + after.encode().replace(b"\n", end)


def test_a_value_on_the_first_line_after_a_bom_is_changed(settings_file: Path):
    settings_file.write_bytes(BOM + b"EPOCHS = 200  # at most\nSEED = 1\n")
    change_settings_file(settings_file, {"EPOCHS": 3})
    assert settings_file.read_bytes() == BOM + b"EPOCHS = 3  # at most\nSEED = 1\n"


def test_a_new_name_gets_its_own_line_even_if_the_last_one_is_not_terminated(settings_file: Path):
    settings_file.write_bytes(b"SEED = 1")
    assert change_settings_file(settings_file, {"EPOCHS": 3}) == {"EPOCHS": (None, 3)}
    assert settings_file.read_bytes() == b"SEED = 1\nEPOCHS = 3\n"


def test_changes_are_returned_and_equal_values_are_kept(settings_file: Path):
    settings_file.write_bytes(b"SEED = 1\nEPOCHS = 0x10\n")
    assert change_settings_file(settings_file, {"SEED": 2, "EPOCHS": 16}) == {"SEED": (1, 2)}
    assert settings_file.read_bytes() == b"SEED = 2\nEPOCHS = 0x10\n"


def test_the_default_settings_survive_a_change_and_back(settings_file: Path):
    settings_file.write_bytes(DEFAULTS.read_bytes())
    ((_, (old, new)),) = change_settings_file(settings_file, {"IMAGE_HEIGHT": 321}).items()
    assert (read_settings_file(settings_file)["IMAGE_HEIGHT"][0], new) == (321, 321)
    change_settings_file(settings_file, {"IMAGE_HEIGHT": old})
    assert settings_file.read_bytes() == DEFAULTS.read_bytes()


def test_two_settings_on_one_line_are_both_changed(settings_file: Path):
    settings_file.write_text("IMAGE_HEIGHT = 1; IMAGE_WIDTH = 2  # both\n", encoding="utf-8")
    change_settings_file(settings_file, {"IMAGE_HEIGHT": 60, "IMAGE_WIDTH": 100})
    assert settings_file.read_text(encoding="utf-8") == "IMAGE_HEIGHT = 60; IMAGE_WIDTH = 100  # both\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"MODE = \"ORDINARY\"  # Text: 'ORDINARY', 'CTC', 'CTC_TINY'; one class per image: 'NUM_CLASSES'\r\n", True),
        (b"MODE = \"ORDINARY\"  # 'ORDINARY', 'CTC', 'CTC_TINY': text; 'NUM_CLASSES': what a picture shows\n", True),
        (b"SEED = 1\n", True),
        (b"MODE = 'ORDINARY'  # Text: 'ORDINARY', 'CTC', 'CTC_TINY'\n", False),
        (b'MODE = "ORDINARY"\n', False),
        (b"MODE = \"CTC\"  # Text: 'ORDINARY', 'CTC', 'CTC_TINY'\n", False),
        (b"MODE = \"ORDINARY\"  # Text: 'ORDINARY', 'CTC'\nMODE = 'ORDINARY'\n", False),
    ],
)
def test_a_line_as_new_work_writes_it_is_no_choice(settings_file: Path, lines: bytes, expected: bool):
    settings_file.write_bytes(BOM + lines)
    assert is_template_line(settings_file, "MODE", "ORDINARY", "'CTC'") is expected


def test_a_value_that_is_there_already_can_be_written_as_a_choice(settings_file: Path):
    settings_file.write_bytes(DEFAULTS.read_bytes())
    change_settings_file(settings_file, {"MODE": "ORDINARY"}, rewrite=True)
    assert not is_template_line(settings_file, "MODE", "ORDINARY", "'CTC'")
