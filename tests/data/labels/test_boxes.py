"""VOC and YOLO labels and prompts: what is read, and that every mistake is named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import LabelError
from bearcat.data.images import image_size, open_image
from bearcat.data.labels.boxes import (
    BoxLabels,
    check_size,
    read_boxes,
    read_prompt,
    read_voc,
    read_yolo,
    write_prompt,
    write_voc,
)
from bearcat.data.labels.class_names import find_names

LABELS = BoxLabels(40, 30, ("好", "天"), np.array([[1, 2, 11, 12], [20, 0, 40, 30]], np.float32))
SIZE = (200, 100)
NAMES = ("cat", "dog")
YOLO = "1 0.25 0.5 0.1 0.2\n0 0.75 0.5 0.5 1\n"
YOLO_BOXES = [[40, 40, 60, 60], [100, 0, 200, 100]]


def put_image(folder: Path, name: str = "a.png", **options) -> Path:
    """Writes a grey image of SIZE."""
    folder.mkdir(exist_ok=True)
    Image.new("RGB", SIZE, "grey").save(folder / name, **options)
    return folder / name


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_voc_labels_round_trip(tmp_path: Path):
    write_voc(tmp_path / "a.xml", "a.png", LABELS)
    labels = read_voc(tmp_path / "a.xml")
    assert (labels.width, labels.height, labels.names) == (40, 30, ("好", "天"))
    np.testing.assert_array_equal(labels.boxes_xyxy, LABELS.boxes_xyxy)


def test_a_voc_file_may_have_no_objects(tmp_path: Path):
    write_voc(tmp_path / "a.xml", "a.png", BoxLabels(40, 30, (), np.zeros((0, 4), np.float32)))
    assert read_voc(tmp_path / "a.xml").boxes_xyxy.shape == (0, 4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<annotation>", "<annotation", "not a VOC file"),
        ("<width>40</width>", "", "not a VOC file"),
        ("<xmin>1</xmin>", "<xmin>one</xmin>", "not a VOC file"),
        ("<xmin>1</xmin>", "<xmin>nan</xmin>", "xmin < xmax"),
        ("<xmin>1</xmin>", "<xmin>11</xmin>", "xmin < xmax"),
        ("<ymax>30</ymax>", "<ymax>31</ymax>", "inside 40×30"),
        ("<name>好</name>", "<name> </name>", "no name"),
    ],
)
def test_an_invalid_voc_file_is_named_with_its_mistake(tmp_path: Path, old: str, new: str, message: str):
    path = tmp_path / "a.xml"
    write_voc(path, "a.png", LABELS)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LabelError, match=message) as caught:
        read_voc(path)
    assert str(path) in str(caught.value)


def write_corners(path: Path, *boxes: tuple, size: tuple[int, int] = (128, 96)) -> Path:
    """Writes a VOC file with these corners as they are."""
    objects = "".join(
        f"<object><name>dot</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for a, b, c, d in boxes
    )
    text = f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>{objects}</annotation>"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(0.25, 0.5, 0.5, 0.75)], [(32, 48, 64, 72)]),
        ([(0, 0, 0.5, 1), (0, 0, 1, 1)], [(0, 0, 64, 96), (0, 0, 128, 96)]),
        ([(-0.0001, 0.1, 1.0001, 0.2)], [(0, 9.6, 128, 19.2)]),
        ([(0.5, 0.5, 30.5, 40)], [(0.5, 0.5, 30.5, 40)]),  # in pixels
        ([(0, 0, 1, 2)], [(0, 0, 1, 2)]),
    ],
)
def test_corners_of_which_none_is_beyond_1_are_fractions_of_the_image(tmp_path: Path, boxes: list, expected: list):
    labels = read_voc(write_corners(tmp_path / "a.xml", *boxes))
    np.testing.assert_allclose(labels.boxes_xyxy, expected, atol=1e-4)
    assert (labels.width, labels.height) == (128, 96)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([(10, 10, 20, 20), (0.1, 0.2, 0.3, 0.4)], "object 2: .* are fractions of the image, but other boxes"),
        ([(0, 0, 1, 1)], "either a single pixel or, in fractions, the whole image of 128×96 pixels"),
        ([(0.5, 0.5, 0.2, 0.9)], "wrong order: xmin 64, ymin 48, xmax 25.6"),
        (
            [(1, 1, 20, 20), (60, 10, 30, 40)],
            "object 2: the box of 'dot' is wrong, its corners are in the wrong order, or",
        ),
        ([(60, 10, 30, 5)], "corners are in the wrong order, or xmax and ymax hold its width and height: xmin 60"),
        ([(100, 80, 90, 85)], "corners are in the wrong order: xmin 100, ymin 80, xmax 90, ymax 85"),
        ([(10, 10, 90, 110)], "width and height of the image seem to be swapped"),
        ([(10, 10, 129, 20)], "reaches beyond the image: .*xmax 129.* must be inside 128×96 pixels"),
        ([(-3, 10, 20, 20)], "reaches beyond the image: xmin -3"),
        ([(10, 10, 20, 10)], "has no area"),
        ([("nan", 10, 20, 20)], "not a finite number: xmin nan"),
        ([(1, 1, "1e999", 9)], "not a finite number"),
        ([(1, 1, "1,5", 9)], "xmax of object 1 is '1,5', a number is expected"),
    ],
)
def test_a_wrong_box_is_named_with_its_numbers_and_what_is_wrong(tmp_path: Path, boxes: list, message: str):
    path = write_corners(tmp_path / "a.xml", *boxes)
    with pytest.raises(LabelError, match=message) as caught:
        read_voc(path)
    assert str(caught.value).startswith(str(path))


def test_a_size_of_zero_is_named(tmp_path: Path):
    with pytest.raises(LabelError, match="its size is 0×0 pixels"):
        read_voc(write_corners(tmp_path / "a.xml", (1, 1, 2, 3), size=(0, 0)))


def test_sizes_that_are_swapped_are_named(tmp_path: Path):
    labels = read_voc(write_corners(tmp_path / "a.xml", (1, 1, 20, 30)))
    with pytest.raises(LabelError, match=r"width and height are swapped in the file, or .* EXIF"):
        check_size(labels, (96, 128), tmp_path / "a.png")
    with pytest.raises(LabelError, match=r"has 64×48 pixels, its VOC file says 128×96: label it again"):
        check_size(labels, (64, 48), tmp_path / "a.png")


def test_names_of_objects_and_prompts_are_cleaned_alike(tmp_path: Path):
    write_voc(tmp_path / "a.xml", "a.png", BoxLabels(40, 30, ("e\u0301\u200b ",), np.array([[1, 2, 11, 12]])))
    assert read_voc(tmp_path / "a.xml").names == ("é",)
    put(tmp_path / "classes.txt", "e\u0301\n\u200b\nb\u00a0\n")
    assert find_names([tmp_path], tmp_path / "a.txt") == ("é", "b")
    write_prompt(tmp_path / "a.json", ["e\u0301 "])
    assert read_prompt(tmp_path / "a.json") == ["é"]


def test_a_coco_file_is_named_where_voc_files_are_missing(tmp_path: Path):
    image = put_image(tmp_path / "train_dataset")
    put(tmp_path / "train_dataset" / "_annotations.coco.json", "{}")
    with pytest.raises(
        LabelError, match=r"_annotations\.coco\.json is not read: export its boxes as Pascal VOC or YOLO"
    ):
        read_boxes(image, tmp_path / "label")


def test_a_missing_voc_file_is_named(tmp_path: Path):
    with pytest.raises(LabelError, match="xml does not exist"):
        read_voc(tmp_path / "a.xml")


def test_yolo_fractions_become_pixels_and_class_numbers_names(tmp_path: Path):
    labels = read_yolo(put(tmp_path / "a.txt", f"\ufeff{YOLO}\n"), SIZE, NAMES)
    assert (labels.width, labels.height, labels.names) == (*SIZE, ("dog", "cat"))
    np.testing.assert_allclose(labels.boxes_xyxy, YOLO_BOXES, atol=1e-4)
    assert labels.boxes_xyxy.dtype == np.float32


def test_an_empty_yolo_file_means_no_objects(tmp_path: Path):
    assert read_yolo(put(tmp_path / "a.txt", ""), SIZE, NAMES).boxes_xyxy.shape == (0, 4)


def test_a_yolo_box_beyond_the_edge_by_rounding_is_clipped(tmp_path: Path):
    labels = read_yolo(put(tmp_path / "a.txt", "0 0.049999 0.5 0.1 1.000001"), SIZE, NAMES)
    assert labels.boxes_xyxy.min() == 0
    assert labels.boxes_xyxy[0, 3] == 100


@pytest.mark.parametrize(
    ("line", "message"),
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
        ("0 50 50 10 10", "its numbers are pixels in place of fractions: .*inside 200×100"),
        ("0 0.1 0.7 0.9 0.8", "line 2: the box of 'cat' is wrong, its numbers may be the corners"),
        ("0 0.5 0.5 0.1 0.1 0.97", "line 2: `class .*confidence of a prediction"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2", "corners of a rotated box"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2", "outline of a segmentation"),
    ],
)
def test_an_invalid_yolo_line_is_named_with_its_mistake(tmp_path: Path, line: str, message: str):
    path = put(tmp_path / "a.txt", f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(LabelError, match=message) as caught:
        read_yolo(path, SIZE, NAMES)
    assert str(path) in str(caught.value)


def test_yolo_files_in_another_encoding_are_named(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe0")
    with pytest.raises(LabelError, match="not a YOLO file"):
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
def test_class_names_are_read_in_every_form(tmp_path: Path, name: str, text: str):
    put(tmp_path / name, text)
    assert find_names([tmp_path / "absent", tmp_path], tmp_path / "a.txt") == NAMES


@pytest.mark.parametrize(
    "text", ["nc: 2\n", "names: cat\n", "names: {0: cat, 2: dog}\n", "names: [\n", "- cat\n", "names: []"]
)
def test_a_data_yaml_without_names_is_named(tmp_path: Path, text: str):
    put(tmp_path / "data.yaml", text)
    with pytest.raises(LabelError, match="`names` must list the classes") as caught:
        find_names([tmp_path], tmp_path / "a.txt")
    assert "data.yaml" in str(caught.value)


def test_without_class_names_the_message_lists_the_folders_searched(tmp_path: Path):
    image = put_image(tmp_path / "train_dataset")
    label = put(tmp_path / "label" / "a.txt", YOLO)
    with pytest.raises(LabelError, match=r"classes\.txt, obj\.names, data\.yaml") as caught:
        read_boxes(image, label.parent)
    for path in (label, image.parent, tmp_path):
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("names_in", ["train_dataset", "label", "."])
def test_yolo_files_are_found_beside_the_image_and_in_label(tmp_path: Path, beside: bool, names_in: str):
    image = put_image(tmp_path / "train_dataset")
    put(tmp_path / ("train_dataset" if beside else "label") / "a.txt", YOLO)
    put(tmp_path / names_in / "classes.txt", "cat\ndog\n")
    labels = read_boxes(image, tmp_path / "label")
    assert labels.names == ("dog", "cat")
    np.testing.assert_allclose(labels.boxes_xyxy, YOLO_BOXES, atol=1e-4)


def test_a_voc_file_overrides_a_yolo_file_and_one_of_them_is_required(tmp_path: Path):
    image = put_image(tmp_path / "train_dataset")
    with pytest.raises(LabelError, match="or a YOLO file") as caught:
        read_boxes(image, tmp_path / "label")
    assert str(tmp_path / "label" / "a.xml") in str(caught.value)
    put(image.with_suffix(".txt"), "wrong")
    write_voc(tmp_path / "label" / "a.xml", "a.png", BoxLabels(*SIZE, ("owl",), np.array([[1, 2, 3, 4]])))
    assert read_boxes(image, tmp_path / "label").names == ("owl",)


def test_yolo_boxes_refer_to_the_image_after_its_exif_rotation(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a rotation by 90°
    image = put_image(tmp_path, "a.jpg", exif=exif)
    put(tmp_path / "a.txt", "0 0.5 0.5 1 1")
    put(tmp_path / "classes.txt", "cat")
    labels = read_boxes(image, tmp_path / "label")
    assert labels.boxes_xyxy.tolist() == [[0, 0, 100, 200]]
    assert image_size(image) == open_image(image).size
    check_size(labels, open_image(image).size, image)


def test_the_boxes_of_a_damaged_image_can_be_read(tmp_path: Path):
    image = put(tmp_path / "a.png", "no image")
    put(tmp_path / "a.txt", YOLO)
    put(tmp_path / "classes.txt", "cat\ndog")
    assert read_boxes(image, tmp_path / "label").names == ("dog", "cat")


def test_prompts_round_trip_and_may_be_missing(tmp_path: Path):
    assert read_prompt(tmp_path / "a.json") is None
    write_prompt(tmp_path / "a.json", ["天", "好"])
    assert read_prompt(tmp_path / "a.json") == ["天", "好"]


@pytest.mark.parametrize("text", ["[]", '{"prompt": "天好"}', '{"prompt": [1]}', "{", "{}"])
def test_a_damaged_prompt_is_named(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match="json does not hold"):
        read_prompt(tmp_path / "a.json")
