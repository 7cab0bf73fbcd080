"""VOC labels and prompts: there and back, and every mistake named."""

from pathlib import Path

import numpy as np
import pytest

from bearcat.core.errors import LabelError
from bearcat.data.box_labels import BoxLabels, read_prompt, read_voc, write_prompt, write_voc

LABELS = BoxLabels(40, 30, ("好", "天"), np.array([[1, 2, 11, 12], [20, 0, 40, 30]], np.float32))


def test_labels_come_back_as_they_were_written(tmp_path: Path):
    write_voc(tmp_path / "a.xml", "a.png", LABELS)
    read = read_voc(tmp_path / "a.xml")
    assert (read.width, read.height, read.names) == (40, 30, ("好", "天"))
    np.testing.assert_array_equal(read.boxes_xyxy, LABELS.boxes_xyxy)


def test_a_image_may_show_nothing(tmp_path: Path):
    write_voc(tmp_path / "a.xml", "a.png", BoxLabels(40, 30, (), np.zeros((0, 4), np.float32)))
    assert read_voc(tmp_path / "a.xml").boxes_xyxy.shape == (0, 4)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<annotation>", "<annotation", "no VOC file"),
        ("<width>40</width>", "", "no VOC file"),
        ("<xmin>1</xmin>", "<xmin>one</xmin>", "no VOC file"),
        ("<xmin>1</xmin>", "<xmin>nan</xmin>", "xmin < xmax"),
        ("<xmin>1</xmin>", "<xmin>11</xmin>", "xmin < xmax"),
        ("<ymax>30</ymax>", "<ymax>31</ymax>", "inside 40×30"),
        ("<name>好</name>", "<name> </name>", "no name"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, old: str, new: str, said: str):
    path = tmp_path / "a.xml"
    write_voc(path, "a.png", LABELS)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LabelError, match=said) as caught:
        read_voc(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(LabelError, match="xml is not there"):
        read_voc(tmp_path / "a.xml")


def test_a_prompt_comes_back_and_may_be_absent(tmp_path: Path):
    assert read_prompt(tmp_path / "a.json") is None
    write_prompt(tmp_path / "a.json", ["天", "好"])
    assert read_prompt(tmp_path / "a.json") == ["天", "好"]


@pytest.mark.parametrize("text", ["[]", '{"prompt": "天好"}', '{"prompt": [1]}', "{", "{}"])
def test_a_damaged_prompt_is_named(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match="json does not hold"):
        read_prompt(tmp_path / "a.json")
