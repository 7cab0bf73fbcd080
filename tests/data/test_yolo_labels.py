"""YOLO labels: the boxes in pixels, where the names come from, and every mistake named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import LabelError
from bearcat.data.box_labels import BoxLabels, check_size, find_names, read_boxes, read_yolo, write_voc
from bearcat.data.images import image_size, open_image

SIZE = (200, 100)
NAMES = ("cat", "dog")
TWO = "1 0.25 0.5 0.1 0.2\n0 0.75 0.5 0.5 1\n"
BOXES = [[40, 40, 60, 60], [100, 0, 200, 100]]


def put_image(folder: Path, name: str = "a.png", **options) -> Path:
    """Write a grey image of SIZE."""
    folder.mkdir(exist_ok=True)
    Image.new("RGB", SIZE, "grey").save(folder / name, **options)
    return folder / name


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_shares_become_pixels_and_numbers_names(tmp_path: Path):
    labels = read_yolo(put(tmp_path / "a.txt", f"\ufeff{TWO}\n"), SIZE, NAMES)
    assert (labels.width, labels.height, labels.names) == (*SIZE, ("dog", "cat"))
    np.testing.assert_allclose(labels.boxes_xyxy, BOXES, atol=1e-4)
    assert labels.boxes_xyxy.dtype == np.float32


def test_an_empty_file_says_that_the_image_shows_nothing(tmp_path: Path):
    assert read_yolo(put(tmp_path / "a.txt", ""), SIZE, NAMES).boxes_xyxy.shape == (0, 4)


def test_a_box_that_rounding_put_over_the_edge_is_cut_off(tmp_path: Path):
    labels = read_yolo(put(tmp_path / "a.txt", "0 0.049999 0.5 0.1 1.000001"), SIZE, NAMES)
    assert labels.boxes_xyxy.min() == 0
    assert labels.boxes_xyxy[0, 3] == 100


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.1", "line 2: `class cx cy width height`"),
        ("0 0.5 0.5 0.1 0.1 0.9", "line 2: `class"),
        ("cat 0.5 0.5 0.1 0.1", "line 2: `class"),
        ("0 half 0.5 0.1 0.1", "line 2: `class"),
        ("2 0.5 0.5 0.1 0.1", "line 2: class 2 has no name, there are 2: cat dog"),
        ("-1 0.5 0.5 0.1 0.1", "line 2: class -1 has no name"),
        ("0 0.5 0.5 0 0.1", "xmin < xmax"),
        ("0 0.5 0.5 nan 0.1", "xmin < xmax"),
        ("0 0.95 0.5 0.2 0.1", "inside 200×100"),
        ("0 50 50 10 10", "inside 200×100"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, said: str):
    path = put(tmp_path / "a.txt", f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(LabelError, match=said) as caught:
        read_yolo(path, SIZE, NAMES)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe0")
    with pytest.raises(LabelError, match="no YOLO file"):
        read_yolo(tmp_path / "a.txt", SIZE, NAMES)
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfec")
    with pytest.raises(LabelError, match="not UTF-8"):
        find_names([tmp_path], tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "cat\r\n\r\ndog\r\n"),
        ("obj.names", "\ufeffcat\ndog"),
        ("data.yaml", "nc: 2\nnames: ['cat', \"dog\"]\n"),
        ("data.yaml", "train: ../train\nnames:\n- cat\n- dog\n"),
        ("data.yaml", "names:\n  1: dog  # the second\n  0: cat\n"),
    ],
)
def test_the_names_of_the_classes_are_read_in_every_form(tmp_path: Path, name: str, text: str):
    put(tmp_path / name, text)
    assert find_names([tmp_path / "absent", tmp_path], tmp_path / "a.txt") == NAMES


@pytest.mark.parametrize(
    "text", ["nc: 2\n", "names: cat\n", "names: {0: cat, 2: dog}\n", "names: [\n", "- cat\n", "names: []"]
)
def test_a_data_yaml_without_names_is_named(tmp_path: Path, text: str):
    put(tmp_path / "data.yaml", text)
    with pytest.raises(LabelError, match="has no `names`") as caught:
        find_names([tmp_path], tmp_path / "a.txt")
    assert "data.yaml" in str(caught.value)


def test_without_names_the_message_says_where_they_are_sought(tmp_path: Path):
    image = put_image(tmp_path / "train_dataset")
    label = put(tmp_path / "label" / "a.txt", TWO)
    with pytest.raises(LabelError, match=r"classes\.txt, obj\.names, data\.yaml") as caught:
        read_boxes(image, label.parent)
    for place in (label, image.parent, tmp_path):
        assert str(place) in str(caught.value)


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("names_in", ["train_dataset", "label", "."])
def test_a_yolo_file_beside_the_image_or_in_label_is_read(tmp_path: Path, beside: bool, names_in: str):
    image = put_image(tmp_path / "train_dataset")
    put(tmp_path / ("train_dataset" if beside else "label") / "a.txt", TWO)
    put(tmp_path / names_in / "classes.txt", "cat\ndog\n")
    labels = read_boxes(image, tmp_path / "label")
    assert labels.names == ("dog", "cat")
    np.testing.assert_allclose(labels.boxes_xyxy, BOXES, atol=1e-4)


def test_a_voc_file_goes_before_and_without_either_it_is_asked_for(tmp_path: Path):
    image = put_image(tmp_path / "train_dataset")
    with pytest.raises(LabelError, match="or a YOLO file") as caught:
        read_boxes(image, tmp_path / "label")
    assert str(tmp_path / "label" / "a.xml") in str(caught.value)
    put(image.with_suffix(".txt"), "wrong")
    write_voc(tmp_path / "label" / "a.xml", "a.png", BoxLabels(*SIZE, ("owl",), np.array([[1, 2, 3, 4]])))
    assert read_boxes(image, tmp_path / "label").names == ("owl",)


def test_boxes_lie_on_the_image_as_it_is_turned(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    image = put_image(tmp_path, "a.jpg", exif=exif)
    put(tmp_path / "a.txt", "0 0.5 0.5 1 1")
    put(tmp_path / "classes.txt", "cat")
    labels = read_boxes(image, tmp_path / "label")
    assert labels.boxes_xyxy.tolist() == [[0, 0, 100, 200]]
    assert image_size(image) == open_image(image).size
    check_size(labels, open_image(image).size, image)


def test_a_damaged_image_is_left_to_the_steps_that_open_it(tmp_path: Path):
    image = put(tmp_path / "a.png", "no image")
    put(tmp_path / "a.txt", TWO)
    put(tmp_path / "classes.txt", "cat\ndog")
    assert read_boxes(image, tmp_path / "label").names == ("dog", "cat")
