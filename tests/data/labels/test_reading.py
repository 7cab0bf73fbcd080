"""Labels from file names, tables and sub-folders, and messages for images without a label."""

from pathlib import Path

import pytest

from bearcat.core.errors import DataError, LabelError
from bearcat.data.labels.reading import (
    label_of_name,
    labelled_images,
    list_images,
    name_in,
    name_parts,
    read_labels,
    refuse_sub_folders,
)
from tests.helpers.label_files import labels_in, put


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("5206_9f3a.jpg", "5206"),
        ("ab_c_d.png", "ab"),
        ("a.b_1.png", "a.b"),
        ("验证_1.PNG", "验证"),
        ("x y_.png", "x y"),
        ("aBc__1.png", "aBc"),
    ],
)
def test_a_label_is_the_file_name_up_to_the_first_underscore(name: str, label: str):
    assert label_of_name(Path("data_set") / name) == label


@pytest.mark.parametrize("name", ["5206.jpg", "_x.png", "_.png", "__.png"])
def test_a_name_without_a_label_is_named(name: str):
    path = Path("data_set") / name
    with pytest.raises(LabelError, match="file name has no label") as error:
        label_of_name(path)
    assert str(path) in str(error.value)
    assert "belong in unlabelled_dataset" in str(error.value)


def test_images_are_listed_by_suffix_in_any_case_and_sorted(tmp_path: Path):
    images = ["Z_1.PNG", "a_1.png", "b_1.jpg", "c_1.JpEg", "d_1.gif", "e_1.bmp", "f_1.webp", "g_1.tif", "h_1.jfif"]
    put(tmp_path, *reversed(images))
    put(tmp_path, "._a_1.png", ".a_1.part.png", "a_1.png.part", "a_1.txt", "a_1.svg", "png", "Thumbs.db", "labels.csv~")
    assert list_images(tmp_path) == [tmp_path / name for name in images]


def test_labels_that_begin_with_a_point_are_read(tmp_path: Path):
    put(tmp_path, ".5042_000.png", "cat/.7_1.png", "3.14_1.png", ".hidden.png", "._5042_000.png", ".DS_Store")
    assert labels_in(tmp_path) == {".5042_000.png": ".5042", "3.14_1.png": "3.14", "cat/.7_1.png": "cat"}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ab_cd_001.png", ["ab", "cd", "001"]),
        (".5_1.png", [".5", "1"]),
        ("a.b__.png", ["a.b", "", ""]),
        ("x.png", ["x"]),
    ],
)
def test_the_parts_of_a_name_are_separated_by_underscores(name: str, parts: list[str]):
    assert name_parts(Path("data_set") / name) == parts


def test_missing_and_empty_folders_have_no_images(tmp_path: Path):
    assert list_images(tmp_path) == list_images(tmp_path / "absent") == []
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match="holds no images") as error:
            labelled_images(folder)
        assert str(folder) in str(error.value)


def test_an_image_in_a_sub_folder_is_labelled_with_its_name(tmp_path: Path):
    put(tmp_path, "cat/1.png", "dog/1.png", "traffic_light/a_b.png", "ab_1.png", "cat/deep/2.png", ".hidden/3.png")
    expected = {"ab_1.png": "ab", "cat/1.png": "cat", "dog/1.png": "dog", "traffic_light/a_b.png": "traffic_light"}
    assert labels_in(tmp_path) == expected
    assert list_images(tmp_path) == [tmp_path / name for name in expected]
    assert [name_in(tmp_path, path) for path in list_images(tmp_path)] == list(expected)


def test_a_table_names_images_in_sub_folders_too(tmp_path: Path):
    put(tmp_path, "cat/1.png", "dog/1.png", "dog/2.png")
    (tmp_path / "labels.csv").write_text("cat/1.png,x\ndog/1.png,y\n")
    assert labels_in(tmp_path) == {"cat/1.png": "x", "dog/1.png": "y"}
    assert str(tmp_path / "dog" / "2.png") in read_labels(tmp_path)[1][0]


def test_box_labels_do_not_depend_on_sub_folders(tmp_path: Path):
    put(tmp_path, "cat/1.png")
    assert [item.label for item in read_labels(tmp_path, lambda path: path.stem, with_table=False)[0]] == ["1"]


def test_a_sub_folder_is_refused_for_texts_unless_a_table_labels_it(tmp_path: Path):
    put(tmp_path, "ab_1.png", "part1/cd_1.png")
    data = read_labels(tmp_path)[0]
    with pytest.raises(LabelError, match="'NUM_CLASSES'; CTC reads texts") as error:
        refuse_sub_folders(data, tmp_path, "CTC")
    assert str(tmp_path / "part1" / "cd_1.png") in str(error.value)
    refuse_sub_folders(data[:1], tmp_path, "CTC")
    (tmp_path / "labels.txt").write_text("ab_1.png ab\npart1/cd_1.png cd\n")
    refuse_sub_folders(read_labels(tmp_path)[0], tmp_path, "CTC")


def test_a_folder_without_images_that_are_read_names_those_left_out(tmp_path: Path):
    put(tmp_path, "shapes/circle/1.png", "ab_1.svg")
    with pytest.raises(DataError, match="holds no images") as error:
        labelled_images(tmp_path)
    assert "1 image more than one folder deep is left out: shapes/circle/1.png" in str(error.value)
    assert "1 image in a format that is not read is left out: ab_1.svg" in str(error.value)


@pytest.mark.parametrize(
    ("written", "label"), [(" ab ", "ab"), ("a\u200bb", "ab"), ("e\u0301", "\u00e9"), ("a\u00a0", "a"), ("天", "天")]
)
def test_labels_are_cleaned_and_what_was_written_is_kept(tmp_path: Path, written: str, label: str):
    put(tmp_path, "x_1.png")
    (item,) = read_labels(tmp_path, lambda path: written)[0]
    assert (item.label, item.written) == (label, written if written != label else "")


@pytest.mark.parametrize("written", [" ", "\u200b", "\u00a0\ufeff", ""])
def test_a_label_of_which_nothing_is_left_is_a_problem(tmp_path: Path, written: str):
    put(tmp_path, "x_1.png")
    labelled, (problem,) = read_labels(tmp_path, lambda path: written)
    assert labelled == []
    assert problem.startswith(str(tmp_path / "x_1.png"))


def test_an_image_whose_label_has_a_line_break_is_named(tmp_path: Path):
    put(tmp_path, "x_1.png")
    (problem,) = read_labels(tmp_path, lambda path: "a\nb")[1]
    assert problem.startswith(f"{tmp_path / 'x_1.png'}: ")
    assert "a line break" in problem


def test_boxes_are_not_cleaned(tmp_path: Path):
    put(tmp_path, "x_1.png")
    boxes = object()
    assert read_labels(tmp_path, lambda path: boxes, with_table=False)[0][0].label is boxes


def test_a_table_overrides_file_names_and_an_image_without_a_line_is_named(tmp_path: Path):
    put(tmp_path, "ab_1.png", "cd_1.png")
    (tmp_path / "labels.csv").write_text("ab_1.png,xy\ngone.png,zz\n")
    assert labels_in(tmp_path) == {"ab_1.png": "xy"}
    (problem,) = read_labels(tmp_path)[1]
    assert str(tmp_path / "cd_1.png") in problem
    assert "labels.csv" in problem
    with pytest.raises(LabelError, match=r"cd_1\.png"):
        labelled_images(tmp_path)


def test_labels_and_problems_are_returned_separately(tmp_path: Path):
    put(tmp_path, "ab_1.png", "nolabel.png", "cd_1.png", "_x.png")
    labelled, problems = read_labels(tmp_path)
    assert [(image.path, image.label) for image in labelled] == [
        (tmp_path / "ab_1.png", "ab"),
        (tmp_path / "cd_1.png", "cd"),
    ]
    assert [problem.partition(":")[0] for problem in problems] == [
        str(tmp_path / "_x.png"),
        str(tmp_path / "nolabel.png"),
    ]


@pytest.mark.parametrize(
    ("images", "shown", "more"), [(1, 1, None), (5, 5, None), (6, 5, "1 more"), (40, 5, "35 more")]
)
def test_of_many_problems_the_first_few_are_shown_and_the_rest_counted(
    tmp_path: Path, images: int, shown: int, more: str | None
):
    put(tmp_path, "ok_1.png", *(f"{number:02}.png" for number in range(images)))
    with pytest.raises(LabelError) as error:
        labelled_images(tmp_path)
    lines = str(error.value).splitlines()
    assert sum("has no label" in line for line in lines) == shown
    assert lines[0].startswith(str(tmp_path / "00.png"))
    assert len(lines) == shown + (more is not None)
    assert more is None or more in lines[-1]
