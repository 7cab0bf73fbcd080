"""Tables in JSON and exports of Label Studio."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.tables import read_label_table, read_table

LABELS = {"1.png": "ab", "2.png": "cd"}
STUDIO = {"annotator": 1, "annotation_id": 5, "created_at": "x", "updated_at": "x", "lead_time": 1.5}


def read(folder: Path, content: object, name: str = "labels.json") -> dict[str, str]:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8-sig")
    return read_label_table(folder / name)


def task(*results: tuple[str, object], image: str = "/data/upload/1/abcd1234-1.png") -> dict:
    """Returns a task of Label Studio's JSON export."""
    found = [{"type": kind, "from_name": "a", "value": value} for kind, value in results]
    annotation = {"id": 1, "was_cancelled": False, "result": found}
    return {"id": 1, "annotations": [annotation], "file_upload": "abcd1234-1.png", "data": {"image": image}}


@pytest.mark.parametrize("content", [
    LABELS, {"1.png": {"label": "ab"}, "2.png": ["cd"]}, {"labels": [{"file": "1.png", "label": "ab"},
    {"file": "2.png", "label": "cd"}]}, [{"filename": "1.png", "text": "ab"}, {"filename": "2.png", "text": "cd"}],
    [{"id": 1, "image": "1.png", "answer": " ab", "width": 120}, {"id": 2, "image": "2.png", "answer": "cd"}],
])  # fmt: skip
def test_json_with_obvious_names_and_labels_is_read(tmp_path: Path, content: object):
    assert read(tmp_path, content) == LABELS


def test_numbers_are_labels_and_json_lines_are_read(tmp_path: Path):
    assert read(tmp_path, {"1.png": 1234}) == {"1.png": "1234"}
    lines = '{"file_name": "1.png", "text": "ab"}\n\n{"file_name": "2.png", "text": "cd"}\n'
    assert read(tmp_path, lines, "metadata.jsonl") == LABELS


def test_exports_of_label_studio_are_read_without_the_prefix_of_uploads(tmp_path: Path):
    text, choice = ("textarea", {"text": ["ab"]}), ("choices", {"choices": ["cat"]})
    second = task(choice, image="/data/local-files/?d=images/2.png")
    unlabelled = {**task(), "annotations": []}
    assert read(tmp_path, [task(text), second, unlabelled]) == {"/data/upload/1/1.png": "ab", "images/2.png": "cat"}
    short = [{"id": 1, "image": "/data/upload/1/0a1b2c3d-1.png", "captcha": "ab", **STUDIO}]
    assert read(tmp_path, short) == {"/data/upload/1/1.png": "ab"}
    csv = "annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at\n5,1,cat,x,1,0a1b2c3d-1.png,2.5,x\n"
    assert read(tmp_path, csv, "labels.csv") == {"1.png": "cat"}


@pytest.mark.parametrize("content", [
    {"图/1.png": "ab", "图/2.png": "cd"}, [task(("textarea", {"text": ["ab"]})), task(("textarea", {"text": ["cd"]}))],
])  # fmt: skip
@pytest.mark.parametrize("is_ascii", [True, False])
def test_rows_have_the_lines_of_their_names(tmp_path: Path, content: object, is_ascii: bool):
    if isinstance(content, list):
        content[1]["data"]["image"] = "/data/upload/1/abcd1234-2.png"
    text = json.dumps(content, indent=1, ensure_ascii=is_ascii)
    read(tmp_path, text)
    lines = [text.splitlines()[row.line - 1] for row in read_table(tmp_path / "labels.json").rows]
    assert ["1.png" in lines[0], "2.png" in lines[1]] == [True, True]


@pytest.mark.parametrize(("content", "message"), [
    ("{'1.png': 'ab'}", "is not valid JSON"),
    ('{"1.png": "ab", "1.png": "cd"}', "'1.png' has two values, 'ab' and 'cd'"),
    ("[" * 100_000, "is not valid JSON"),
    (["ab", "cd"], "holds no names with labels"), ([], "holds no names"), ("3", "holds no names"),
    ([{"width": 3}], r"holds no names .*\(entry 1\)"),
    ({"1.png": "ab", "2.png": None}, r"entry 2 \(2\.png\): a text is expected as the label, got None"),
    ({"1.png": ["a", "b"]}, r"entry 1 \(1\.png\)"), ({"1.png": True}, "entry 1"), ({"1.png": " "}, "entry 1"),
    ({"1.png": "a\nb"}, "line 1: the label .* contains a line break"),
    ([{"file": "1.png", "text": "ab", "label": "cd"}], "'text' and 'label' could both be meant"),
    ({"images": [{"file_name": "1.png"}], "annotations": [{"bbox": [1, 2, 3, 4]}]}, "holds boxes or outlines"),
    ({"1.png9": {"filename": "1.png", "regions": [{"shape_attributes": {}}]}}, "holds boxes or outlines"),
    ([task(("textarea", {"text": ["a"]}), ("textarea", {"text": ["b"]}))], "got 1 images and 2 labels"),
    ([task(("rectanglelabels", {"x": 1, "rectanglelabels": ["a"]}))], "got 1 images and 0 labels"),
    ([task(("textarea", {"text": ["a", "b"]}))], "a text is expected as the label"),
])  # fmt: skip
def test_other_json_is_refused_with_what_it_holds(tmp_path: Path, content: object, message: str):
    with pytest.raises(LabelError, match=message) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(str(tmp_path / "labels.json"))
