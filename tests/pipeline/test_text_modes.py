"""All steps from end to end for ORDINARY and CTC: test.py, the service and Predict_Image give the same predictions."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import requests

from bearcat.artifacts.attention import LOOKS
from bearcat.artifacts.card import read_card
from bearcat.artifacts.checkpoints import list_checkpoints
from bearcat.core.errors import ArtifactError
from bearcat.core.workspace import set_active_work
from bearcat.data.labels.reading import labelled_images, list_images
from benchmarks.warm_runner import start_script
from tests.helpers.steps import ROOT, SECONDS, read_report, run_ok, run_script, serving
from utils import Predict_Image

# of what does not depend on the mode
one_mode = pytest.mark.parametrize("trained", ["CTC"], indirect=True)


def test_every_step_leaves_its_report(trained: Path):
    train = read_report(trained, "train")
    assert train["mode"].lower() == trained.name
    assert train["epochs_run"] == 2
    assert train["stopped_by"] == "all epochs"
    assert train["best_epoch"] in (1, 2)
    assert {"loss", "val_loss", "exact", "val_exact"} <= train["best"].keys()
    assert train["images_per_second"] > 0
    assert read_report(trained, "pack")["pictures"] == {"train": 60, "validation": 12}
    assert read_report(trained, "check")["suggested"] == {
        "MODE": "ORDINARY",  # the labels have 2 or 3 characters
        "IMAGE_HEIGHT": 24,
        "IMAGE_WIDTH": 48,
        "IMAGE_CHANNALS": 3,  # the ink is coloured
        "CAPTCHA_LENGTH": 3,
    }
    saved = read_report(trained, "save")
    assert saved["largest_difference"] < 1e-3
    assert saved["calibration"]["images"] == 12
    assert saved["metrics"]["temperature"] == saved["calibration"]["temperature"]
    test = read_report(trained, "test")
    assert test["images"] == 12
    assert len(test["mistakes"]) == round(12 * (1 - test["exact"]))
    page = (trained / "report" / "test.html").read_text(encoding="utf-8")
    assert page.count('class="card"') == len(test["mistakes"])
    located = [one for one in test["mistakes"] if one["read"] and trained.name.upper() in LOOKS]
    assert page.count('<figure class="strip"') == len(located)
    assert (trained / "report" / "train.png").read_bytes()[:4] == b"\x89PNG"
    assert any((trained / "logs" / "readings").glob("events*"))


@one_mode
def test_two_models_are_compared_on_the_test_set_of_the_first(trained: Path, tmp_path: Path):
    other = shutil.copytree(trained, tmp_path / "other", ignore=shutil.ignore_patterns("test_dataset"))
    first = shutil.copytree(trained, tmp_path / "first", ignore=shutil.ignore_patterns("checkpoint"))
    printed = run_ok("test.py", "--compare", first, other)
    assert "No difference: first and other are correct on the same" in printed
    report = read_report(first, "compare")
    assert (report["images"], report["p_value"], report["differing"]) == (12, 1.0, [])
    assert (first / "report" / "compare.html").is_file()
    assert not (other / "report" / "compare.json").exists()


@one_mode
def test_each_epoch_leaves_a_checkpoint_named_by_its_metrics(trained: Path):
    checkpoints = list_checkpoints(trained / "checkpoint")
    assert [checkpoint.epoch for checkpoint in checkpoints] == [1, 2]
    best = checkpoints[read_report(trained, "train")["best_epoch"] - 1]
    assert best.path.name == read_report(trained, "save")["checkpoint"]
    assert best.path.name in run_ok("callback.py", "--work", trained)
    rows = (trained / "CSVLogger" / "training.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 3
    assert any((trained / "logs").rglob("events*"))


@one_mode
def test_models_shows_the_network_whether_or_not_graphviz_is_there(trained: Path):
    shown = run_ok("models.py", "--work", trained)
    assert f"{read_report(trained, 'train')['parameters']:,}" in shown
    assert (trained / "model.png").is_file() or "graphviz" in shown


@pytest.fixture(scope="module")
def service(trained: Path):
    """The address of the service of a trained work."""
    with serving(trained) as address:
        yield address


def test_test_py_the_service_and_predict_image_agree(trained: Path, service: str):
    predictor = Predict_Image(trained / "App_model")
    mistakes = {entry["file"]: entry["read"] for entry in read_report(trained, "test")["mistakes"]}
    for item in labelled_images(trained / "test_dataset"):
        encoded = base64.b64encode(item.path.read_bytes()).decode()
        answer = requests.post(f"{service}/", data={"img": encoded}, timeout=30).json()
        assert answer["return_info"] == "处理成功"
        assert answer["result"] == predictor.predict(item.path).text == mistakes.get(item.path.name, item.label)


@one_mode
def test_a_text_model_has_no_boxes_to_draw(trained: Path, tmp_path: Path):
    predictor, image = Predict_Image(trained / "App_model"), list_images(trained / "test_dataset")[0]
    assert predictor.predict_image(image) == predictor.predict(image).text
    with pytest.raises(ArtifactError, match="finds no boxes to draw"):
        predictor.predict_image(image, tmp_path / "drawn.png")


@one_mode
def test_spider_example_prints_the_answer_and_the_label(trained: Path, service: str):
    port = service.rpartition(":")[2]
    printed = run_ok("spider_example.py", "--work", trained, "--port", port)
    assert re.search(r"Label:   \d+  \((correct|incorrect)\)", printed)
    image = list_images(trained / "test_dataset")[0]
    printed = run_ok("spider_example.py", image, "--work", trained, "--port", port)
    assert str(image) in printed
    assert f"Label:   {image.name.partition('_')[0]}" in printed


@pytest.fixture
def packed(works: Path, copy_digits: Callable[..., Path]) -> Path:
    """A packed work of mode CTC, ready to be trained; it is the active one."""
    work = copy_digits(works, MODE="CTC", BACKBONE="tiny", EPOCHS=500)
    set_active_work(work)
    run_ok("pack_dataset.py")
    return work


def start_training(work: Path) -> BaseProcess:
    """Starts or resumes a training and returns once it has saved a checkpoint; it prints to `printed` in the work."""
    printed, before = work / "printed", len(list_checkpoints(work / "checkpoint"))
    process = start_script("train.py", ("--work", str(work)), printed, printed, ROOT, os.environ)
    deadline = time.monotonic() + SECONDS
    while len(list_checkpoints(work / "checkpoint")) == before:
        assert process.is_alive(), printed.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, "no checkpoint in time"
        time.sleep(0.05)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_a_killed_training_resumes_and_ctrl_c_saves_and_says_how_to(packed: Path):
    process = start_training(packed)
    process.kill()
    process.join()
    before = list_checkpoints(packed / "checkpoint")[-1]
    process = start_training(packed)
    os.kill(process.pid, signal.SIGINT)
    process.join(SECONDS)
    printed = (packed / "printed").read_text(encoding="utf-8")
    assert process.exitcode == 130, printed
    assert f"Resuming after epoch {before.epoch}" in printed
    assert "To resume: python train.py" in printed
    report, newest = read_report(packed, "train"), list_checkpoints(packed / "checkpoint")[-1]
    assert report["stopped_by"] == "interrupt"
    assert newest.epoch == report["epochs_run"] > before.epoch
    assert read_card(newest.path)[1]["recipe"]["origin"] == read_card(before.path)[1]["recipe"]["origin"] != ""
    # loads the checkpoint of the interrupt
    assert "has ended" in run_ok("train.py", "--set", f"EPOCHS={newest.epoch}")


@one_mode
def test_init_working_space_backs_a_training_up_and_deletes_nothing(trained: Path, tmp_path: Path):
    work = shutil.copytree(trained, tmp_path / "copy")
    files = {path.relative_to(work / "checkpoint") for path in (work / "checkpoint").rglob("*")}
    run_ok("init_working_space.py", "--work", work)
    assert not list_checkpoints(work / "checkpoint")
    (backup,) = (work / "backup").iterdir()
    assert {path.relative_to(backup / "checkpoint") for path in (backup / "checkpoint").rglob("*")} == files


def test_move_path_splits_a_data_set_once(digits: Path):
    work = digits
    for split in ("validation", "test"):
        shutil.rmtree(work / f"{split}_dataset")
    run_ok("move_path.py")
    counts = {split: len(list_images(work / f"{split}_dataset")) for split in ("train", "validation", "test")}
    assert counts == {"train": 48, "validation": 6, "test": 6} == read_report(work, "split")["pictures"]
    assert run_script("move_path.py").returncode == 2
    assert len(list_images(work / "train_dataset")) == 48


def test_delete_file_deletes_what_is_named_and_only_with_yes(digits: Path):
    assert run_script("delete_file.py", "train_dataset").returncode == 2
    assert len(list_images(digits / "train_dataset")) == 60
    labels = digits / "train_dataset" / "labels.csv"
    labels.write_text("file,label\n", encoding="utf-8")
    run_ok("delete_file.py", "train_dataset", "--yes")
    assert list((digits / "train_dataset").iterdir()) == [labels]
    assert len(list_images(digits / "test_dataset")) == 12


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_stops_a_generation_soon_and_the_next_run_finishes_it(digits: Path):
    work = digits
    config = json.loads((work / "captcha_config.json").read_text(encoding="utf-8"))
    (work / "captcha_config.json").write_text(json.dumps(config | {"count": 1000, "width": 49}), encoding="utf-8")
    command = [sys.executable, str(ROOT / "gen_sample_by_captcha.py"), "--work", str(work)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True)
    while len(list_images(work / "train_dataset")) < 100:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    made = len(list_images(work / "train_dataset"))
    assert process.returncode == 130, printed
    assert made < 700
    assert "1000 images" in run_ok("gen_sample_by_captcha.py")
    assert len(list_images(work / "train_dataset")) == 1060
