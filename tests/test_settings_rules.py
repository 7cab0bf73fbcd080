"""Settings: what overrides what, every problem in one message, and a settings file changed in its values alone."""

from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import change_settings_file, parse_override, read_settings_file
from bearcat.core.workspace import ROOT
from bearcat.modes import MODES
from bearcat.networks.registry import BACKBONES
from bearcat.settings_rules import RULES, load_settings

DEFAULTS = ROOT / "settings.py"
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def work_file(tmp_path: Path) -> Path:
    """A work's settings file with nothing in it yet."""
    path = tmp_path / "settings.py"
    path.write_bytes(b"")
    return path


def test_the_default_settings_and_the_rules_name_the_same():
    assert set(read_settings_file(DEFAULTS)) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_default_satisfies_its_own_rule(name: str):
    assert RULES[name].holds(read_settings_file(DEFAULTS)[name][0])


def test_the_command_line_goes_before_the_work_and_the_work_before_the_defaults(work_file: Path):
    work_file.write_text("EPOCHS = 7654\nBATCH_SIZE = 7655\n")
    settings = load_settings(DEFAULTS, work_file, ["BATCH_SIZE=7656", "SEED=1", "SEED=2"])
    assert (settings.EPOCHS, settings.BATCH_SIZE, settings.SEED) == (7654, 7656, 2)
    assert read_settings_file(DEFAULTS)["LR"][0] == settings.LR


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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_mode_and_backbone_there_is_can_be_set(mode: str, backbone: str):
    settings = load_settings(DEFAULTS, None, [f"MODE={mode}", f"BACKBONE={backbone}"])
    assert (mode, backbone) == (settings.MODE, settings.BACKBONE)


@pytest.mark.parametrize(
    "override",
    [
        "IMAGE_CHANNALS=True",
        "IMAGE_CHANNALS=2",
        "IMAGE_CHANNALS=1.0",
        "USE_GPU=1",
        "MODE=ordinary",
        "MODE=['CTC']",
        "BACKBONE=resnet",
        "EPOCHS=0",
        "EPOCHS=2.0",
        "EPOCHS='2'",
        "EPOCHS=True",
        "EPOCHS=None",
        "LR=0",
        "LR=1",
        "LR=fast",
        "DIVIDE_RATO=0.5",
        "DIVIDE_RATO=-0.1",
        "UPDATE_FREQ=often",
        "UPDATE_FREQ=0",
        "MODEL_NAME='a/b'",
        "MODEL_NAME=' '",
        "MODEL_NAME=3",
        "SEED=-1",
    ],
)
def test_a_wrong_type_or_range_is_refused_and_says_what_is_expected(override: str):
    name = override.partition("=")[0]
    with pytest.raises(SettingsError) as error:
        load_settings(DEFAULTS, None, [override])
    assert f"{name} = " in str(error.value)
    assert f"{RULES[name].allowed} is expected" in str(error.value)


def test_an_unknown_name_gets_the_nearest_one_as_a_hint(work_file: Path):
    work_file.write_text("IMAGE_CHANNELS = 3\n")
    with pytest.raises(SettingsError, match=r"IMAGE_CHANNELS .*did you mean IMAGE_CHANNALS") as error:
        load_settings(DEFAULTS, work_file)
    assert str(work_file) in str(error.value)


def test_every_problem_stands_in_one_message_with_its_place(work_file: Path):
    work_file.write_text("EPOCHS = 'many'\nLR = 2\nZZZ = 1\nSEED = 5\n")
    with pytest.raises(SettingsError) as error:
        load_settings(DEFAULTS, work_file, ["BATCH_SIZ=3", "USE_GPU=maybe"])
    problems = str(error.value).splitlines()[1:]
    assert len(problems) == 5
    for name, place in {"EPOCHS": work_file, "LR": work_file, "ZZZ": work_file, "BATCH_SIZ": "--set"}.items():
        assert any(line.strip().startswith(f"{name} ") and str(place) in line for line in problems)


@pytest.mark.parametrize("value", ["1 / 2", "int('3')", "OTHER", "[0] * 3", "f'{1}'"])
def test_an_expression_is_refused_with_file_and_line_and_not_run(work_file: Path, value: str):
    work_file.write_text(f"# first\n\nSEED = 1\nLR = {value}\n")
    with pytest.raises(SettingsError, match="LR = ") as error:
        load_settings(DEFAULTS, work_file)
    assert f"{work_file}, line 4" in str(error.value)


def test_a_file_that_is_no_python_is_refused_with_its_line(work_file: Path):
    work_file.write_text("SEED = 1\nEPOCHS = = 3\n")
    with pytest.raises(SettingsError) as error:
        load_settings(DEFAULTS, work_file)
    assert f"{work_file}, line 2" in str(error.value)


def test_only_all_caps_names_count(work_file: Path):
    work_file.write_text("note = open\nOther = 3\nEPOCHS = 4\n")
    assert load_settings(DEFAULTS, work_file).EPOCHS == 4


def test_an_absent_file_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="is not there"):
        load_settings(DEFAULTS, tmp_path / "settings.py")


@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_settings_file_is_read_with_bom_and_any_line_ends(work_file: Path, bom: bytes, end: bytes):
    work_file.write_bytes(bom + end.join([b"EPOCHS = 3", b"MODEL_NAME = '" + "验证码".encode() + b"'", b""]))
    settings = load_settings(DEFAULTS, work_file)
    assert (settings.EPOCHS, settings.MODEL_NAME) == (3, "验证码")


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
def test_only_the_values_of_a_settings_file_are_changed(
    work_file: Path, bom: bytes, end: bytes, before: str, values: dict, after: str
):
    work_file.write_bytes(bom + before.encode().replace(b"\n", end))
    change_settings_file(work_file, values)
    assert work_file.read_bytes() == bom + after.encode().replace(b"\n", end)


def test_a_value_on_the_first_line_of_a_file_with_bom_is_changed_whole(work_file: Path):
    work_file.write_bytes(BOM + b"EPOCHS = 200  # at most\nSEED = 1\n")
    change_settings_file(work_file, {"EPOCHS": 3})
    assert work_file.read_bytes() == BOM + b"EPOCHS = 3  # at most\nSEED = 1\n"


def test_a_name_is_appended_on_a_line_of_its_own_where_the_last_line_has_no_end(work_file: Path):
    work_file.write_bytes(b"SEED = 1")
    assert change_settings_file(work_file, {"EPOCHS": 3}) == {"EPOCHS": (None, 3)}
    assert work_file.read_bytes() == b"SEED = 1\nEPOCHS = 3\n"


def test_what_changed_is_returned_and_what_is_so_already_is_left(work_file: Path):
    work_file.write_bytes(b"SEED = 1\nEPOCHS = 0x10\n")
    assert change_settings_file(work_file, {"SEED": 2, "EPOCHS": 16}) == {"SEED": (1, 2)}
    assert work_file.read_bytes() == b"SEED = 2\nEPOCHS = 0x10\n"


def test_the_default_settings_file_survives_a_change_and_back(work_file: Path):
    work_file.write_bytes(DEFAULTS.read_bytes())
    ((_, (old, new)),) = change_settings_file(work_file, {"IMAGE_HEIGHT": 321}).items()
    assert (load_settings(DEFAULTS, work_file).IMAGE_HEIGHT, new) == (321, 321)
    change_settings_file(work_file, {"IMAGE_HEIGHT": old})
    assert work_file.read_bytes() == DEFAULTS.read_bytes()


def test_two_settings_on_one_line_are_changed_each_in_its_place(work_file: Path):
    work_file.write_text("IMAGE_HEIGHT = 1; IMAGE_WIDTH = 2  # both\n", encoding="utf-8")
    change_settings_file(work_file, {"IMAGE_HEIGHT": 60, "IMAGE_WIDTH": 100})
    assert work_file.read_text(encoding="utf-8") == "IMAGE_HEIGHT = 60; IMAGE_WIDTH = 100  # both\n"


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(SettingsError, match="LR_PATIENCE = 8 is not below EARLY_PATIENCE = 8"):
        load_settings(DEFAULTS, None, ["LR_PATIENCE=8"])


def test_a_setting_that_the_defaults_lack_is_named(tmp_path: Path):
    lines = DEFAULTS.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "settings.py").write_text(
        "".join(line for line in lines if not line.startswith("EPOCHS")), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match="EPOCHS is missing"):
        load_settings(tmp_path / "settings.py", None)
