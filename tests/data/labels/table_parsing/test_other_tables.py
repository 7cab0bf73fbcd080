"""Which file of a folder is its label table: Bearcat's own names first, then those of other programs."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.reading import labelled_images, read_labels
from bearcat.data.labels.tables import find_label_table, find_tables, table_files
from tests.helpers.label_files import labels_in, put

LABELS = {"captcha_1.png": "ab", "captcha_2.png": "cd"}
CSV = "".join(f"{name},{label}\n" for name, label in LABELS.items())
BOXES = [{"transcription": "ab", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of two images without labels in their names."""
    put(tmp_path / "train_dataset", *LABELS)
    return tmp_path / "train_dataset"


@pytest.mark.parametrize(("name", "content"), [
    ("Labels.csv", CSV), ("LABELS.TXT", CSV.replace(",", " ")), ("labels.json", json.dumps(LABELS)),
    ("gt.txt", CSV.replace(",", "\t")), ("gt.txt", '\ufeffcaptcha_1.png, "ab"\r\ncaptcha_2.png, "cd"\r\n'),
    ("label.txt", "train/captcha_1.png\tab\ntrain/captcha_2.png\tcd\n"),
    ("rec_gt_train.txt", CSV.replace(",", "\t")), ("metadata.csv", f"file_name,text\n{CSV}"),
    ("metadata.jsonl", '{"file_name": "captcha_1.png", "text": "ab"}\n{"file_name": "captcha_2.png", "text": "cd"}\n'),
    ("_annotations.txt", CSV.replace(",", " ")),
    ("project-1-at-2024-01-01.csv", "annotation_id,id,image,text\n1,1,0a1b2c3d-captcha_1.png,ab\n"
     "2,2,0a1b2c3e-captcha_2.png,cd\n"),
])  # fmt: skip
def test_tables_with_other_names_are_read_and_are_no_strays(folder: Path, name: str, content: str):
    (folder / name).write_text(content)
    assert find_label_table(folder) == folder / name
    assert labels_in(folder) == LABELS
    assert folder / name in table_files(folder)


def test_own_names_count_first_and_others_are_named(folder: Path):
    (folder / "labels.json").write_text(json.dumps(dict.fromkeys(LABELS, "xy")))
    for name in ("Labels.tsv", "labels.txt", "labels.csv"):
        (folder / name).write_text(CSV.replace(",", "\t"))
        assert find_label_table(folder) == folder / name
        assert labels_in(folder) == LABELS
    assert find_tables(folder).unread == {folder / "labels.json": "labels.csv counts"}


def test_two_other_tables_must_agree(folder: Path):
    (folder / "gt.txt").write_text(CSV)
    (folder / "labels.json").write_text(json.dumps(LABELS))
    assert find_tables(folder).table in (folder / "gt.txt", folder / "labels.json")
    (folder / "labels.json").write_text(json.dumps(LABELS | {"captcha_1.png": "xy"}))
    with pytest.raises(LabelError, match=r"gt\.txt and .*labels\.json both label images of train_dataset, and differ"):
        read_labels(folder)
    (folder / "Labels.csv").write_text(CSV)
    assert labels_in(folder) == LABELS
    (folder / "LABELS.csv").write_text(CSV)
    with pytest.raises(LabelError, match="are both label tables"):
        read_labels(folder)


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("labels.json", "{", "it is not valid JSON"), ("gt.txt", "captcha_1.png ab c\n", "line 1: file and label are exp"),
    ("label.txt", f"captcha_1.png\t{json.dumps(BOXES)}\n", "it holds boxes"),
    ("_annotations.txt", "captcha_1.png 10,20,30,40,0 1,2,3,4,0\n", "it holds boxes"),
    ("gt.txt", "0001.png ab\n", "it has no line for an image"),
    ("answers.csv", CSV, "it has lines for 2 of 2 images, but not the name of a label table"),
])  # fmt: skip
def test_a_table_that_is_not_read_is_named_with_the_reason(folder: Path, name: str, content: str, reason: str):
    (folder / name).write_text(content)
    found = find_tables(folder)
    assert found.table is None and found.unread[folder / name].startswith(reason)
    assert folder / name in table_files(folder)
    assert {item.label for item in labelled_images(folder)} == {"captcha"}
    put(folder, "nolabel.png")
    (problem,) = read_labels(folder)[1]
    assert f"{name} is not read as a label table: {reason[:15]}" in problem


def test_labels_in_names_do_not_give_way_to_tables_of_other_images(folder: Path):
    (folder / "metadata.csv").write_text("file_name,text\nother.png,xy\n")
    (folder / "notes.txt").write_text("drawn on Monday\n")
    (folder / "classes.txt").write_text("cat\ndog\n")
    (folder / "captcha_1.txt").write_text("captcha_2.png x")  # belongs to an image
    assert labels_in(folder) == dict.fromkeys(LABELS, "captcha")
    assert list(find_tables(folder).unread) == [folder / "metadata.csv"]


def test_a_folder_that_does_not_exist_has_no_table(tmp_path: Path):
    assert find_label_table(tmp_path / "absent") is None


def test_a_table_without_a_line_for_any_image_is_quoted(folder: Path):
    (folder / "labels.csv").write_text("file,label\nz1.png,ab\n")
    problems = read_labels(folder)[1]
    assert len(problems) == len(LABELS)
    assert problems[0].endswith("no line of labels.csv names an image of train_dataset: line 2 names 'z1.png'")


def test_a_table_of_another_program_that_leaves_images_out_is_named(folder: Path):
    (folder / "gt.txt").write_text("captcha_1.png ab\n")
    problems = read_labels(folder)[1]
    assert problems[0].endswith(
        "gt.txt is read as the label table of train_dataset: if the labels stand elsewhere, rename it"
    )
