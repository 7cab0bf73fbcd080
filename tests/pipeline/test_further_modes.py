"""All steps for the other modes, for new characters and with offline augmentation.

A file of its own, so that the tests' two processes share the long ones.
"""

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bearcat.artifacts.card import read_card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.data.grids import Grid
from bearcat.data.labels.reading import list_images, name_in
from tests.helpers.steps import read_report, run_ok, run_script
from utils import Predict_Image


@pytest.mark.parametrize("mode", ["NUM_CLASSES", "CTC_TINY"])
def test_all_steps_for_the_other_modes(works: Path, copy_digits: Callable[..., Path], mode: str):
    work = copy_digits(
        works,
        MODE=mode,
        EPOCHS=1,
        CAPTCHA_LENGTH=4,
        PRECISION="bfloat16",
        WEIGHT_AVERAGE=True,
        DATA_ENHANCEMENT=1,
        QUANTIZE=False,
    )
    give_two_classes(work, mode)
    for script in ("cheak_file.py", "pack_dataset.py", "train.py", "save_model.py", "test.py"):
        run_ok(script, "--work", work)
    predictor = Predict_Image(work / "App_model")
    assert predictor.recogniser.card.mode == mode
    symbols = ("牌坊", "茶_几") if mode == "NUM_CLASSES" else tuple("几坊牌茶")
    assert predictor.recogniser.card.characters == symbols
    predictions = [predictor.predict(path) for path in list_images(work / "test_dataset")]
    assert all(0 <= rate <= 1 for prediction in predictions for rate in prediction.confidences)
    report = read_report(work, "test")
    assert report["images"] == len(predictions) == 12
    assert set(report["by_length"]) == {"1" if mode == "NUM_CLASSES" else "2"}
    names = {name_in(work / "test_dataset", path) for path in list_images(work / "test_dataset")}
    assert {mistake["file"] for mistake in report["mistakes"]} <= names
    assert mode != "NUM_CLASSES" or len(list_images(work / "train_enhance_dataset")) == 60
    assert_grid_predicted_like_its_cells(predictor, list_images(work / "test_dataset")[:4], predictions[:4])
    assert {"averaged", "val_exact"} <= read_report(work, "train")["best"].keys()


def assert_grid_predicted_like_its_cells(predictor: Predict_Image, images: list[Path], predictions: list) -> None:
    """Asserts that the cells of a 2 × 2 sheet of images are predicted as the images are."""
    sheet = Image.new("RGB", (2 * 48, 2 * 24 + 10))
    for number, path in enumerate(images):
        sheet.paste(Image.open(path), (number % 2 * 48, 10 + number // 2 * 24))
    cells = predictor.predict_grid(sheet, Grid(2, 2, top=10))
    assert [cell.label for cell in cells] == [prediction.text for prediction in predictions]
    assert [cell.centre for cell in cells] == [(24, 22), (72, 22), (24, 46), (72, 46)]
    name = max(prediction.text for prediction in predictions)  # some are empty after so short a training
    assert {cell.label for cell in predictor.predict_grid(sheet, Grid(2, 2, top=10), name)} == {name}
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    answer = predictor.api(buffer.getvalue(), grid="2x2+0+10", name=name)
    assert [cell["label"] for cell in answer["result"]] == [r.text for r in predictions if r.text == name]


def give_two_classes(work: Path, mode: str) -> None:
    """Labels a work's images with one of two words: by name, or for classes by sub-folder."""
    for split in ("train", "validation", "test"):
        for number, path in enumerate(list_images(work / f"{split}_dataset")):
            if mode == "NUM_CLASSES":
                folder = path.parent / ("牌坊", "茶_几")[number % 2]
                folder.mkdir(exist_ok=True)
                path.rename(folder / f"{number // 2}.png")
            else:
                path.rename(path.with_name(f"{('牌坊', '茶几')[number % 2]}_{path.name}"))


@pytest.mark.parametrize("trained", ["ORDINARY"], indirect=True)
def test_training_resumes_with_new_characters(trained: Path, tmp_path: Path):
    work = shutil.copytree(trained, tmp_path / "copy")
    old = Predict_Image(work / "App_model").recogniser.card
    for path in list_images(work / "train_dataset")[:8]:
        shutil.copyfile(path, path.with_name(f"A{path.name}"))
    limits = ["--set", "CAPTCHA_LENGTH=4"]
    assert "new: A" in run_script("pack_dataset.py", "--work", work, *limits).stderr
    run_ok("pack_dataset.py", "--work", work, "--extend", *limits)
    assert "init_working_space.py --go-on" in run_script("train.py", "--work", work, *limits).stderr
    run_ok("init_working_space.py", "--work", work, "--go-on")
    printed = run_ok("train.py", "--work", work, "--set", "EPOCHS=1", *limits)
    total, loaded = (int(word) for word in re.search(r"(\d+) of (\d+) loaded", printed).groups()[::-1])
    assert loaded >= total - 2  # ORDINARY's positions are as many as the longest label
    assert read_card(best_checkpoint(work / "checkpoint").path)[0].characters == (*old.characters, "A")
    assert list((work / "backup").rglob("epoch_*.keras"))


def test_augmented_copies_are_packed_and_the_images_not_changed(digits: Path):
    before = {path: path.read_bytes() for path in list_images(digits / "train_dataset")}
    printed = run_ok("pack_dataset.py", "--set", "DATA_ENHANCEMENT=2")
    assert "120 augmented copies" in printed
    assert "train_pack_dataset: 180 images" in printed
    assert len(list_images(digits / "train_enhance_dataset")) == 120
    assert {path: path.read_bytes() for path in list_images(digits / "train_dataset")} == before
    assert read_report(digits, "pack")["pictures"]["validation"] == 12
