"""Names of files are shown on one line, whatever they are made of."""

import json
import os
from pathlib import Path

import pytest

from bearcat import cli
from bearcat.core.files import to_json, write_json
from bearcat.core.names import has_surrogates, show_message, show_name

GBK = "天_1.png".encode("gbk").decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "name", ["ab_1.png", "a b.png", "验证码_1.png", "می‌خواهم_1.png", "👩‍🚀.png", "a\u3000b", "é", "a\\b"]
)
def test_names_that_can_be_shown_stay(name: str):
    assert show_name(name) == show_message(name) == name
    assert not has_surrogates(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (GBK, r"\xcc\xec_1.png"),
        ("a\n\r\t\x1b[31m\x7f\x9b", r"a\n\r\t\x1b[31m\x7f\x9b"),
        ("\u202egnp.exe\u2066\u200f", r"\u202egnp.exe\u2066\u200f"),
        ("a\u200b\ufeff\u2028", r"a\u200b\ufeff\u2028"),
        ("half\ud83d", r"half\ud83d"),
        # in bytes of GBK some may form a character of UTF-8 by chance
        ("a\udcb5\u063a/天", r"a\xb5\xd8\xba/天"),
    ],
)
def test_what_a_terminal_would_not_show_becomes_an_escape(name: str, shown: str):
    assert show_name(name) == shown
    assert show_name(Path(name)) == shown
    shown.encode("utf-8")
    assert shown.isprintable()


def test_a_message_keeps_its_lines():
    assert show_message("one\n\ttwo \x1b[0m\u202e\udccc") == "one\n\ttwo \\x1b[0m\\u202e\\xcc"


def test_json_keeps_every_name(tmp_path: Path):
    names = [GBK, "half\ud83d", "天", "\u202e"]
    assert json.loads(to_json(names)) == names
    write_json(tmp_path / "names.json", names)
    assert json.loads((tmp_path / "names.json").read_text(encoding="utf-8")) == names


def test_steps_print_names_escaped(capsys: pytest.CaptureFixture):
    cli.echo(f"1 image: {GBK}\x1b]0;title\x07")
    assert capsys.readouterr().out == "1 image: \\xcc\\xec_1.png\\x1b]0;title\\x07\n"


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 on Windows")
def test_names_that_the_system_returns_are_shown(tmp_path: Path):
    os.mkdir(os.fsencode(tmp_path) + b"/\xcc\xec")
    (folder,) = tmp_path.iterdir()
    assert show_name(folder) == f"{tmp_path}/\\xcc\\xec"
