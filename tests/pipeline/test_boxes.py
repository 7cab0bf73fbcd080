"""The steps of EFFICIENTDET: images with VOC files are split, checked, trained on, and served with points to click."""

import base64
import shutil
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image, ImageDraw

from bearcat.data.labels.boxes import BoxLabels, write_prompt, write_voc
from bearcat.data.labels.reading import list_images
from tests.helpers.steps import read_report, run_ok, run_refused, serving
from utils import Predict_Image

SIZE = (96, 64)
COUNTS = {"train": 18, "test": 4}


def draw_shapes(folder: Path, number: int) -> None:
    """Writes an image of a disc and a square, with its VOC file and prompt beside it."""
    random = np.random.default_rng(number)
    image = Image.new("RGB", SIZE, tuple(map(int, random.integers(170, 256, 3))))
    pen, boxes = ImageDraw.Draw(image), []
    for column, draw in enumerate((pen.ellipse, pen.rectangle)):
        side, left, top = (int(random.integers(*limits)) for limits in ((20, 32), (2, 14), (2, 30)))
        left += column * 48
        draw((left, top, left + side - 1, top + side - 1), fill=tuple(map(int, random.integers(0, 100, 3))))
        boxes.append([left, top, left + side, top + side])
    image.save(folder / f"shapes{number}.png")
    write_voc(folder / f"shapes{number}.xml", f"shapes{number}.png", BoxLabels(*SIZE, ("圆", "方"), np.array(boxes)))
    write_prompt(folder / f"shapes{number}.json", ["方", "圆"])


@pytest.fixture
def shapes(works: Path) -> Path:
    """A work of EFFICIENTDET with images that are not split yet."""
    run_ok("New_work.py", works, "shapes")
    work = works / "shapes"
    small = {"MODE": "EFFICIENTDET", "BATCH_SIZE": 2, "MIN_EPOCH_STEPS": 2, "EPOCHS": 1, "MOSAIC": True}
    with (work / "settings.py").open("a", encoding="utf-8") as file:
        file.writelines(f"{setting} = {value!r}\n" for setting, value in small.items())
    run_ok("init_working_space.py")
    number = 0
    for split, count in COUNTS.items():
        for _ in range(count):
            draw_shapes(work / f"{split}_dataset", number)
            number += 1
    return work


def test_all_steps_with_boxes(shapes: Path):
    work = shapes
    assert "validation_dataset: 2 images" in run_ok("move_path.py")
    validation = list_images(work / "validation_dataset")
    assert all(path.with_suffix(".xml").is_file() and path.with_suffix(".json").is_file() for path in validation)
    # labels may also lie in the folder `label`
    for path in (work / "train_dataset").glob("*.xml"):
        path.rename(work / "label" / path.name)
    printed = run_ok("cheak_file.py", "--apply")
    assert "objects per image: 2 (16)" in printed
    assert "IMAGE_WIDTH = 96" in printed
    assert "IMAGE_CHANNALS = 3" in printed
    # a damaged image is reported and left out
    damaged = shutil.copyfile(validation[0], work / "train_dataset" / "broken.png")
    damaged.write_bytes(damaged.read_bytes()[:80])
    shutil.copyfile(validation[0].with_suffix(".xml"), work / "label" / "broken.xml")
    printed = run_ok("train.py")
    assert "Left out" in printed
    assert "broken.png" in printed
    report = read_report(work, "train")
    assert (report["mode"], report["backbone"], report["epochs_run"]) == ("EFFICIENTDET", "EfficientDet_light", 1)
    run_ok("save_model.py")
    printed = run_ok("test.py")
    assert "mAP@0.5 " in printed
    report = read_report(work, "test")
    assert (report["images"], report["prompts"]) == (4, 4)
    assert report["per_class"].keys() == {"圆", "方"}
    drawn = list((work / "report" / "worst").glob("*.png"))
    assert len(drawn) == len(report["mistakes"])
    assert_service_and_predictor_agree(work)


def assert_service_and_predictor_agree(work: Path) -> None:
    """Compares the answers of the service with the detections of Predict_Image, and checks their form."""
    predictor, image = Predict_Image(work / "App_model"), list_images(work / "test_dataset")[0]
    found = predictor.predict(image)
    predictor.predict_image(image, work / "drawn.png")
    assert Image.open(work / "drawn.png").width >= SIZE[0]
    with serving(work) as address:
        encoded = base64.b64encode(image.read_bytes()).decode()
        answer = requests.post(f"{address}/", json={"img": encoded, "prompt": "方圆"}, timeout=30).json()
        assert answer["return_code"] == 200
        assert answer["result"] == found.objects()
        assert answer["points"] == found.points(["方", "圆"])
        assert all(0 <= row["xmin"] <= row["xmax"] <= SIZE[0] for row in answer["result"])
        for prompt, message in (("三", "not trained on"), (7, "what to click"), ("[", "not valid JSON")):
            answer = requests.post(f"{address}/", json={"img": encoded, "prompt": prompt}, timeout=30).json()
            assert answer["return_code"] == 400
            assert message in answer["return_info"]
        answer = requests.post(f"{address}/", data={"img": encoded, "grid": "2x2"}, timeout=30).json()
        assert "grid: a model of EFFICIENTDET takes only prompt" in answer["return_info"]
        port = address.rpartition(":")[2]
        assert "Click:" in run_ok("spider_example.py", "--port", port, "--prompt", "圆")


def test_faulty_boxes_are_reported_before_training(shapes: Path):
    run_ok("move_path.py")
    path = next((shapes / "train_dataset").glob("*.xml"))
    original = path.read_bytes()
    path.unlink()
    assert f"{path.name} does not exist" in run_refused("train.py")
    path.write_bytes(original.replace(b"<width>96", b"<width>99"))
    assert "its VOC file says 99" in run_ok("pack_dataset.py")
    path.write_bytes(original)
    run_ok("pack_dataset.py", "--renew")
    path.write_bytes(original.replace("圆".encode(), "三".encode()))
    assert "new: 三" in run_refused("train.py")
    path.write_bytes(original.replace(b"<xmin>", b"<xmin>9"))
    assert "xmin < xmax" in run_refused("pack_dataset.py")


def test_an_image_is_not_separated_from_its_labels_if_a_name_is_taken(shapes: Path):
    taken = shapes / "validation_dataset"
    for path in (shapes / "train_dataset").glob("*.xml"):
        shutil.copyfile(path, taken / path.name)
    assert "Nothing was moved" in run_refused("move_path.py")
    images = list_images(shapes / "train_dataset")
    assert all(path.with_suffix(".xml").is_file() for path in images)
