"""train.py with images without labels: two rounds, what they leave behind, resuming, and when there is one round."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bearcat.artifacts.checkpoints import best_checkpoint, list_checkpoints, read_history
from bearcat.core.workspace import UNLABELLED
from bearcat.data.labels.listing import list_images
from bearcat.training.self_training.rounds import ROUND, USED
from bearcat.training.self_training.teacher_file import FILE_NAME
from tests.helpers.steps import change_settings, read_report, run_ok

OTHERS = 20


def make_work(folder: Path, copy_digits: Callable[..., Path], **settings: object) -> Path:
    """A work some of whose training images have lost their labels, packed."""
    work = copy_digits(folder, "digits", EPOCHS=2, MIN_EPOCH_STEPS=2, QUANTIZE=False, **settings)
    (work / UNLABELLED).mkdir(exist_ok=True)
    for number, image in enumerate(list_images(work / "train_dataset")[:OTHERS]):
        image.rename(work / UNLABELLED / f"{number}{image.suffix}")
    run_ok("pack_dataset.py", "--work", work)
    return work


@pytest.fixture(scope="module", params=["ORDINARY", "CTC"])
def trained(request, make_once: Callable[..., Path], copy_digits: Callable[..., Path]) -> Path:
    """A work after train.py; tests must not change it."""

    def train(folder: Path) -> None:
        work = make_work(folder, copy_digits, MODE=request.param)
        (work / "printed.txt").write_text(run_ok("train.py", "--work", work), encoding="utf-8")

    return make_once(f"self-trained-{request.param}", train) / "digits"


@pytest.fixture
def work(trained: Path, tmp_path: Path) -> Path:
    """A copy of it that tests may change."""
    return Path(shutil.copytree(trained, tmp_path / "digits"))


def rounds(work: Path) -> list[int]:
    """The round of each epoch of the newest checkpoint."""
    return [int(row[ROUND]) for row in read_history(list_checkpoints(work / "checkpoint")[-1].path)]


def test_there_are_two_rounds_of_which_each_has_its_epochs(trained: Path):
    assert rounds(trained) == [1, 1, 2, 2]
    assert "Round 2 of 2" in (trained / "printed.txt").read_text(encoding="utf-8")
    assert (trained / "checkpoint" / FILE_NAME).is_file()
    report = read_report(trained, "train")
    assert report["stopped_by"] == "all epochs"
    assert report["epochs_run"] == 4
    learnt = report["self_training"]
    assert (learnt["pictures"], learnt["rounds"]) == (OTHERS, 2)
    assert 0 <= learnt["used"] <= OTHERS
    csv = (trained / "CSVLogger" / "training.csv").read_text(encoding="utf-8")
    assert ROUND in csv.partition("\n")[0].split(",")
    assert USED in csv.partition("\n")[0].split(",")


def test_the_images_without_labels_are_never_validated_or_written(trained: Path):
    report = json.loads((trained / "report" / "pack.json").read_text(encoding="utf-8"))
    assert report["unlabelled"]["pictures"] == OTHERS
    assert {row["validated"] for row in read_history(best_checkpoint(trained / "checkpoint").path)} == {12.0}
    assert len(list_images(trained / UNLABELLED)) == OTHERS
    assert not list((trained / UNLABELLED).glob("*_*"))


def test_a_training_that_was_stopped_between_the_rounds_goes_on_with_the_second(work: Path):
    for checkpoint in list_checkpoints(work / "checkpoint")[2:]:
        checkpoint.path.unlink()
    (work / "checkpoint" / FILE_NAME).unlink()
    printed = run_ok("train.py", "--work", work)
    assert "Resuming after epoch 2" in printed
    assert rounds(work) == [1, 1, 2, 2]


@pytest.mark.parametrize("has_teacher", [True, False])
def test_a_training_that_was_stopped_in_the_second_round_resumes_it(work: Path, has_teacher: bool):
    list_checkpoints(work / "checkpoint")[-1].path.unlink()
    teacher = work / "checkpoint" / FILE_NAME
    if not has_teacher:
        teacher.unlink()
    before = teacher.stat().st_mtime_ns if has_teacher else 0
    printed = run_ok("train.py", "--work", work)
    assert "Resuming after epoch 3" in printed
    assert "Round 2 of 2" not in printed
    assert rounds(work) == [1, 1, 2, 2]
    assert not has_teacher or teacher.stat().st_mtime_ns == before


def test_a_second_round_that_has_lost_its_images_goes_on_with_the_labelled_ones(work: Path):
    list_checkpoints(work / "checkpoint")[-1].path.unlink()
    run_ok("train.py", "--work", work, "--set", "SELF_TRAIN=False")
    assert rounds(work) == [1, 1, 2, 2]
    assert read_report(work, "train")["stopped_by"] == "all epochs"


def test_a_training_that_has_ended_says_so(work: Path):
    assert "This training has ended" in run_ok("train.py", "--work", work)


def test_images_without_labels_that_come_later_add_a_second_round(works: Path, copy_digits: Callable[..., Path]):
    work = make_work(works, copy_digits)
    run_ok("train.py", "--work", work, "--set", "SELF_TRAIN=False")
    assert "self_training" not in read_report(work, "train")
    assert len(read_history(list_checkpoints(work / "checkpoint")[-1].path)) == 2
    assert "Round 2 of 2" in run_ok("train.py", "--work", work)
    assert read_report(work, "train")["self_training"]["rounds"] == 2
    change_settings(work, EPOCHS=3)
    assert "Resuming after epoch 4" in run_ok("train.py", "--work", work)
    assert read_report(work, "train")["epochs_run"] == 5  # the second round goes on
