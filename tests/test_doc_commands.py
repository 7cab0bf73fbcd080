"""The commands of docs/ run as they stand: block by block and in order, on copies of a small trained work.

What cannot run here is listed with the reason in NOT_RUN, and its options are parsed by the program itself; a new
command that neither runs nor is listed fails.
"""

import argparse
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bearcat.data.labels.reading import list_images
from tests.helpers.steps import ROOT, SECONDS, build_work, run_ok

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
TRANSLATED = sorted(path.name for path in (ROOT / "docs" / "zh-CN").glob("*.md"))
# beginning of a command → why it is not run here
NOT_RUN = {
    "python -m benchmarks.": "takes minutes, or needs the data sets of others",
    "make bench-serve": "installs ddddocr from the network",
    "make soak": "takes minutes",
    "python -m pip install": "installs from the network",
    "pip install": "installs from the network",
    "python pack_dataset.py --beam": "needs Apache Beam: make test-beam",
    "export TF_CONFIG=": "needs several machines; tests/training/test_distribution.py starts two workers",
    "python train.py --work /shared/works/mine": "needs several machines",
    "python train.py --set TRAIN_SECONDS=120": "takes as long again as TRAIN_SECONDS=60, which is run",
    "python train.py --curve": "trains five times; see tests/training/learning_curve/test_trainings.py",
    "python pack_dataset.py --through test": "trains again; tests/pipeline/test_through.py runs it in two parts",
    "python save_model.py --litert": "converts again; run by the fixture `prepared`",
    "python strength.py": "trains many times; see tests/pipeline/test_strength.py and test_sweep.py",
    "python app.py --label report/strength/sweep": "needs the images of a sweep",
    "tensorboard": "does not end; tests/training/test_tensorboard.py reads its logs",
    "python -m deploy.triton_repository": "run by tests/test_deploy.py",
}
# page and first command of a block → the command from which on its commands are not run, since others train so
NOT_RUN_FROM = {
    # tests/pipeline/test_boxes.py trains a detector, for minutes
    ("docs/detection.md", "python New_work.py works clicks --set MODE=EFFICIENTDET"): "python train.py",
    # tests/pipeline/test_text_modes.py trains each mode after packing
    ("docs/modes.md", "python init_working_space.py"): "python train.py",
    # the same as TRAIN_SECONDS=60 above it, in an empty folder
    ("docs/training.md", "python init_working_space.py"): "python train.py",
    # tests/pipeline/test_further_modes.py trains on with new characters
    ("docs/training.md", "python pack_dataset.py --extend"): "python train.py",
}
# what makes a command short, or stands for the reader's own names
IN_PLACE_OF = {
    "TRAIN_SECONDS=60": "TRAIN_SECONDS=1",
    "FOLDER": "unlabelled",
    "WORK_A WORK_B": "own other",
    "delete_file.py": "delete_file.py --yes",
}
SMALL_TEXT = {"characters": "01", "char_count": [2], "count": 20, "width": 40, "height": 24}
SMALL_CLICKS = {"kind": "click", "characters": "AB", "char_count": [2], "count": 8, "width": 64, "height": 64}
SMALL_CLICKS |= {"validation_count": 4, "test_count": 4, "character_size": [20, 24]}
SMALL = {"EPOCHS": 1, "MIN_EPOCH_STEPS": 2, "BATCH_SIZE": 4}
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def bash_blocks(page: str) -> list[list[str]]:
    """Returns the commands of each fenced block, without comments and with continued lines joined."""
    blocks = re.findall(r"```bash\n(.*?)```", read(page).replace("\\\n", " "), re.DOTALL)
    lines = [[line.partition("  #")[0].strip() for line in block.splitlines()] for block in blocks]
    return [[line for line in block if line and not line.startswith("#")] for block in lines]


def is_listed(command: str) -> bool:
    return command.startswith(tuple(NOT_RUN))


def split_block(page: str, block: list[str]) -> tuple[list[str], list[str]]:
    """Returns the commands of a block that are run, and those that are not."""
    first = NOT_RUN_FROM.get((page, block[0])) if block else None
    end = block.index(first) if first else len(block)
    run = [command for command in block[:end] if not is_listed(command)]
    return run, [command for command in block if command not in run]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained work, works/own; tests copy it.

    It is trained by the commands that take longest, so that `python train.py` on a page finds the training ended.
    """
    folder = tmp_path_factory.mktemp("docs")
    (folder / "works").mkdir()
    work = build_work(
        folder / "works",
        "own",
        images=24,
        MODE="CTC_TINY",
        BACKBONE="tiny",
        MODEL_NAME="captcha",
        QUANTIZE=False,
        **(SMALL | {"BATCH_SIZE": 8}),
    )
    for command in ("pack_dataset.py", "train.py --set TRAIN_SECONDS=1", "save_model.py --litert"):
        run_ok(*command.split(), "--work", work)
    assert (work / "model" / "captcha.tflite").is_file()
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the commands run in: a copy of the trained work, active, and what a reader would have."""
    folder = tmp_path / "docs"
    shutil.copytree(prepared, folder)
    (folder / "works" / ".active").write_text(str(folder / "works" / "own"), encoding="utf-8")
    test_images = list_images(folder / "works" / "own" / "test_dataset")
    (folder / "unlabelled").mkdir()
    for number, path in enumerate(test_images[:3]):
        shutil.copyfile(path, folder / "unlabelled" / f"{number}.png")
    shutil.copyfile(test_images[0], folder / "captcha.png")
    shutil.copytree(folder / "works" / "own", folder / "works" / "other")
    monkeypatch.setenv("BEARCAT_WORKS", str(folder / "works"))
    monkeypatch.chdir(folder)
    return folder


def join_sets(folder: Path) -> None:
    """Leaves all images in train_dataset, as move_path.py finds them."""
    work = folder / "works" / "own"
    for path in [*list_images(work / "validation_dataset"), *list_images(work / "test_dataset")]:
        path.replace(work / "train_dataset" / path.name)


def split(folder: Path) -> None:
    run_ok("move_path.py", cwd=folder)


def remove_works(folder: Path) -> None:
    shutil.rmtree(folder / "works")
    (folder / "works").mkdir()


def add_a_character(folder: Path) -> None:
    """Adds an image with a character that the vocabulary lacks, to a trained work."""
    own, other = folder / "works" / "own", folder / "works" / "other"
    shutil.copytree(other / "checkpoint", own / "checkpoint", dirs_exist_ok=True)
    shutil.copyfile(list_images(own / "train_dataset")[0], own / "train_dataset" / "9_new.png")


def change_mode(folder: Path) -> None:
    with (folder / "works" / "own" / "settings.py").open("a", encoding="utf-8") as file:
        file.write('MODE = "CTC"\n')


# page and first command of a block → what a reader has done before it
BEFORE: dict[tuple[str, str], Callable[[Path], None]] = {
    ("docs/data.md", "python move_path.py --dry-run"): join_sets,
    ("docs/data.md", "python pack_dataset.py"): split,
    ("docs/data.md", "python New_work.py works own --set TRAIN_SECONDS=60"): remove_works,
    ("docs/detection.md", "python New_work.py works clicks --set MODE=EFFICIENTDET"): remove_works,
    ("docs/modes.md", "python init_working_space.py"): change_mode,
    ("docs/training.md", "python pack_dataset.py --extend"): add_a_character,
}


def make_small(work: Path) -> None:
    """Lets a new work have few and small images, and a short training."""
    clicks = work.name == "clicks"
    config = json.loads((work / "captcha_config.json").read_text(encoding="utf-8"))
    config |= SMALL_CLICKS if clicks else SMALL_TEXT
    (work / "captcha_config.json").write_text(json.dumps(config), encoding="utf-8")
    with (work / "settings.py").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = {value!r}\n" for name, value in SMALL.items())


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Starts app.py at a free port; yields the address that it prints."""
    command = [sys.executable, "-u", str(ROOT / "app.py"), *arguments, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            found = next(filter(None, map(ADDRESS.search, process.stdout)), None)
            assert found, f"app.py {arguments} printed no address"
            yield found[0]
        finally:
            process.terminate()
            process.wait(timeout=SECONDS)


def run_script(folder: Path, script: str, *arguments: str) -> None:
    """Runs a step; app.py until it listens, without the page, which takes longest."""
    if script == "app.py":
        with running(*arguments, *(() if "--label" in arguments else ("--no-page",))):
            return
    run_ok(script, *arguments, cwd=folder)
    if script == "New_work.py":
        make_small(Path(*arguments[:2]))


def run_command(folder: Path, command: str) -> None:
    for name, value in IN_PLACE_OF.items():
        command = command.replace(name, value)
    program, *arguments = shlex.split(command) if not command.startswith("curl") else ["curl"]
    if program == "python" and (ROOT / arguments[0]).is_file():
        run_script(folder, *arguments)
    elif program == "curl":
        if os.name != "posix" or not shutil.which("curl"):
            return
        with running("--no-page") as address:
            answer = subprocess.check_output(command.replace("http://127.0.0.1:5006", address), shell=True, cwd=folder)
        assert json.loads(answer)["return_code"] == 200
    else:
        pytest.fail(f"{command}: run it here, or list it in NOT_RUN with the reason")


def first_page_with(block: list[str]) -> str:
    return next(page for page in PAGES if block in bash_blocks(page))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_in_order(page: str, folder: Path):
    for block in bash_blocks(page):
        commands, _ = split_block(page, block)
        if commands and page == first_page_with(block):
            BEFORE.get((page, commands[0]), lambda folder: None)(folder)
            for command in commands:
                run_command(folder, command)


def test_every_reason_and_preparation_is_still_needed():
    commands = [command for page in PAGES for block in bash_blocks(page) for command in block]
    blocks = {(page, block[0]): block for page in PAGES for block in bash_blocks(page) if block}
    assert BEFORE.keys() <= blocks.keys()
    assert all(command in blocks[key] for key, command in NOT_RUN_FROM.items())
    for start in NOT_RUN:
        assert any(command.startswith(start) for command in commands), start


@pytest.mark.parametrize("page", TRANSLATED)
def test_the_chinese_pages_give_the_same_commands(page: str):
    assert bash_blocks(f"docs/zh-CN/{page}") == bash_blocks(f"docs/{page}")


class Parsed(BaseException):
    """The command line was accepted."""


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """Lets a program parse a command line, and do nothing else."""
    parse_args = argparse.ArgumentParser.parse_args

    def accept(self: argparse.ArgumentParser, *arguments: object):
        parse_args(self, *arguments)
        raise Parsed

    def run(arguments: list[str]) -> None:
        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", accept)
        is_module = arguments[0] == "-m"
        monkeypatch.setattr(sys, "argv", arguments[is_module:])
        with pytest.raises(Parsed):
            if is_module:
                monkeypatch.delitem(sys.modules, arguments[1], raising=False)
                runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")

    return run


def test_the_options_of_commands_that_are_not_run_exist(parse: Callable[[list[str]], None]):
    not_run = {command for page in PAGES for block in bash_blocks(page) for command in split_block(page, block)[1]}
    scripts = [command for command in not_run if re.match(r"python (-m benchmarks\.|\w+\.py)", command)]
    assert scripts
    for command in scripts:
        parse(shlex.split(command)[1:])


def test_a_command_that_neither_runs_nor_is_listed_fails(tmp_path: Path):
    with pytest.raises(pytest.fail.Exception, match="list it in NOT_RUN"):
        run_command(tmp_path, "some-tool --option")
