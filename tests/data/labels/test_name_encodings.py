"""File names that are not UTF-8: one message with what they may be, and no guess that is learnt."""

import os
from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.left_out import files_left_out
from bearcat.data.labels.name_encodings import readings_of
from bearcat.data.labels.reading import list_images, read_labels
from tests.helpers.label_files import labels_in, put

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 on Windows")


def put_encoded(folder: Path, encoding: str, *names: str) -> None:
    """Makes empty files whose names have the bytes of an encoding."""
    for name in names:
        put(folder, name.encode(encoding).decode("utf-8", "surrogateescape"))


def test_labels_that_are_not_utf_8_are_refused_in_one_message(tmp_path: Path):
    put_encoded(tmp_path, "gbk", "天地_001.png", "人和_002.png")
    put(tmp_path, "ab_1.png")
    with pytest.raises(LabelError) as error:
        read_labels(tmp_path)
    message = str(error.value)
    message.encode("utf-8")
    assert f"{tmp_path}: the names of 2 of 3 images are not UTF-8" in message
    assert "\n  gbk: 人和_002.png\n" in message
    assert f"convmv -f gbk -t utf-8 -r --notest {tmp_path}" in message
    assert "unzip -O gbk" in message
    assert len(message.splitlines()) < 10


def test_names_that_are_utf_8_by_chance_are_to_be_renamed_too(tmp_path: Path):
    put_encoded(tmp_path, "gbk", "天_1.png", "地_2.png", "人_3.png", "圆_4.png")  # the last is a letter of Armenian
    with pytest.raises(LabelError, match="3 of 4 images are not UTF-8") as error:
        read_labels(tmp_path)
    assert "-r --notest --nosmart" in str(error.value)
    put(tmp_path, "和_5.png", "平_6.png")
    with pytest.raises(LabelError, match="3 of 6 images are not UTF-8") as error:
        read_labels(tmp_path)
    assert "--nosmart" not in str(error.value)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("big5", "驗證_1.png"),
        ("cp932", "てすと_1.png"),
        ("cp949", "한글_1.png"),
        ("cp1251", "Привет_1.png"),
        ("cp1252", "é_1.png"),
    ],
)
def test_the_right_encoding_is_among_those_offered(tmp_path: Path, encoding: str, name: str):
    put_encoded(tmp_path, encoding, name)
    (path,) = list_images(tmp_path)
    assert readings_of([path.name])[encoding] == name


def test_a_class_folder_that_is_not_utf_8_is_refused_too(tmp_path: Path):
    put_encoded(tmp_path, "gbk", "方/1.png")
    with pytest.raises(LabelError, match="1 of 1 images are not UTF-8"):
        read_labels(tmp_path)


def test_bytes_behind_the_label_do_no_harm(tmp_path: Path):
    put_encoded(tmp_path, "gbk", "ab_天.png", "cat/地.png", "x/y/人.png")
    assert sorted(labels_in(tmp_path).values()) == ["ab", "cat"]
    (left_out,) = files_left_out(tmp_path)
    assert r"x/y/\xc8\xcb.png" in str(left_out)


def test_names_without_a_reading_are_refused_without_a_guess(tmp_path: Path):
    put_encoded(tmp_path, "latin-1", "\xa0\xff_1.png")
    with pytest.raises(LabelError, match="are not UTF-8") as error:
        read_labels(tmp_path)
    assert "In other encodings" not in str(error.value)
    assert readings_of(["half\ud83d_1.png"]) == {}
