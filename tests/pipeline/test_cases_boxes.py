"""Boxes as people bring them: case 19 (corners as fractions of the image), and boxes that are wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bearcat.core.workspace import create_work
from bearcat.data.labels.boxes import read_voc
from tests.helpers.steps import read_report, run_ok, run_refused

WIDTH, HEIGHT, SIDE = 128, 96, 30
VOC = (
    "<annotation><size><width>{}</width><height>{}</height></size><object><name>dot</name>"
    "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def make_work(works: Path) -> Callable:
    """A function that makes a work of images with a dot and their boxes, written by a function of the corners."""

    def make(write: Callable[[float, float, float, float], tuple], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
        work = create_work(works, "dots")
        work.make_folders()
        for number in range(12):
            x, y = 5 * number, 3 * number + 1
            image = Image.new("RGB", (WIDTH, HEIGHT), "white")
            ImageDraw.Draw(image).ellipse([x, y, x + SIDE, y + SIDE], fill="navy")
            path = work.data_folder("train") / f"s{number:03}.png"
            image.save(path)
            path.with_suffix(".xml").write_text(VOC.format(*size, *write(x, y, x + SIDE, y + SIDE)), encoding="utf-8")
        return work.path

    return make


def test_case_19_corners_as_fractions_are_read_as_such(make_work: Callable):
    work = make_work(lambda *box: (box[0] / WIDTH, box[1] / HEIGHT, box[2] / WIDTH, box[3] / HEIGHT))
    run_ok("move_path.py", "--work", work)
    run_ok("cheak_file.py", "--work", work)
    report = read_report(work, "check")
    assert report["all"]["pictures"] == 12
    assert report["all"]["box_side"] == {"min": SIDE, "median": SIDE, "max": SIDE}
    assert not [one for one in report["findings"] if one["level"] == "warning"]
    (train,) = work.glob("*_dataset/s003.xml")
    assert read_voc(train).boxes_xyxy[0].tolist() == [15, 10, 45, 40]
    message = run_refused("pack_dataset.py", "--work", work)
    assert "s000.xml holds boxes: they are read with MODE = 'EFFICIENTDET'" in message
    run_ok("pack_dataset.py", "--work", work, "--set", "MODE=EFFICIENTDET")


def test_wrong_boxes_are_reported_as_wrong_boxes(make_work: Callable):
    work = make_work(lambda left, top, right, bottom: (left + 60, top, SIDE, SIDE))
    message = run_refused("cheak_file.py", "--work", work)
    assert "boxes that are missing or wrong: 12 images, the first:\n" in message
    assert "s000.xml, object 1: the box of 'dot' is wrong" in message
    assert "xmin 60, ymin 1, xmax 30, ymax 30" in message
    assert "rename" not in message
    (found,) = [one for one in read_report(work, "check")["findings"] if one["kind"] == "wrong_boxes"]
    assert "12 files whose boxes are missing or wrong" in found["text"]
    assert "VOC or YOLO" in found["todo"]
    assert "<label>_" not in str(read_report(work, "check")["findings"])
    page = (work / "report" / "check.html").read_text(encoding="utf-8")
    assert "xmin 60, ymin 1" in page
    assert "s000.xml, object 1: the box of" in run_refused(
        "pack_dataset.py", "--work", work, "--set", "MODE=EFFICIENTDET"
    )


def test_boxes_of_another_size_are_no_damaged_images(make_work: Callable):
    work = make_work(lambda *box: box, size=(HEIGHT + SIDE, WIDTH))
    printed = run_refused("cheak_file.py", "--work", work)
    assert "holds no images" in printed or "no images yet" in printed
    findings = read_report(work, "check")["findings"]
    (found,) = [one for one in findings if one["kind"] == "wrong_size"]
    assert "s000.png has 128×96 pixels, its VOC file says 126×128" in found["files"][0]
    assert not [one for one in findings if one["kind"] == "damaged"]
