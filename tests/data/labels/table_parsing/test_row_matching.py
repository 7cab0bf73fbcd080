"""Which images the lines of a table mean, and that a line that could mean several means none."""

from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.table_parsing.delimited import TableRow
from bearcat.data.labels.table_parsing.row_matching import match_rows

TABLE = Path("train_dataset/labels.csv")


def match(rows: dict[str, str], *names: str) -> tuple[dict[str, str], list[str]]:
    """Returns image → label, and the names in the lines that mean none."""
    lines = [TableRow(number, name, label) for number, (name, label) in enumerate(rows.items(), start=1)]
    found = match_rows(lines, names, TABLE)
    return {name: row.label for name, row in found.rows.items()}, [row.name for row in found.unmatched]


@pytest.mark.parametrize("written", [
    "0001.png", "train_dataset/0001.png", r"images\0001.png", r"C:\Users\me\0001.png", "/home/me/0001.png",
    "./0001.png", "https://example.com/a/0001.png", "0001.PNG", "0001", "images/0001",
])  # fmt: skip
def test_a_line_means_the_only_image_that_fits_its_name(written: str):
    assert match({written: "ab"}, "0001.png", "0002.png") == ({"0001.png": "ab"}, [])


@pytest.mark.parametrize(("written", "names"), [
    ("0001", ("0001.png", "0001.jpg")), ("A.PNG", ("a.png", "a.Png")), ("0001.jpg", ("0001.png",)),
    ("1.png", ("cat/1.png",)), ("0001.png.bak", ("0001.png",)), ("", ("0001.png",)), ("/", ("0001.png",)),
])  # fmt: skip
def test_a_line_that_fits_no_image_or_several_means_none(written: str, names: tuple[str, ...]):
    assert match({written: "ab"}, *names) == ({}, [written])


def test_the_longest_part_of_a_path_that_is_an_image_counts():
    rows = {"images/cat/1.png": "x", r"images\1.png": "y"}
    assert match(rows, "1.png", "cat/1.png") == ({"cat/1.png": "x", "1.png": "y"}, [])


def test_an_exact_name_counts_before_others_that_fit():
    assert match({"1.PNG": "a", "x/1.png": "b", "1": "c", "1.png": "d"}, "1.png") == (
        {"1.png": "d"},
        ["1.PNG", "x/1.png", "1"],
    )


def test_unicode_forms_of_a_name_are_the_same():
    assert match({"caf\u00e9.png": "ab"}, "cafe\u0301.png") == ({"cafe\u0301.png": "ab"}, [])


def test_lines_that_mean_the_same_image_must_agree():
    assert match({"a/1.png": "x", "b/1.png": "x"}, "1.png") == ({"1.png": "x"}, [])
    with pytest.raises(LabelError, match=r"line 2: b/1\.png means the image 1\.png, as a/1\.png in line 1 does"):
        match({"a/1.png": "x", "b/1.png": "y"}, "1.png")
