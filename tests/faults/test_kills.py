"""kill -9 at any moment, then the same command again: it completes, nothing is lost, and the result is the same.

Steps are killed before a certain change of the disk, from the first to the last, or when they have got so far.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bearcat.artifacts.checkpoints import is_intact, list_checkpoints
from bearcat.core.files import write_json, write_text
from bearcat.core.workspace import UNLABELLED, UNLABELLED_PACK
from tests.helpers.checkpoints import NEW, OLD, write_checkpoint
from tests.helpers.faults import contents, encoded, image, make_work, write
from tests.helpers.steps import ROOT, SECONDS, run_ok

COUNT = 70  # training images: more than one task for the processes that draw


@dataclass(frozen=True)
class Kill:
    """A step and the moment at which it is killed.

    Args:
        step: The script.
        moment: An int n: before its n-th change of the disk; a text: when it has printed it; a fraction: when that
            fraction of the training images exists.
        prepare: Prepares a work for the step.
        arguments: Further arguments of the script.
        compared: Folders and files whose bytes must be those of an undisturbed run.
        always: Whether it is part of every run of the tests.
    """

    step: str
    moment: int | float | str
    prepare: Callable[[Path], object]
    arguments: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    always: bool = False

    @property
    def name(self) -> str:
        return " ".join([self.step.removesuffix(".py"), *self.arguments, f"at {self.moment}"])


def nothing(work: Path) -> None:
    pass


def more_captchas(work: Path) -> None:
    """Configures more captchas than one task draws, and removes the images."""
    config = json.loads((work / "captcha_config.json").read_text(encoding="utf-8"))
    write_json(work / "captcha_config.json", config | {"count": COUNT, "validation_count": 3, "test_count": 3})
    for folder in work.glob("*_dataset"):
        shutil.rmtree(folder)


def unsplit(work: Path) -> None:
    """Moves all images into train_dataset."""
    train = work / "train_dataset"
    for folder in (work / "validation_dataset", work / "test_dataset"):
        for file in folder.iterdir():
            file.rename(train / file.name)
        folder.rmdir()


def split_done(work: Path) -> None:
    unsplit(work)
    run_ok("move_path.py", "--work", work)


def with_unlabelled(work: Path) -> None:
    """Adds images without labels, and a pack of others."""
    write(f"{UNLABELLED}/old.png", encoded(image(50), "PNG"))(work)
    packed(work)
    (work / UNLABELLED / "old.png").unlink()
    for number in range(60, 64):
        write(f"{UNLABELLED}/{number}.png", encoded(image(number), "PNG"))(work)


def trained_before(work: Path) -> None:
    """Makes the files of an earlier training: checkpoints, figures and curves."""
    for name in (OLD, NEW):
        write_checkpoint(work / "checkpoint" / name)
    write("CSVLogger/training.csv", "epoch\n1\n")(work)
    write("logs/train/events", "curves")(work)


def other_settings(work: Path) -> None:
    write_text(work / "settings.py", "# 我的\nMODE = 'CTC'  # mine\nIMAGE_WIDTH = 99\n")


def packed(work: Path) -> None:
    run_ok("pack_dataset.py", "--work", work)


def in_training(work: Path) -> None:
    with (work / "settings.py").open("a", encoding="utf-8") as file:
        file.write("MODE = 'CTC_TINY'\nEPOCHS = 3\nMIN_EPOCH_STEPS = 30\nBACKBONE = 'tiny'\nPRECISION = 'float32'\n")
    packed(work)


def trained(work: Path) -> None:
    in_training(work)
    run_ok("train.py", "--work", work, "--set", "EPOCHS=1")


def at(step: str, moments: tuple, prepare: Callable[[Path], object], *arguments: str, **options: object) -> list[Kill]:
    """Returns the kills of a step at several moments; those in the option `always` are part of every run."""
    always = options.pop("always", ())
    return [Kill(step, moment, prepare, arguments, always=moment in always, **options) for moment in moments]


DATA = ("train_dataset", "validation_dataset", "test_dataset")
PACKS = ("train_pack_dataset", "validation_pack_dataset", "num_classes.json", "train_enhance_dataset")
ENHANCED = ("--set", "DATA_ENHANCEMENT=2")
KILLS = [
    *at("New_work.py", (1, 3, 6, 9, 12, 14), nothing, "--set", "EPOCHS=7", compared=("made",), always=(9,)),
    *at("init_working_space.py", (1, 4, 6), trained_before, always=(6,)),
    *at("init_working_space.py", (1, 3, 4, 6, 10, 11, 14), trained_before, "--go-on", always=(10,)),
    *at("gen_sample_by_captcha.py", (2, 5, 15), more_captchas, compared=DATA),
    *at("gen_sample_by_captcha.py", (0.1, 0.5, 0.9, "train_dataset:"), more_captchas, compared=DATA),
    *at("move_path.py", (2, 4, 6, 7, 8, 10), unsplit, compared=DATA, always=(8,)),
    *at("move_path.py", (1, 2, 4), split_done, "--undo", compared=DATA),
    *at("cheak_file.py", (2, 4, 8), other_settings, "--apply", compared=("settings.py",)),
    *at("pack_dataset.py", (4, 9, 12, 15, 19), nothing, compared=PACKS),
    *at("pack_dataset.py", (2, 15, 40, 60), nothing, *ENHANCED, compared=PACKS),
    *at("pack_dataset.py", (1, 4, 8, 12, 20), with_unlabelled, compared=(*PACKS, UNLABELLED_PACK)),
    *at("delete_file.py", (1, 4, 8), nothing, "--yes", compared=DATA, always=(4,)),
    *at("train.py", (3, 9, 28), in_training),
    *at("train.py", ("A few steps on one batch", "parameters in", "epoch 1/3", "epoch 2/3"), in_training),
    *at("save_model.py", (1, 4, 7), trained),
]


@pytest.fixture
def works_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for works that are prepared once for all kills."""
    return tmp_path_factory.getbasetemp() / "kills"


def prepared(kill: Kill, folder: Path) -> Path:
    """Returns a work that is prepared for a step, made once for all its kills."""
    work = folder / kill.prepare.__name__
    if not work.exists():
        kill.prepare(make_work(work))
    return work


def command(kill: Kill, work: Path) -> list[str]:
    """Returns the script and its arguments for a work."""
    if kill.step == "New_work.py":
        return [str(ROOT / kill.step), str(work), "made", *kill.arguments]
    return [str(ROOT / kill.step), "--work", str(work), *kill.arguments]


def start_and_kill(kill: Kill, work: Path) -> int:
    """Starts a step, which is killed, and returns its exit code."""
    line, environment = command(kill, work), os.environ | {"BEARCAT_WORKS": str(work)}
    if isinstance(kill.moment, int):
        line = [str(ROOT / "tests" / "helpers" / "killed.py"), str(kill.moment), str(work), *line]
    with subprocess.Popen(
        [sys.executable, *line], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        if isinstance(kill.moment, str):
            assert any(kill.moment in line for line in process.stdout)
            process.kill()
        elif isinstance(kill.moment, float):
            while len([*(work / "train_dataset").glob("*.png")]) < COUNT * kill.moment:
                assert process.poll() is None
            process.kill()
        process.communicate(timeout=SECONDS)
    return process.returncode


def again(kill: Kill, work: Path) -> str:
    """Runs the step to its end and returns what it printed."""
    script, *arguments = command(kill, work)
    return run_ok(Path(script).name, *arguments, BEARCAT_WORKS=str(work))


def compared(kill: Kill, work: Path) -> dict[str, bytes]:
    """Returns path → bytes of what must be the same as in an undisturbed run."""
    found = contents(work)
    return {name: found[name] for name in found if Path(name).parts[0] in kill.compared}


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.name)
def test_a_step_that_was_killed_completes_with_nothing_lost(
    kill: Kill, tmp_path: Path, works_of_all: Path, request: pytest.FixtureRequest
):
    if not kill.always and not request.config.getoption("--faults"):
        pytest.skip("run by make test-faults")
    if "--undo" in kill.arguments and "--undo" not in (ROOT / kill.step).read_text(encoding="utf-8"):
        pytest.skip("move_path.py has no --undo")
    work = Path(shutil.copytree(prepared(kill, works_of_all), tmp_path / "work"))
    images = images_of(work)
    assert start_and_kill(kill, work) != 0, "the step ended before that moment"
    left = images_of(work)
    assert left >= images or kill.step == "delete_file.py"
    if kill.step == "New_work.py" and (work / "made").exists():
        assert (work / "made" / "settings.py").read_text(encoding="utf-8").count("EPOCHS = 7") == 1
    else:
        again(kill, work)
    untouched = reference(kill, works_of_all)
    assert compared(kill, work) == compared(kill, untouched)
    if kill.step in AFTERWARDS:
        AFTERWARDS[kill.step](work, untouched)


def reference(kill: Kill, folder: Path) -> Path:
    """Returns the work after an undisturbed run, made once."""
    work = folder / f"{kill.prepare.__name__}-{kill.step}-{len(kill.arguments)}"
    if not work.exists():
        shutil.copytree(prepared(kill, folder), work)
        again(kill, work)
    return work


def images_of(work: Path) -> set[bytes]:
    """Returns the contents of all images of a work, in any folder."""
    return {path.read_bytes() for path in work.rglob("*.png") if not path.name.startswith(".")}


def all_runs_kept(work: Path, untouched: Path) -> None:
    """Checks that the backup has every file of the earlier training, and that --go-on kept its best checkpoint."""
    kept, expected = (
        {path.name for path in (folder / "backup").rglob("*") if path.is_file()} for folder in (work, untouched)
    )
    assert kept >= expected
    assert list_checkpoints(work / "weight") or not list_checkpoints(untouched / "weight")
    assert not any((work / "checkpoint").iterdir())


def all_epochs_there(work: Path, untouched: Path) -> None:
    """Checks that a training ran all its epochs, with complete checkpoints and one row of figures per epoch."""
    epochs = [checkpoint.epoch for checkpoint in list_checkpoints(work / "checkpoint")]
    assert epochs[-1] == 3
    assert all(is_intact(checkpoint.path) for checkpoint in list_checkpoints(work / "checkpoint"))
    # a kill may come between the last checkpoint and its row
    rows = (work / "CSVLogger" / "training.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3"]


def same_predictions(work: Path, untouched: Path) -> None:
    """Checks that the model predicts the same as that of an undisturbed run, and that no temporary files are left."""
    from utils import Predict_Image

    image = next((work / "test_dataset").glob("*.png"))
    one, other = (Predict_Image(folder / "App_model").predict(image) for folder in (work, untouched))
    assert one.text == other.text
    assert one.confidences == pytest.approx(other.confidences, abs=1e-4)
    assert not [path for folder in ("model", "App_model") for path in (work / folder).glob(".*")]


AFTERWARDS = {"init_working_space.py": all_runs_kept, "train.py": all_epochs_there, "save_model.py": same_predictions}


@pytest.mark.skipif(os.name != "posix", reason="needs process groups")
def test_a_killed_generation_leaves_no_process_behind(tmp_path: Path):
    work = make_work(tmp_path / "work")
    more_captchas(work)
    line = [sys.executable, str(ROOT / "gen_sample_by_captcha.py"), "--work", str(work)]
    with subprocess.Popen(line, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        while not any((work / "train_dataset").glob("*.png")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    deadline = time.monotonic() + 20
    while True:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < deadline, "drawing processes outlive their parent"
        time.sleep(0.05)
