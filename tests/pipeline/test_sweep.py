"""strength.py --sweep: a tiny training, its report and section; what is said without time for one, or refused."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from bearcat.core.workspace import ROOT, Work
from bearcat.data.labels.listing import list_images
from bearcat.settings_rules import load_settings
from bearcat.strength.page import SHOWN_EXAMPLES
from bearcat.strength.plan import Budget
from bearcat.strength.sweep import images, runs, variants
from bearcat.strength.sweep.page import sweep_section
from bearcat.strength.sweep.report import make_sweep_report
from bearcat.strength.sweep.runs import Sweep
from bearcat.strength.trials import TrialResult
from tests.helpers.captchas import load_drawn, load_text, write_click
from tests.helpers.steps import read_report, run_ok, run_refused

COUNTS = {"train": 8, "validation": 3, "test": 12}


@pytest.fixture
def work(works: Path, latin_font: Path) -> Work:
    """A new work with a configuration of style "drawn", and no images."""
    run_ok("New_work.py", works, "swept")
    load_drawn(works / "swept", latin_font, characters="01234567", char_count=[3])
    return Work(works / "swept")


def run_sweep(work: Work, seconds: int, overrides: list[str]) -> Sweep:
    """Runs a sweep in this process."""
    settings = vars(load_settings(ROOT / "settings.py", work.settings_file, overrides)) | {"TRAIN_SECONDS": seconds}
    return runs.run_sweep(work, SimpleNamespace(**settings), overrides, Budget(None), print)


def test_a_program_learns_and_is_tested_on_generated_captchas(work: Work, monkeypatch: pytest.MonkeyPatch):
    for split, count in COUNTS.items():
        monkeypatch.setitem(images.COUNTS, split, count)
    monkeypatch.setattr(variants, "KEYS", {"drawn": ()})  # only the configuration as it is
    overrides = ["BACKBONE='tiny'", "EPOCHS=1", "MIN_EPOCH_STEPS=2"]
    monkeypatch.setattr(runs, "DRAWS", 1)
    part = make_sweep_report(work, run_sweep(work, 1, overrides))
    base = part["base"]
    assert (base["exact"] * COUNTS["test"]).is_integer()
    assert base["interval"][0] <= base["exact"] <= base["interval"][1]
    assert base["cpu_minutes"] > 0
    assert 0 < base["legibility"] < 1
    assert len(list_images(work.path / base["folder"])) == COUNTS["test"]
    assert str(sweep_section(part, work.path)).count("data:image/png;base64") == 1


def test_without_time_for_a_variant_the_report_says_so_and_keeps_its_other_parts(work: Work):
    printed = run_ok("strength.py", "--work", work.path, "--sweep", "--budget", 0.01)
    assert "42 trainings did not fit into 0.01 minutes: the same command continues" in printed
    report = read_report(work.path, "strength")
    assert (report["characters"], report["lengths"], report["verdict"]["level"]) == (8, [3, 3], "untested")
    assert report["sweep"]["base"] is None
    assert report["sweep"]["stopped"] in (work.path / "report" / "strength.html").read_text(encoding="utf-8")
    load_text(work.path, characters="01234", image_suffix="png")
    run_ok("strength.py", "--work", work.path, "--sweep", "--budget", 0.01)
    report = read_report(work.path, "strength")
    assert report["characters"] == 5, "a report of a sweep alone is about the configuration as it is now"
    tested = {"characters": 8, "images_tested": 77, "stopped": "of the other test"}
    work.report_file("strength").write_text(json.dumps(report | tested), encoding="utf-8")
    work.make_folders()
    Image.new("RGB", (40, 20)).save(work.data_folder("test") / "4321_0.png")
    printed = run_ok("strength.py", "--work", work.path, "--sweep", "--budget", 0.01)
    report = read_report(work.path, "strength")
    assert {key: report[key] for key in tested} == tested
    assert tested["stopped"] not in printed
    page = (work.path / "report" / "strength.html").read_text(encoding="utf-8")
    assert "4321" in page, "the images of the other test keep their labels"


def test_what_was_found_is_in_the_report_and_on_the_page(work: Work, monkeypatch: pytest.MonkeyPatch):
    load_text(work.path, characters="01234", char_count=[4], image_suffix="png")

    def pretend_trial(made: Work, labels: int, draw: int, overrides: list[str]) -> TrialResult:
        correct = 90 if made.path.name == "char_count-5" else 240
        return TrialResult(labels, draw, correct, images.COUNTS["test"], seconds=60.0, cpu_seconds=100.0)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_trial", pretend_trial)
        patch.setattr(variants, "KEYS", {"captcha": ("char_count",)})
        run_sweep(work, 60, [])  # the script finds these trials finished
    printed = run_ok("strength.py", "--work", work.path, "--sweep", "--budget", 0.01)
    found = (
        "A program that has learned from 50 labelled images reads 80 % of this captcha as it is now. The change that "
        "costs programs most is char_count = 5 (now 4): programs then read 30 %."
    ).replace(" %", "\N{NO-BREAK SPACE}%")
    assert found in printed
    assert "was not tested yet" not in printed
    sweep = read_report(work.path, "strength")["sweep"]
    assert [(one["key"], one["value"], one["draws"]) for one in sweep["best"][:2]] == [
        ("char_count", [5], 3),
        ("char_count", [6], 1),
    ]
    page = (work.path / "report" / "strength.html").read_text(encoding="utf-8")
    assert page.count(found) == 1, "as the answer, not in its section again"
    rows = 1 + len(sweep["variants"])
    assert page.count("data:image/png;base64") == rows + SHOWN_EXAMPLES


def test_captchas_of_another_kind_are_refused(work: Work):
    work.captcha_config_file.unlink()
    write_click(work.path)
    message = run_refused("strength.py", "--work", work.path, "--sweep")
    assert 'is of kind "click": --sweep varies captchas of kind "text" only' in message
