"""Files are written beside and renamed: a block that fails leaves what was there."""

import json
import os
from pathlib import Path

import pytest

from bearcat.core.files import write_json, write_text, written_beside


@pytest.mark.parametrize("sync", [True, False])
def test_a_block_that_ends_well_replaces_the_file_and_leaves_nothing_beside(tmp_path: Path, sync: bool):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    with written_beside(path, sync=sync) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_itself_is_not_written_to(tmp_path: Path):
    path, same_file = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    os.link(path, same_file)
    write_text(path, "new")
    assert (path.read_text(), same_file.read_text()) == ("new", "old")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_inside_the_block_leaves_the_old_file_and_no_part(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), written_beside(path) as part:
        part.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_no_file_where_there_was_none(tmp_path: Path):
    with pytest.raises(ValueError), written_beside(tmp_path / "new.txt") as part:
        part.write_text("half")
        raise ValueError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.b.keras", "验证码.json"])
def test_the_part_is_hidden_lies_in_the_same_folder_and_keeps_the_suffix(tmp_path: Path, name: str):
    path = tmp_path / name
    with written_beside(path) as part:
        assert part != path
        assert part.parent == path.parent
        assert part.suffix == path.suffix
        assert part.name.startswith(".")
        part.write_text("x")


def test_a_part_that_a_kill_left_is_written_over(tmp_path: Path):
    path = tmp_path / "report.json"
    with written_beside(path) as part:
        part.write_text("1")
    part.write_text("left by a kill, and longer")
    write_text(path, "2")
    assert path.read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]


def test_absent_folders_are_made(tmp_path: Path):
    path = tmp_path / "report" / "deep" / "train.json"
    write_json(path, [])
    assert json.loads(path.read_text()) == []


@pytest.mark.parametrize("text", ["a\nb\n", "a\r\nb\r\n", "ü 验证码 😀", ""])
def test_text_is_written_as_utf_8_with_its_own_line_ends(tmp_path: Path, text: str):
    write_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_bytes() == text.encode("utf-8")


def test_json_comes_back_as_it_was_and_keeps_chinese_readable(tmp_path: Path):
    payload = {"return_info": "处理成功", "figures": [1, 2.5, None, True], "nested": {"空": ""}}
    write_json(tmp_path / "a.json", payload)
    written = (tmp_path / "a.json").read_bytes()
    assert json.loads(written.decode("utf-8")) == payload
    assert "处理成功".encode() in written
    assert written.endswith(b"}\n")
