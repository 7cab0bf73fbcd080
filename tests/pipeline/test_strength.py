"""strength.py with tiny trainings: killed, resumed, its reports, and what it refuses."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bearcat.core.workspace import create_work
from bearcat.data.labels.listing import list_images
from tests.helpers.labelling import draw_text
from tests.helpers.steps import ROOT, SECONDS, change_settings, read_report, run_ok, run_refused

COUNTS = {"train": 8, "validation": 2, "test": 12}  # images: trials with 0 and with 10 labels
SETTINGS = {"MODE": "CTC", "BATCH_SIZE": 4, "MIN_EPOCH_STEPS": 2}
OPTIONS = ("--seconds", 1, "--set", "EPOCHS=1")


@pytest.fixture(scope="module")
def measured(make_once: Callable[..., Path]) -> Path:
    """A work after a run that was killed in its second trial, and another run; tests must not change it."""

    def measure(folder: Path) -> None:
        made = create_work(folder, "drawn", activate=False, settings=SETTINGS)
        made.make_folders()
        texts = ("".join(text) for text in itertools.permutations("2347"))
        for split, count in COUNTS.items():
            for number, text in enumerate(itertools.islice(texts, count)):
                draw_text(text, number).save(made.data_folder(split) / f"{text}_{number}.png")
        work = made.path
        (work / "killed.txt").write_text(kill_at("Trial 2 ", work), encoding="utf-8")
        pretend_trials(work / "report" / "strength" / "trials.jsonl", (10, 1), (10, 2))
        (work / "printed.txt").write_text(run_ok("strength.py", "--work", work, *OPTIONS), encoding="utf-8")

    return make_once("strength", measure) / "drawn"


def kill_at(line: str, work: Path) -> str:
    """Starts the script, kills it once it prints a line, and returns what it printed; its processes must end too."""
    command = [sys.executable, str(ROOT / "strength.py"), "--work", str(work), *map(str, OPTIONS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            printed = []
            for one in process.stdout:
                printed.append(one)
                if one.startswith(line):
                    break
            children = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()
    _, alive = psutil.wait_procs(children, timeout=SECONDS)
    assert alive == []
    return "".join(printed)


def pretend_trials(journal: Path, *trials: tuple[int, int]) -> None:
    """Adds results to the one that a journal has: trials take long."""
    (finished,) = journal.read_text(encoding="utf-8").splitlines()
    entry = json.loads(finished)
    digest = entry["digest"].removesuffix("-0-0")
    with journal.open("a", encoding="utf-8") as file:
        for labels, draw in trials:
            changed = {"digest": f"{digest}-{labels}-{draw}", "labels": labels, "draw": draw, "correct": 0}
            file.write(json.dumps(entry | changed) + "\n")


def test_a_killed_run_is_continued(measured: Path):
    killed, printed = ((measured / name).read_text(encoding="utf-8") for name in ("killed.txt", "printed.txt"))
    assert "10 labelled images to learn from, 12 unseen ones to test on" in killed
    assert "4 trials: about 4 minutes" in killed
    assert "1 trial (3 are finished already)" in printed
    assert "Trial 1 of at most 1: 10 labels, draw 1" in printed
    assert printed.count("of 12 unseen images read") == 1
    folder = measured / "report" / "strength"
    assert [path.name for path in folder.iterdir()] == ["trials.jsonl"]
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["labels"], line["draw"]) for line in lines] == [(0, 0), (10, 1), (10, 2), (10, 0)]


def test_the_report_has_all_trials(measured: Path):
    report = read_report(measured, "strength")
    assert (report["mode"], report["characters"], report["lengths"]) == ("CTC", 4, [4, 4])
    assert (report["pool"], report["images_tested"]) == (10, 12)
    trials = sorted((trial["draw"], trial["labels"]) for trial in report["trials"])
    assert trials == [(0, 0), (0, 10), (1, 10), (2, 10)]
    for trial in report["trials"]:
        assert trial["images"] == 12
        assert 0 <= trial["correct"] <= 12
        assert trial["seconds"] > 0 < trial["cpu_seconds"]
    assert [rung["draws"] for rung in report["rungs"]] == [1, 3]
    assert report["stopped"] == "more labels were not tried, since only 10 images have one"
    assert report["people"] is report["sweep"] is None
    assert report["trials"][0]["correct"] > 6  # they are much like what the weights have learned from


def test_the_page_begins_with_the_answer(measured: Path):
    page = (measured / "report" / "strength.html").read_text(encoding="utf-8")
    answer = read_report(measured, "strength")["verdict"]["sentences"][0]
    assert answer in page
    assert answer in (measured / "printed.txt").read_text(encoding="utf-8")
    assert "data:image/png;base64" in page


def test_a_small_budget_starts_no_trial_and_says_so(digits: Path):
    printed = run_ok("strength.py", "--work", digits, "--budget", 0.01)
    assert "10 trials did not fit into 0.01 minutes" in printed
    report = read_report(digits, "strength")
    assert report["trials"] == []
    assert report["verdict"]["level"] == "untested"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "MODE=EFFICIENTDET"), "MODE = 'EFFICIENTDET' predicts no texts"),
        (("--sweep", "--set", "MODE=NUM_CLASSES"), "MODE = 'NUM_CLASSES' predicts no texts"),
    ],
)
def test_modes_without_texts_are_refused(digits: Path, options: tuple[str, ...], message: str):
    assert message in run_refused("strength.py", "--work", digits, *options)


def test_the_duration_is_an_option_and_no_setting(digits: Path):
    message = run_refused("strength.py", "--work", digits, "--set", "TRAIN_SECONDS=10")
    assert "--set TRAIN_SECONDS=10: the duration of each training is an option here: --seconds 10" in message


def test_missing_images_are_named(digits: Path):
    change_settings(digits, MODE="CTC")
    for path in list_images(digits / "test_dataset"):
        path.unlink()
    assert "python move_path.py takes some of train_dataset" in run_refused("strength.py", "--work", digits)
