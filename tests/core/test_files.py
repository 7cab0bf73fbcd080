"""Files are written to a temporary file and renamed: a failed write leaves the old file."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bearcat.core import files
from bearcat.core.files import (
    append_json_line,
    atomic_write,
    check_types,
    is_temporary,
    read_json_lines,
    write_json,
    write_text,
)


@pytest.mark.parametrize("sync", [True, False])
def test_a_write_replaces_the_file_and_leaves_no_temporary_file(tmp_path: Path, sync: bool):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    with atomic_write(path, sync=sync) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_is_replaced_and_not_overwritten(tmp_path: Path):
    path, same_file = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    os.link(path, same_file)
    write_text(path, "new")
    assert (path.read_text(), same_file.read_text()) == ("new", "old")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_no_temporary_file(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as part:
        part.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_no_new_file(tmp_path: Path):
    with pytest.raises(ValueError), atomic_write(tmp_path / "new.txt") as part:
        part.write_text("half")
        raise ValueError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.b.keras", "验证码.json"])
def test_the_temporary_file_is_hidden_in_the_same_folder_and_keeps_the_suffix(tmp_path: Path, name: str):
    path = tmp_path / name
    with atomic_write(path) as part:
        assert part != path
        assert part.parent == path.parent
        assert part.suffix == path.suffix
        assert part.name.startswith(".")
        assert is_temporary(part.name)
        part.write_text("x")


@pytest.mark.parametrize("name", ["a.png", ".5042_000.png", "a.part.png", ".a.partial.png", ".part", "._a.png"])
def test_other_files_are_not_temporary(name: str):
    assert not is_temporary(name)


def test_a_temporary_file_left_by_a_kill_is_overwritten(tmp_path: Path):
    path = tmp_path / "report.json"
    with atomic_write(path) as part:
        part.write_text("1")
    part.write_text("left by a kill, and longer")
    write_text(path, "2")
    assert path.read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_name_is_another_one_each_time_and_no_longer_than_a_file_system_allows(tmp_path: Path):
    path, names = tmp_path / f"{'字' * 82}.txt", set()
    for _ in range(3):
        with atomic_write(path, sync=False) as part:
            names.add(part.name)
    assert len(names) == 3


@pytest.mark.parametrize("sync", [True, False])
def test_a_link_planted_under_the_temporary_name_is_not_followed(
    tmp_path: Path, sync: bool, monkeypatch: pytest.MonkeyPatch
):
    path, victim = tmp_path / "a.txt", tmp_path / "victim.txt"
    victim.write_text("precious")
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "0" * 2 * count)
    with atomic_write(path) as part:
        pass
    part.symlink_to(victim)
    if sync:  # what looks like a file left by a kill is removed
        write_text(path, "new")
        assert path.read_text() == "new"
    else:
        with pytest.raises(FileExistsError):
            write_text(path, "new", sync=False)
    assert victim.read_text() == "precious"


def test_missing_folders_are_created(tmp_path: Path):
    path = tmp_path / "report" / "deep" / "train.json"
    write_json(path, [])
    assert json.loads(path.read_text()) == []


@pytest.mark.parametrize("text", ["a\nb\n", "a\r\nb\r\n", "ü 验证码 😀", ""])
def test_text_is_written_as_utf_8_and_keeps_its_line_ends(tmp_path: Path, text: str):
    write_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_bytes() == text.encode("utf-8")


def test_json_round_trips_and_keeps_chinese_readable(tmp_path: Path):
    payload = {"return_info": "处理成功", "figures": [1, 2.5, None, True], "nested": {"空": ""}}
    write_json(tmp_path / "a.json", payload)
    written = (tmp_path / "a.json").read_bytes()
    assert json.loads(written.decode("utf-8")) == payload
    assert "处理成功".encode() in written
    assert written.endswith(b"}\n")


def test_lines_are_added_and_read(tmp_path: Path):
    path = tmp_path / "new" / "lines.jsonl"
    assert list(read_json_lines(path)) == []
    names = ["处理\u2028成功", "\udcff"]  # the second one is that of a file whose name is not UTF-8
    for name in names:
        append_json_line(path, {"name": name})
    assert path.read_bytes().count(b"\n") == 2
    assert [entry["name"] for entry in read_json_lines(path)] == names


def test_lines_that_a_kill_cut_off_are_left_out(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"number": 1}\n[1]\n{"numb')
    append_json_line(path, {"number": 2})
    assert list(read_json_lines(path)) == [{"number": 1}, {"number": 2}]
    assert path.read_bytes().splitlines()[2] == b'{"numb'


@dataclass
class Record:
    """What a file of JSON may hold."""

    name: str
    typed: str | None = None
    seconds: float = 0.0
    sizes: tuple[int, ...] = ()


@pytest.mark.parametrize("fields", [{"typed": "a"}, {"typed": None}, {"seconds": 2}, {"sizes": (1, 2)}])
def test_values_of_the_annotated_types_pass(fields: dict):
    check_types(Record("a", **fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": None}, "name must be str, not None"),
        ({"typed": 7}, r"typed must be str \| None, not 7"),
        ({"seconds": "2"}, "seconds must be float"),
        ({"sizes": (1, "2")}, "sizes must be"),
    ],
)
def test_values_of_other_types_are_refused(fields: dict, message: str):
    with pytest.raises(TypeError, match=message):
        check_types(Record(**{"name": "a", **fields}))
