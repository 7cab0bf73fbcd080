"""The trials of a sweep: what each gets, what stays, that finished ones are kept, and that a budget ends it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import ROOT, Work
from bearcat.data.labels.listing import list_images
from bearcat.data.vocabulary import Vocabulary
from bearcat.settings_rules import load_settings
from bearcat.strength.plan import Budget
from bearcat.strength.sweep import images, runs
from bearcat.strength.sweep.images import FOLDER, LABELS, list_items
from bearcat.strength.sweep.runs import JOURNAL, Sweep, run_sweep
from bearcat.strength.sweep.variants import SCALES
from bearcat.strength.trials import TrialError, TrialResult
from bearcat.strength.wording import say_percent
from tests.helpers.captchas import load_drawn, load_text, write_click

VALUES = {"rotation": (0, 15, 30), "lines": (0, 3)}  # 15 and 3 are the base
NAMES = ["base", "rotation-30", "lines-0", "rotation-0"]
TRIALS = [("base", 0), ("base", 1), ("base", 2), *((name, 0) for name in NAMES[1:])]
COUNTS = {"train": 5, "validation": 2, "test": 4}
IMAGES = 400  # that each trial claims to have read
SECONDS = 7


class Trials:
    """Stands for `run_trial`: notes what each trial gets, and fails or is interrupted on request."""

    def __init__(self):
        self.run: list[tuple[str, int]] = []  # names and draws
        self.images: dict[tuple[str, int], dict[str, list[str]]] = {}
        self.overrides: list[list[str]] = []
        self.ends: dict[int, BaseException] = {}  # number of the trial → what ends it
        self.correct: dict[str, int] = {}  # name → images, 300 if it is missing

    def __call__(self, made: Work, labels: int, draw: int, overrides: list[str]) -> TrialResult:
        name = made.path.name
        if len(self.run) in self.ends:
            raise self.ends.pop(len(self.run))
        self.run.append((name, draw))
        self.overrides.append(overrides)
        folders = {split: made.data_folder(split) for split in COUNTS}
        self.images[name, draw] = {split: [one.name for one in list_images(path)] for split, path in folders.items()}
        self.characters = Vocabulary.load(made.vocabulary_file).characters
        return TrialResult(labels, draw, self.correct.get(name, 300), IMAGES, seconds=8.0, cpu_seconds=12.0)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Trials:
    trials = Trials()
    monkeypatch.setattr(runs, "run_trial", trials)
    for split, count in COUNTS.items():
        monkeypatch.setitem(images.COUNTS, split, count)
    for key, values in VALUES.items():
        monkeypatch.setitem(SCALES, key, replace(SCALES[key], values=lambda config, work, values=values: values))
    monkeypatch.setattr("bearcat.strength.sweep.variants.KEYS", {"drawn": tuple(VALUES)})
    return trials


@pytest.fixture
def work(tmp_path: Path, latin_font: Path) -> Work:
    work = Work(tmp_path / "work")
    work.path.mkdir()
    load_drawn(work.path, latin_font)
    work.settings_file.write_text("", encoding="utf-8")
    return work


@pytest.fixture
def sweep(work: Work) -> Callable[..., Sweep]:
    def sweep(minutes: float | None = None, echo: Callable = print, **settings: object) -> Sweep:
        values = vars(load_settings(ROOT / "settings.py", work.settings_file, [])) | {"TRAIN_SECONDS": SECONDS}
        return run_sweep(work, SimpleNamespace(**values | settings), ["LR=0.001"], Budget(minutes), echo)

    return sweep


def test_every_variant_has_a_trial_and_its_test_images_stay(work: Work, sweep: Callable, trials: Trials):
    swept = sweep()
    assert trials.run == TRIALS
    assert [one.variant.name for one in swept.measured] == NAMES
    assert [len(one.trials) for one in swept.measured] == [3, 1, 1, 1]
    assert trials.overrides[0] == ["LR=0.001", "MODE='ORDINARY'", f"TRAIN_SECONDS={SECONDS}"]
    assert all({split: len(names) for split, names in found.items()} == COUNTS for found in trials.images.values())
    for one in swept.measured:
        folder = work.folder(FOLDER) / one.variant.name
        assert [path.name for path in folder.iterdir()] == ["test_dataset"]
        assert {path.name for path in list_images(folder / "test_dataset")} == {name for name, _, _ in one.items}
        assert 0 < one.legibility < 1
    assert (swept.seconds, swept.stopped, swept.left_out) == (SECONDS, "", [])


def test_each_draw_learns_from_other_images_and_is_tested_on_the_same(sweep: Callable, trials: Trials):
    sweep()
    draws = [trials.images["base", draw] for draw in range(3)]
    assert draws[0]["test"] == draws[1]["test"] == draws[2]["test"]
    learned = [name for found in draws for split in ("train", "validation") for name in found[split]]
    assert len(set(learned)) == len(learned)
    assert not set(learned) & set(draws[0]["test"])


def test_the_changes_that_look_best_are_trained_again(sweep: Callable, trials: Trials, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runs, "REPEATED", 1)
    trials.correct = {"rotation-30": 100, "rotation-0": 200}
    swept = sweep()
    assert trials.run == [*TRIALS, ("rotation-30", 1), ("rotation-30", 2)]
    trials.correct = {}
    sweep()
    assert len(trials.run) == len(TRIALS) + 2, "the same ones, whatever their later trainings were"
    scores = {one.variant.name: one.scores() for one in swept.measured}
    assert (scores["rotation-30"]["draws"], scores["rotation-30"]["exact"]) == (3, 0.25)


def test_a_trial_is_told_the_characters_of_all_its_captchas(sweep: Callable, trials: Trials, work: Work):
    swept = sweep()
    last = swept.measured[-1].variant.config
    texts = [text for split in COUNTS for _, text, _ in list_items(last, split, 0)]
    assert set(trials.characters) - {""} == set().union(*texts)


def test_variants_show_the_same_texts_with_the_same_random_numbers(sweep: Callable, trials: Trials):
    base, *others = sweep().measured
    for other in others:
        assert [item[1:] for item in other.items] == [item[1:] for item in base.items]
        assert not {name for name, _, _ in other.items} & {name for name, _, _ in base.items}


def test_finished_trials_are_kept(sweep: Callable, trials: Trials):
    trials.ends[4] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        sweep()
    lines: list[str] = []
    swept = sweep(echo=lines.append)
    assert trials.run == TRIALS
    assert [len(one.trials) for one in swept.measured] == [3, 1, 1, 1]
    assert lines[0].startswith("Sweep: 6 trainings, 4 of them finished already: about ")


def test_a_work_that_was_moved_keeps_them(work: Work, sweep: Callable, trials: Trials, latin_font: Path):
    (work.path / "own.ttf").write_bytes(latin_font.read_bytes())
    load_drawn(work.path, Path("own.ttf"))
    before = sweep()
    moved = Work(work.path.rename(work.path.with_name("moved")))
    values = vars(load_settings(ROOT / "settings.py", moved.settings_file, [])) | {"TRAIN_SECONDS": SECONDS}
    after = run_sweep(moved, SimpleNamespace(**values), [], Budget(None), print)
    assert trials.run == TRIALS
    assert [one.items for one in after.measured] == [one.items for one in before.measured]


def failure() -> TrialError:
    return TrialError(LABELS, "no space left", Path("trial.txt"))


def test_a_trial_that_fails_is_told_and_the_others_go_on(sweep: Callable, trials: Trials):
    trials.ends[4] = failure()
    lines: list[str] = []
    swept = sweep(echo=lines.append)
    assert [one.variant.name for one in swept.measured] == ["base", "rotation-30", "rotation-0"]
    assert swept.stopped == "1 training failed, the first with “no space left”"
    assert lines[lines.index("  it failed: no space left") - 1].startswith("lines = 0 (2 left, ")
    assert lines[-1] == f"{swept.stopped}: the same command continues"
    assert sweep().stopped == ""
    assert sorted(trials.run) == sorted(TRIALS), "only what failed is done again"


def test_only_if_all_trainings_of_the_configuration_as_it_is_fail_there_is_no_report(
    sweep: Callable, trials: Trials, monkeypatch: pytest.MonkeyPatch
):
    trials.ends[0] = failure()
    swept = sweep()
    assert [len(one.trials) for one in swept.measured] == [2, 1, 1, 1]
    monkeypatch.setattr(runs, "run_trial", Mock(side_effect=failure()))
    with pytest.raises(TrialError, match="the trial with 50 labels failed: no space left"):
        sweep(LR=0.01)


def test_a_line_that_a_kill_cut_off_is_measured_again(work: Work, sweep: Callable, trials: Trials):
    sweep()
    journal = work.folder(FOLDER) / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-20])
    assert len(sweep().measured) == len(NAMES)
    assert trials.run == [*TRIALS, TRIALS[-1]]
    sweep()
    assert len(trials.run) == len(TRIALS) + 1


def test_other_settings_are_measured_again_and_both_are_kept(sweep: Callable, trials: Trials):
    for learning_rate in (0.001, 0.01, 0.001):
        sweep(LR=learning_rate)
    assert trials.run == TRIALS * 2


def test_a_changed_configuration_is_measured_again_on_its_own_images(
    work: Work, sweep: Callable, trials: Trials, latin_font: Path
):
    sweep()
    (work.folder(FOLDER) / "bend-1" / "test_dataset").mkdir(parents=True)
    load_drawn(work.path, latin_font, dots=0.2)
    swept = sweep()
    assert trials.run == TRIALS * 2
    for one in swept.measured:
        found = list_images(work.folder(FOLDER) / one.variant.name / "test_dataset")
        assert {path.name for path in found} == {name for name, _, _ in one.items}
    assert sorted(path.name for path in work.folder(FOLDER).glob("*/")) == sorted(NAMES)


def test_deleted_test_images_are_made_again(work: Work, sweep: Callable, trials: Trials):
    found = list_images(work.folder(FOLDER) / sweep().measured[1].variant.name / "test_dataset")
    before = [path.read_bytes() for path in found]
    for path in found[1:]:
        path.unlink()
    sweep()
    assert [path.read_bytes() for path in found] == before


def test_a_budget_ends_it_and_says_what_is_missing(sweep: Callable, trials: Trials, monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(0, 10_000, 30))  # seconds; each trial takes 30
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    lines: list[str] = []
    swept = sweep(6, echo=lines.append)
    assert TRIALS[:3] == trials.run[:3]
    missing = len(TRIALS) - len(trials.run)
    assert 0 < missing < 3
    assert swept.stopped == f"{missing} training{'s' * (missing > 1)} did not fit into 6 minutes"
    assert lines[-1] == f"{swept.stopped}: the same command continues"
    assert [one.variant.name for one in swept.measured] == NAMES[: len(trials.run) - 2]


def test_the_time_is_said_before_it_begins(sweep: Callable, trials: Trials):
    lines: list[str] = []
    sweep(echo=lines.append)
    assert lines[0] == (
        "Sweep: 6 trainings: about 7 minutes. The 3 changes that look best are then trained 3 times, as the "
        "configuration as it is"
    )
    assert lines[1].startswith("the configuration as it is (3 left, about ")
    assert lines[2] == f"  exact match with {LABELS} labels: {say_percent(0.75)}"
    assert lines[3].startswith("the configuration as it is, draw 2 (2 left, ")
    assert lines[7].startswith("rotation = 30 (3 left, ")


def test_other_kinds_and_modes_are_refused(work: Work, sweep: Callable, trials: Trials):
    with pytest.raises(SettingsError, match="MODE = 'NUM_CLASSES' predicts no texts"):
        sweep(MODE="NUM_CLASSES")
    work.captcha_config_file.unlink()
    write_click(work.path)
    with pytest.raises(SettingsError, match='is of kind "click": --sweep varies captchas of kind "text" only'):
        sweep()
    assert trials.run == []


def test_the_legibility_of_style_captcha_is_unknown(work: Work, sweep: Callable, trials: Trials, monkeypatch):
    monkeypatch.setattr("bearcat.strength.sweep.variants.KEYS", {"captcha": ("char_count",)})
    load_text(work.path)
    swept = sweep()
    assert {one.legibility for one in swept.measured} == {None}
    assert [one.variant.value for one in swept.measured] == [None, (5, 6), (6, 7), (3, 4)]
