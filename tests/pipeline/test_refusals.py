"""Every script, used incorrectly: one clear message, exit code 2, no traceback, nothing lost."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bearcat.data.labels.reading import list_images
from tests.helpers.steps import run_fresh, run_ok, run_refused, run_script

NEEDS_WORK = """init_working_space.py gen_sample_by_captcha.py move_path.py cheak_file.py pack_dataset.py models.py
train.py save_model.py test.py app.py spider_example.py callback.py delete_file.py""".split()
NEEDS_DATA = {
    "move_path.py": "holds no images",
    "cheak_file.py": "has no images yet that can be read",
    "pack_dataset.py": "holds no images",
    "models.py": "num_classes.json does not exist: run python pack_dataset.py",
    "train.py": "holds no pack: run python pack_dataset.py",
    "save_model.py": "no usable checkpoint: run python train.py",
    "test.py": "no trained model: run python train.py",
    "app.py": "no trained model: run python train.py",
    "spider_example.py": "holds no images",
    "callback.py": "no usable checkpoint: run python train.py",
}

# of what does not depend on the mode
one_mode = pytest.mark.parametrize("trained", ["CTC"], indirect=True)


@pytest.mark.parametrize("script", NEEDS_WORK)
def test_without_a_work_the_message_says_how_to_make_one(script: str, works: Path, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "python New_work.py" in run_refused(script, cwd=empty)
    assert not list(empty.iterdir())


@pytest.fixture(scope="module")
def empty_work(make_once: Callable[..., Path]) -> Path:
    """A work without any data."""

    def make(folder: Path) -> None:
        run_ok("New_work.py", folder, "empty", BEARCAT_WORKS=str(folder))
        run_ok("init_working_space.py", "--work", folder / "empty")

    return make_once("empty", make) / "empty"


@pytest.mark.parametrize("script", NEEDS_DATA)
def test_without_data_the_message_says_what_to_run(script: str, empty_work: Path):
    assert NEEDS_DATA[script] in run_refused(script, "--work", empty_work)


def test_a_work_that_exists_is_never_overwritten(works: Path):
    run_ok("New_work.py", works, "mine")
    (works / "mine" / "settings.py").write_text("EPOCHS = 7\n", encoding="utf-8")
    assert "exists already and was not changed" in run_refused("New_work.py", works, "mine")
    assert (works / "mine" / "settings.py").read_text(encoding="utf-8") == "EPOCHS = 7\n"


def test_new_work_without_arguments_makes_works_simple(works: Path):
    run_ok("New_work.py")
    assert (works / "simple" / "settings.py").is_file()
    assert (works / ".active").read_text(encoding="utf-8").strip() == str(works / "simple")


def test_one_message_names_all_invalid_settings(digits: Path):
    message = run_refused("cheak_file.py", "--set", "MODE=CTX", "--set", "EPOCHES=3", "--set", "BATCH_SIZE=0")
    assert "'ORDINARY', 'NUM_CLASSES', 'CTC', 'CTC_TINY'" in message
    assert "did you mean EPOCHS?" in message
    assert "BATCH_SIZE = 0" in message


def first_image(work: Path) -> Path:
    return list_images(work / "train_dataset")[0]


def test_an_image_without_a_label_is_named(digits: Path):
    stray = first_image(digits).rename(digits / "train_dataset" / "holiday.png")
    for script in ("cheak_file.py", "pack_dataset.py"):
        message = run_refused(script)
        assert str(stray) in message
        assert "<label>_<anything>.png" in message
    assert stray.is_file()


def test_a_label_longer_than_captcha_length_is_named_with_the_length_to_set(digits: Path):
    long = first_image(digits).rename(digits / "train_dataset" / "01230123_x.png")
    message = run_refused("pack_dataset.py")
    assert str(long) in message
    assert "CAPTCHA_LENGTH = 8" in message
    assert not (digits / "train_pack_dataset" / "pack.json").exists()
    assert "60 images" in run_ok("pack_dataset.py", "--set", "MODE=CTC")


def test_a_character_that_is_not_in_num_classes_is_named_with_its_file(digits: Path):
    run_ok("pack_dataset.py")
    before = (digits / "num_classes.json").read_bytes()
    strange = first_image(digits).rename(digits / "train_dataset" / "0x_x.png")
    message = run_refused("pack_dataset.py")
    assert str(strange) in message
    assert "new: x" in message
    assert (digits / "num_classes.json").read_bytes() == before
    run_ok("pack_dataset.py", "--renew")
    assert json.loads((digits / "num_classes.json").read_text(encoding="utf-8"))["5"] == "x"


def test_a_damaged_image_is_named_and_left_out(digits: Path):
    broken = first_image(digits)
    broken.write_bytes(broken.read_bytes()[:80])
    printed = run_ok("pack_dataset.py")
    assert f"Left out: {broken}" in printed
    assert "train_pack_dataset: 59 images" in printed
    assert "damaged: 1" in run_ok("cheak_file.py")
    assert broken.stat().st_size == 80


@one_mode
def test_a_damaged_test_image_is_named_and_left_out(trained: Path, tmp_path: Path):
    work = shutil.copytree(trained, tmp_path / "copy")
    broken = list_images(work / "test_dataset")[0]
    broken.write_bytes(b"")
    printed = run_ok("test.py", "--work", work)
    assert f"Left out: {broken}" in printed
    assert "11 images" in printed


@one_mode
def test_settings_changed_after_packing_or_training_are_named(trained: Path):
    assert "the settings ask for" in run_refused("train.py", "--work", trained, "--set", "IMAGE_HEIGHT=30")
    message = run_refused("train.py", "--work", trained, "--set", "MODE=ORDINARY")
    assert "mode: 'CTC' in the checkpoint, 'ORDINARY' now" in message
    assert "init_working_space.py" in message


@one_mode
def test_tensorflow_prints_nothing_before_a_message(trained: Path):
    command = ("train.py", "--work", trained, "--set", "MODE=ORDINARY")
    (done,) = run_fresh([command])
    assert done.returncode == 2
    assert done.stderr == run_refused(*command)  # a fork of a process that has imported TensorFlow already


def test_packed_labels_longer_than_captcha_length_are_refused(digits: Path):
    run_ok("pack_dataset.py", "--set", "MODE=CTC")
    message = run_refused("train.py", "--set", "MODE=CTC_TINY", "--set", "CAPTCHA_LENGTH=2")
    assert "CAPTCHA_LENGTH is 2: set CAPTCHA_LENGTH = 3" in message


def test_rectify_without_adabelief_is_refused(digits: Path):
    assert "OPTIMIZER = 'AdaBelief'" in run_refused("train.py", "--set", "RECTIFY=True")


def test_renew_and_extend_are_mutually_exclusive(digits: Path):
    assert "not allowed with" in run_script("pack_dataset.py", "--renew", "--extend").stderr


def test_classes_are_not_added_to_characters(digits: Path):
    run_ok("pack_dataset.py")
    message = run_refused("pack_dataset.py", "--extend", "--set", "MODE=NUM_CLASSES")
    assert "pack_dataset.py --renew" in message
    assert "牌坊" not in (digits / "num_classes.json").read_text(encoding="utf-8")


def test_labels_longer_than_the_time_steps_are_refused_before_training(digits: Path):
    narrow = ["--set", "MODE=CTC", "--set", "IMAGE_WIDTH=8", "--set", "BACKBONE=SqueezeNet"]
    run_ok("pack_dataset.py", *narrow)
    message = run_refused("train.py", *narrow)
    assert "the network has 2" in message
    assert "IMAGE_WIDTH = " in message


@one_mode
def test_a_port_in_use_is_named(trained: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = run_refused("app.py", "--work", trained, "--port", port)
    assert f"cannot listen on 127.0.0.1:{port}" in message
    assert "--port" in message


@one_mode
def test_without_a_running_service_the_example_says_how_to_start_it(trained: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert "python app.py" in run_refused("spider_example.py", "--work", trained, "--port", port)


@one_mode
def test_a_missing_image_is_named(trained: Path):
    assert "nowhere.png does not exist" in run_refused("spider_example.py", "nowhere.png", "--work", trained)


@one_mode
def test_a_damaged_model_is_named(trained: Path, tmp_path: Path):
    work = shutil.copytree(trained, tmp_path / "copy")
    model = work / "App_model" / "captcha.onnx"
    model.write_bytes(model.read_bytes()[:1000])
    for script in ("test.py", "app.py"):
        assert f"{model} cannot be loaded" in run_refused(script, "--work", work)


def test_one_message_names_every_problem_of_captcha_config(digits: Path):
    config = json.loads((digits / "captcha_config.json").read_text(encoding="utf-8"))
    config |= {"count": "many", "image_suffix": "tiff"}
    (digits / "captcha_config.json").write_text(json.dumps(config), encoding="utf-8")
    message = run_refused("gen_sample_by_captcha.py")
    assert "count = 'many'" in message
    assert "image_suffix = 'tiff'" in message


def test_an_unknown_set_is_not_deleted(digits: Path):
    assert "not a data set" in run_refused("delete_file.py", "App_model", "--yes")
    assert len(list_images(digits / "train_dataset")) == 60
