"""Settings: one row each, what overrides what, old values, and every problem in one message."""

import io
import tokenize
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat import settings_rules
from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import read_settings_file
from bearcat.core.workspace import ROOT
from bearcat.modes import MODES
from bearcat.networks.registry import BACKBONES
from bearcat.settings_rules import GROUPS, SETTINGS, load_settings, parse_overrides, settings_table

DEFAULTS = ROOT / "settings.py"
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def work_file(tmp_path: Path) -> Path:
    """An empty settings file of a work."""
    path = tmp_path / "settings.py"
    path.write_bytes(b"")
    return path


def test_settings_py_has_the_rows_in_order_with_their_defaults():
    found = {name: value for name, (value, _) in read_settings_file(DEFAULTS).items()}
    assert list(found) == list(SETTINGS)
    for name, row in SETTINGS.items():
        assert (type(found[name]), found[name]) == (type(row.default), row.default)


def test_each_comment_in_settings_py_is_the_meaning_of_the_row():
    text = DEFAULTS.read_text(encoding="utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    lines = {name: node.end_lineno for name, (_, node) in read_settings_file(DEFAULTS).items()}
    assert {name: comments[line] for name, line in lines.items()} == {
        name: row.meaning for name, row in SETTINGS.items()
    }
    headings = [line for line in text.splitlines() if line.startswith("# --- ")]
    assert len(headings) == len(GROUPS)
    assert all(line.startswith(f"# --- {heading} ") for line, heading in zip(headings, GROUPS, strict=True))


def test_the_markdown_table_has_every_setting():
    lines = settings_table().splitlines()
    names = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert names == list(SETTINGS)
    assert all(line.count(" | ") == 3 for line in lines if line.startswith("|"))
    assert [line for line in lines if line.startswith("#")] == [f"## {heading}" for heading in GROUPS]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_default_satisfies_its_own_rule(name: str):
    assert SETTINGS[name].rule.accepts(read_settings_file(DEFAULTS)[name][0])


def test_the_command_line_overrides_the_work_which_overrides_the_defaults(work_file: Path):
    work_file.write_text("EPOCHS = 7654\nBATCH_SIZE = 7655\n")
    settings = load_settings(DEFAULTS, work_file, ["BATCH_SIZE=7656", "SEED=1", "SEED=2"])
    assert (settings.EPOCHS, settings.BATCH_SIZE, settings.SEED) == (7654, 7656, 2)
    assert read_settings_file(DEFAULTS)["LR"][0] == settings.LR


@pytest.mark.parametrize("overrides", [[], ["WEIGHTS=base"], ["WEIGHTS='base'"]])
def test_an_old_value_is_replaced_and_mentioned_once(work_file: Path, overrides: list[str]):
    work_file.write_text('WEIGHTS = "base"\n')
    notes: list[str] = []
    assert load_settings(DEFAULTS, work_file, overrides, notes.append).WEIGHTS == "pretrained"
    (note,) = notes
    assert "WEIGHTS = 'base'" in note
    assert ("--set" if overrides else str(work_file)) in note
    assert load_settings(DEFAULTS, work_file, ["WEIGHTS=None"], notes.append).WEIGHTS is None
    assert len(notes) == 1  # an old value that is overridden is not used


def test_an_old_name_is_replaced_and_mentioned(work_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(settings_rules.SETTINGS, "SEED", replace(SETTINGS["SEED"], old_names=("RANDOM_SEED",)))
    work_file.write_text("RANDOM_SEED = 5\n")
    notes: list[str] = []
    assert load_settings(DEFAULTS, work_file, (), notes.append).SEED == 5
    assert notes == ["Note: the setting RANDOM_SEED is now called SEED"]
    assert parse_overrides(["RANDOM_SEED=6", "WEIGHTS=base"]) == {"SEED": 6, "WEIGHTS": "pretrained"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_mode_and_backbone_can_be_set(mode: str, backbone: str):
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
        "WEIGHTS=basis",
        "WEIGHTS=['base']",
        "DATA_ENHANCEMENT=True",
    ],
)
def test_a_wrong_type_or_range_is_refused_with_what_is_expected(override: str):
    name = override.partition("=")[0]
    with pytest.raises(SettingsError) as error:
        load_settings(DEFAULTS, None, [override])
    assert f"{name} = " in str(error.value)
    assert f"{SETTINGS[name].rule.allowed} is expected" in str(error.value)


def test_an_unknown_name_gets_the_most_similar_one_as_a_hint(work_file: Path):
    work_file.write_text("IMAGE_CHANNELS = 3\n")
    with pytest.raises(SettingsError, match=r"IMAGE_CHANNELS .*did you mean IMAGE_CHANNALS") as error:
        load_settings(DEFAULTS, work_file)
    assert str(work_file) in str(error.value)


def test_one_message_lists_every_problem_with_its_place(work_file: Path):
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


def test_a_syntax_error_is_refused_with_its_line(work_file: Path):
    work_file.write_text("SEED = 1\nEPOCHS = = 3\n")
    with pytest.raises(SettingsError) as error:
        load_settings(DEFAULTS, work_file)
    assert f"{work_file}, line 2" in str(error.value)


def test_only_upper_case_names_are_settings(work_file: Path):
    work_file.write_text("note = open\nOther = 3\nEPOCHS = 4\n")
    assert load_settings(DEFAULTS, work_file).EPOCHS == 4


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="is not there"):
        load_settings(DEFAULTS, tmp_path / "settings.py")


@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_work_s_file_may_have_a_bom_and_any_line_ends(work_file: Path, bom: bytes, end: bytes):
    work_file.write_bytes(bom + end.join([b"EPOCHS = 3", b"MODEL_NAME = '" + "验证码".encode() + b"'", b""]))
    settings = load_settings(DEFAULTS, work_file)
    assert (settings.EPOCHS, settings.MODEL_NAME) == (3, "验证码")


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(SettingsError, match="LR_PATIENCE = 8 is not below EARLY_PATIENCE = 8"):
        load_settings(DEFAULTS, None, ["LR_PATIENCE=8"])
    with pytest.raises(SettingsError, match="RECTIFY = True is for OPTIMIZER = 'AdaBelief', not 'AdamW'"):
        load_settings(DEFAULTS, None, ["RECTIFY=True"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["BACKBONE='light'"], r"of BACKBONE = 'light': .* that have some: 'auto' \(MobileNetV2\), 'Densenet_121', "),
        (["BACKBONE='Densenet_264'"], "of BACKBONE = 'Densenet_264': set WEIGHTS = None, or one of the backbones"),
        (["MODE='EFFICIENTDET'"], "is not for MODE = 'EFFICIENTDET', whose networks are others: set None"),
    ],
)
def test_imagenet_weights_are_for_the_backbones_of_keras_applications(overrides: list[str], message: str):
    with pytest.raises(SettingsError, match=message):
        load_settings(DEFAULTS, None, ["WEIGHTS=imagenet", *overrides])
    for allowed in ("auto", "Densenet_169", "MobileNetV1"):
        assert load_settings(DEFAULTS, None, ["WEIGHTS=imagenet", f"BACKBONE={allowed}"]).WEIGHTS == "imagenet"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["MODE='NUM_CLASSES'"], "is for texts, which MODE = 'NUM_CLASSES' does not read: set LAYOUT = 'line'"),
        (["MODE='EFFICIENTDET'"], "is for texts, which MODE = 'EFFICIENTDET' does not read: set LAYOUT = 'line'"),
        (["FRAMES='spread'"], "does not go with FRAMES = 'spread': take another of FRAMES, or LAYOUT = 'line'"),
    ],
)
@pytest.mark.parametrize("layout", ["two_lines", "vertical"])
def test_a_layout_of_several_rows_is_for_texts_in_one_frame(layout: str, overrides: list[str], message: str):
    with pytest.raises(SettingsError, match=f"LAYOUT = '{layout}' {message}"):
        load_settings(DEFAULTS, None, [f"LAYOUT='{layout}'", *overrides])
    assert vars(load_settings(DEFAULTS, None, [f"LAYOUT='{layout}'"]))["LAYOUT"] == layout
    assert load_settings(DEFAULTS, None, ["LAYOUT='line'", *overrides]).LAYOUT == "line"


def test_a_setting_that_is_missing_in_the_defaults_is_named(tmp_path: Path):
    lines = DEFAULTS.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "settings.py").write_text(
        "".join(line for line in lines if not line.startswith("EPOCHS")), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match="EPOCHS is missing"):
        load_settings(tmp_path / "settings.py", None)
