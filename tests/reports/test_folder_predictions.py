"""Predictions of a folder: the table, going on after a kill, and what is not overwritten."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from bearcat.artifacts.inference import Recogniser, load_recogniser
from bearcat.core.errors import DataError, RequestOptionError
from bearcat.data.decoding.restrictions import Restriction
from bearcat.reports.folder_predictions import COLUMNS, Row, copy_doubtful, name_model, predict_folder
from tests.helpers.detections import write_detector
from tests.helpers.services import SIDE, write_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, one of them in a sub-folder, and a damaged one."""
    folder = tmp_path / "images"
    for name, level in {"a.png": 0, "b.png": 255, "more/c.png": 127}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (SIDE, SIDE), level).save(folder / name)
    (folder / "d.png").write_bytes(b"damaged")
    return folder


@pytest.fixture
def recogniser(tmp_path: Path) -> Recogniser:
    return load_recogniser(write_model(tmp_path / "captcha.onnx", "1+", classes=3))


def rows_of(table: Path) -> dict[str, dict]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        return {Path(row["file"]).name: row for row in csv.DictReader(file)}


def test_every_image_has_a_line(folder: Path, recogniser: Recogniser, tmp_path: Path):
    table = tmp_path / "found.csv"
    found = predict_folder(folder, recogniser, table, doubtful_below=0.9)
    assert (found.known, found.predicted) == (0, 4)
    rows = rows_of(table)
    assert list(rows) == ["a.png", "b.png", "d.png", "c.png"]
    assert list(rows["a.png"]) == list(COLUMNS)
    assert rows["c.png"]["file"] == (folder / "more" / "c.png").resolve().as_posix()
    assert (rows["a.png"]["text"], rows["b.png"]["text"]) == ("1", "+")
    assert 0 < float(rows["a.png"]["confidence"]) <= 1
    assert rows["d.png"]["confidence"] == rows["d.png"]["text"] == ""
    assert "d.png" in rows["d.png"]["problem"]
    assert len(found.damaged) == 1


def test_a_second_run_predicts_only_what_is_new(folder: Path, recogniser: Recogniser, tmp_path: Path):
    table = tmp_path / "found.csv"
    predict_folder(folder, recogniser, table)
    before = table.read_bytes()
    assert predict_folder(folder, recogniser, table).predicted == 0
    assert table.read_bytes() == before
    Image.new("L", (SIDE, SIDE), 9).save(folder / "e.png")
    found = predict_folder(folder, recogniser, table)
    assert (found.known, found.predicted) == (4, 1)
    assert table.read_bytes().startswith(before)
    assert list(rows_of(table)) == ["a.png", "b.png", "d.png", "c.png", "e.png"]


def test_folders_and_models_may_share_a_table(folder: Path, recogniser: Recogniser, tmp_path: Path):
    table, other = tmp_path / "found.csv", tmp_path / "other"
    other.mkdir()
    Image.new("L", (SIDE, SIDE), 255).save(other / "a.png")
    predict_folder(folder, recogniser, table)
    assert predict_folder(other, recogniser, table).predicted == 1
    assert rows_of(table)["a.png"]["text"] == "+"
    again = load_recogniser(write_model(tmp_path / "second.onnx", "xy"))
    assert predict_folder(other, again, table).predicted == 1
    assert rows_of(table)["a.png"]["text"] == "y"
    assert rows_of(table)["a.png"]["model"] == name_model(again.card)
    assert predict_folder(other, recogniser, table).predicted == 0


def test_rows_of_a_restriction_are_those_of_another_model(folder: Path, recogniser: Recogniser, tmp_path: Path):
    table, allowed = tmp_path / "found.csv", Restriction("1")
    predict_folder(folder, recogniser, table)
    assert predict_folder(folder, recogniser, table, allowed=allowed).predicted == 4
    assert predict_folder(folder, recogniser, table, allowed=allowed).predicted == 0
    assert rows_of(table)["b.png"]["text"] == "1"
    assert name_model(recogniser.card, allowed) != name_model(recogniser.card)
    with pytest.raises(RequestOptionError, match="none of them is known, the model knows 1"):
        predict_folder(folder, recogniser, tmp_path / "none.csv", allowed=Restriction("z"))
    assert not (tmp_path / "none.csv").exists()


def test_an_image_that_shows_another_text_than_the_allowed_ones_is_doubtful(
    folder: Path, recogniser: Recogniser, tmp_path: Path
):
    table, allowed = tmp_path / "found.csv", Restriction("1")
    assert recogniser.predict(folder / "b.png", allowed).confidence > 0.99
    for _ in range(2):  # the second run takes it from the table
        doubtful = predict_folder(folder, recogniser, table, 0.5, allowed).doubtful
        assert folder / "b.png" in doubtful
        assert folder / "a.png" not in doubtful
    assert float(rows_of(table)["b.png"]["confidence"]) < 0.01


def test_a_length_that_the_model_has_no_room_for_is_refused_before_the_table_is_made(
    folder: Path, recogniser: Recogniser, tmp_path: Path
):
    with pytest.raises(RequestOptionError, match="even the shortest of these texts is longer than the 1 positions"):
        predict_folder(folder, recogniser, tmp_path / "none.csv", allowed=Restriction(length="40"))
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_kill_in_the_middle_of_a_line_loses_nothing(
    folder: Path, recogniser: Recogniser, tmp_path: Path, suffix: str
):
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    predict_folder(folder, recogniser, whole)
    content = whole.read_bytes()
    for end in range(0, len(content), 7):
        cut.write_bytes(content[:end])
        predict_folder(folder, recogniser, cut)
        assert cut.read_bytes().removeprefix(b"\xef\xbb\xbf") == content.removeprefix(b"\xef\xbb\xbf"), end


def test_json_lines_hold_answers_and_problems(folder: Path, recogniser: Recogniser, tmp_path: Path):
    table = tmp_path / "found.jsonl"
    predict_folder(folder, recogniser, table)
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    assert [Path(row["file"]).name for row in rows] == ["a.png", "b.png", "d.png", "c.png"]
    assert "problem" in rows[2]
    assert "problem" not in rows[0]
    assert json.loads(Row("a.png", "sums", "3+5=", "8", 0.5).as_json()) == {
        "file": "a.png",
        "model": "sums",
        "text": "3+5=",
        "confidence": 0.5,
        "answer": "8",
    }


def test_boxes_are_json_lines(tmp_path: Path, folder: Path):
    detector = load_recogniser(write_detector(tmp_path / "detector.onnx", [(0, (8, 8, 24, 24))]))
    with pytest.raises(DataError, match=r"EFFICIENTDET are written to a \.jsonl file"):
        predict_folder(folder, detector, tmp_path / "found.csv")
    predict_folder(folder, detector, tmp_path / "found.jsonl")
    first = json.loads((tmp_path / "found.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert {"label", "score", "xmin"} <= first["objects"][0].keys()


FOREIGN = [b"file,label\na.png,1\n", b"\xff\xfe\n", b"[1]\n", b"name;text\n", b"file,label", b"a,b\rc,d\r"]
FOREIGN += [b'{"precious": 1}', b'{"file": "a.png"}', b'{"file": "a.png"}\n', "a,b\n".encode("utf-16")]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_file_of_another_program_is_not_touched(folder: Path, recogniser: Recogniser, tmp_path: Path, content: bytes):
    for table in (tmp_path / "labels.csv", tmp_path / "labels.jsonl"):
        table.write_bytes(content)
        with pytest.raises(DataError, match=r"was not written by read_folder\.py, so nothing is added"):
            predict_folder(folder, recogniser, table)
        assert table.read_bytes() == content


def test_without_images_there_is_nothing_to_predict(recogniser: Recogniser, tmp_path: Path):
    with pytest.raises(DataError, match="holds no images"):
        predict_folder(tmp_path / "nowhere", recogniser, tmp_path / "found.csv")


def test_doubtful_images_are_copied_and_nothing_is_overwritten(folder: Path, recogniser: Recogniser, tmp_path: Path):
    found = predict_folder(folder, recogniser, tmp_path / "found.csv", doubtful_below=1.01)
    assert found.doubtful == [folder / "a.png", folder / "b.png", folder / "more" / "c.png"]
    assert predict_folder(folder, recogniser, tmp_path / "found.csv", doubtful_below=1.01).doubtful == found.doubtful
    target = tmp_path / "doubtful"
    target.mkdir()
    (target / "a.png").write_bytes(b"mine")
    assert copy_doubtful(folder, found.doubtful, target) == 3
    assert sorted(path.name for path in target.iterdir()) == ["a-2.png", "a.png", "b.png", "c.png"]
    assert (target / "a.png").read_bytes() == b"mine"
    assert (target / "a-2.png").read_bytes() == (folder / "a.png").read_bytes()
    assert copy_doubtful(folder, found.doubtful, target) == 0
    with pytest.raises(DataError, match="whose images are predicted: name another folder"):
        copy_doubtful(folder, found.doubtful, folder / "aside")
