"""Settings and configurations with all kinds of mistakes made by hand: one message, or they work."""

import json
from pathlib import Path

import pytest

from tests.helpers.faults import CONFIG, TOLERATED, Fault, check, make_work, named, write

LINES = "".join(f"{name} = {value!r}\n" for name, value in {"EPOCHS": 3, "MODEL_NAME": "captcha"}.items())
DEEP = "[" * 100_000


def settings(name: str, text: str | bytes, says: str = TOLERATED) -> Fault:
    """A fault in the work's settings.py."""
    return Fault(name, "init_working_space.py", write("settings.py", text), says)


def config(name: str, content: object, says: str = TOLERATED) -> Fault:
    """A fault in captcha_config.json."""
    return Fault(name, "gen_sample_by_captcha.py", write("captcha_config.json", content), says)


def changed(name: str, value: object, says: str) -> Fault:
    """A captcha_config.json with one wrong value."""
    return config(f"{name} = {value!a:.30}", json.dumps(CONFIG | {name: value}), says)


SETTINGS = [
    settings("BOM", b"\xef\xbb\xbf" + LINES.encode()),
    settings("Windows line ends", LINES.replace("\n", "\r\n")),
    settings("BOM, Windows line ends, Chinese comment", "\ufeff# 训练轮数\r\n" + LINES.replace("\n", "\r\n")),
    settings("empty", b""),
    settings("no line end at the end", LINES.rstrip()),
    settings("syntax error", "EPOCHS = = 3\n", "line 1: not valid Python"),
    settings("a bracket left open", "IMAGE_SIZES = [512,\n", "not valid Python"),
    settings("unknown name", "EPOCHES = 3\n", "did you mean EPOCHS?"),
    settings("text for a number", "EPOCHS = 'many'\n", "EPOCHS = 'many'"),
    settings("an expression", "EPOCHS = 2 ** 5\n", "a plain value is expected"),
    settings("a call", "EPOCHS = open('x')\n", "a plain value is expected"),
    settings("an import", "import os\n", "only lines NAME = value are allowed"),
    settings("infinite", "LR = 1e999\n", "LR = inf"),
    settings("GBK", "# 训练轮数\nEPOCHS = 3\n".encode("gbk"), "is not UTF-8"),
    settings("UTF-16 with BOM", LINES.encode("utf-16"), "is not UTF-8"),
    settings("NUL bytes", b"EPOCHS = 3\n\0\0\0", "not valid Python"),
    settings("nested too deep", f"EPOCHS = {'-' * 100_000}1\n", "not valid Python"),
    settings("two that contradict", "LR_PATIENCE = 9\n", "is not below EARLY_PATIENCE"),
    Fault("--set without a value", "init_working_space.py", write("x", b""), "NAME=VALUE", ("--set", "EPOCHS")),
    Fault("--set nested too deep", "init_working_space.py", write("x", b""), "EPOCHS =", ("--set", f"EPOCHS={DEEP}")),
]
CONFIGS = [
    config("BOM", b"\xef\xbb\xbf" + json.dumps(CONFIG).encode()),
    config("Windows line ends", json.dumps(CONFIG, indent=2).replace("\n", "\r\n")),
    config("empty", b"", "is not the JSON object"),
    config("cut", json.dumps(CONFIG)[:40], "is not the JSON object"),
    config("a list", [1], "is not the JSON object"),
    config(
        "GBK", json.dumps(CONFIG | {"characters": "天"}, ensure_ascii=False).encode("gbk"), "is not the JSON object"
    ),
    config("UTF-16 with BOM", json.dumps(CONFIG).encode("utf-16"), "is not the JSON object"),
    config("nested too deep", DEEP, "is not the JSON object"),
    config("a comment", "// mine\n" + json.dumps(CONFIG), "is not the JSON object"),
    config("unknown key", CONFIG | {"with": 3}, "with is not a key"),
    config("no keys", {}, "characters is missing"),
    config("click's key in text", CONFIG | {"prompt_count": [1]}, 'prompt_count is a key of kind "click" only'),
    config("drawn's key in captcha", CONFIG | {"lines": 3}, 'add "style": "drawn"'),
    config("unknown style", CONFIG | {"style": 1}, "style = 1"),
    config("click for a text mode", CONFIG | {"kind": "click", "width": 300, "height": 150}, "kind 'click' goes with"),
    changed("count", "many", "count = 'many'"),
    changed("count", -1, "count = -1"),
    changed("count", True, "count = True"),
    changed("count", 1.5, "count = 1.5"),
    changed("width", 10**30, "width = 1000"),
    changed("height", None, "height = None"),
    changed("char_count", [], "char_count = []"),
    changed("char_count", 4, "char_count = 4"),
    changed("char_count", [0], "char_count = [0]"),
    changed("characters", "", "characters = ''"),
    changed("characters", "a_b", "characters = 'a_b'"),
    changed("characters", "a/b", "labels become file names"),
    changed("characters", "\ud800", "labels become file names"),
    changed("characters", ["a"], "characters = ['a']"),
    changed("image_suffix", "tiff", "image_suffix = 'tiff'"),
    changed("image_suffix", ["png"], "image_suffix = ['png']"),
    changed("train_dir", "../elsewhere", "'train_dataset' is expected"),
    changed("kind", {}, "one of text, click is expected"),
]
FAULTS = SETTINGS + CONFIGS


@named(FAULTS)
def test_there_is_one_message_or_it_works(fault: Fault, tmp_path: Path, works: Path):
    check(fault, make_work(tmp_path / "work"))


@pytest.mark.parametrize("place", ["my works 验证码/滑块 captcha", "ünï/#1 & 100%", "a'b/it's"])
def test_a_work_anywhere_works(place: str, tmp_path: Path, works: Path):
    work = make_work(tmp_path / place)
    for step in ("init_working_space.py", "gen_sample_by_captcha.py", "cheak_file.py"):
        check(Fault(place, step, write("note.txt", b"")), work)
