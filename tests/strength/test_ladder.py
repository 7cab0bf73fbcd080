"""The order of trials, what stops them, and what the next run keeps; the trials themselves are false ones."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.core.errors import BearcatError
from bearcat.core.workspace import Work, create_work
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import LabelledImage
from bearcat.strength import ladder
from bearcat.strength.ladder import Ladder, TrialSettings
from bearcat.strength.plan import Budget
from bearcat.strength.samples import Samples
from bearcat.strength.trials import TrialError, TrialResult
from bearcat.strength.wording import say_percent

IMAGES = 200
Correct = Callable[[int, int], int]  # labels, draw → the number of correct images


@pytest.fixture
def work(tmp_path: Path) -> Work:
    work = create_work(tmp_path, "work", activate=False)
    work.make_folders()
    return work


@pytest.fixture
def run() -> list[tuple[int, int]]:
    """The trials that were run: labels and draw."""
    return []


def make_ladder(work: Work, pool: int = 30, seconds: int = 60) -> Ladder:
    items = []
    for number in range(pool + 1):
        path = work.data_folder("train") / f"{number}.png"
        if not path.exists():
            path.touch()
        items.append(LabelledImage(path, str(number)))
    settings = SimpleNamespace(MODE="CTC", SEED=0, TRAIN_SECONDS=seconds)
    how = TrialSettings(settings, ["LR=0.01"], "models.build_for", "utils.Predict_Image")
    return Ladder(work, Samples(items[:-1], items[-1:]), how)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch, run: list) -> Callable[[Correct], None]:
    """A function that has trials return how many images a function says."""

    def pretend(correct: Correct) -> None:
        def result(labels: int, draw: int) -> TrialResult:
            run.append((labels, draw))
            return TrialResult(labels, draw, correct(labels, draw), IMAGES, 70.0, 100.0)

        def run_trial(made: Work, labels: int, draw: int, overrides: list[str]) -> TrialResult:
            assert overrides == ["LR=0.01", "MODE='CTC'", "TRAIN_SECONDS=60"]
            assert sum(len(list_images(made.data_folder(split))) for split in ("train", "validation")) == labels
            assert len(list_images(made.data_folder("test"))) == 1
            return result(labels, draw)

        def run_untrained(made: Work, told, build: str, load: str, overrides: list[str]) -> TrialResult:
            assert (told.characters, build, load) == ("0123456789", "models.build_for", "utils.Predict_Image")
            return result(0, 0)

        monkeypatch.setattr(ladder, "run_trial", run_trial)
        monkeypatch.setattr(ladder, "run_untrained", run_untrained)

    return pretend


def test_trials_are_run_in_order_and_their_works_deleted(work: Work, run: list, pretend: Callable):
    pretend(lambda labels, draw: labels)
    lines: list[str] = []
    made = make_ladder(work)
    assert made.run(Budget(None), lines.append) == "more labels were not tried, since only 30 images have one"
    assert run == [(0, 0), (10, 0), (25, 0), (10, 1), (25, 1), (10, 2), (25, 2)]
    assert [(result.labels, result.draw) for result in made.results] == run
    assert [path.name for path in (work.folder("report") / "strength").iterdir()] == ["trials.jsonl"]
    assert lines[:4] == [
        "Trial 1 of at most 7: pretrained weights, no labels",
        f"0 of 200 unseen images read ({say_percent(0)}), 1.7 minutes of a processor",
        "Trial 2 of at most 7: 10 labels, draw 1",
        f"10 of 200 unseen images read ({say_percent(0.05)}), 1.7 minutes of a processor",
    ]


def test_the_next_run_continues(work: Work, run: list, pretend: Callable):
    def fail_late(labels: int, draw: int) -> int:
        if draw == 1:
            raise BearcatError("the trial failed")
        return labels

    pretend(fail_late)
    with pytest.raises(BearcatError):
        make_ladder(work).run(Budget(None), str)
    run.clear()
    pretend(lambda labels, draw: labels)
    again = make_ladder(work)
    assert [result.labels for result in again.results] == [0, 10, 25]
    # each took 70 seconds, without its test
    estimate = f"4 trials (3 are finished already): about 6 minutes, less if {say_percent(0.9)} is surely reached"
    assert again.estimate().startswith(estimate)
    again.run(Budget(None), str)
    assert run == [(10, 1), (25, 1), (10, 2), (25, 2)]
    assert make_ladder(work).estimate() == "All 7 trials are finished already"


def test_other_settings_or_images_start_anew(work: Work, pretend: Callable):
    pretend(lambda labels, draw: labels)
    make_ladder(work).run(Budget(None), str)
    assert make_ladder(work, seconds=10).results == []
    assert make_ladder(work, pool=31).results == []
    assert len(make_ladder(work).results) == 7


def test_no_trial_starts_that_would_not_fit_into_the_budget(work: Work, run: list, pretend: Callable):
    pretend(lambda labels, draw: labels)
    assert make_ladder(work).run(Budget(1.5), str) == "6 trials did not fit into 1.5 minutes"
    assert run == [(0, 0)]  # which takes about a minute, the next one about two


def test_more_labels_are_not_tried_once_some_surely_suffice(work: Work, run: list, pretend: Callable):
    pretend(lambda labels, draw: 198 if labels else 0)
    reason = f"more labels were not tried, since Bearcat, trained on 10 labels, surely reads {say_percent(0.9)}"
    assert make_ladder(work).run(Budget(None), str) == reason
    assert run == [(0, 0), (10, 0), (10, 1), (10, 2)]


def test_no_labels_are_tried_if_none_are_needed(work: Work, run: list, pretend: Callable):
    pretend(lambda labels, draw: 198)
    reason = f"more labels were not tried, since Bearcat, not trained, surely reads {say_percent(0.9)}"
    assert make_ladder(work).run(Budget(None), str) == reason
    assert run == [(0, 0)]


def test_a_failed_trial_is_left_out_and_tried_again_by_the_next_run(work: Work, run: list, pretend: Callable):
    pretend(fail((10, 0), (25, 1)))
    lines: list[str] = []
    made = make_ladder(work)
    assert made.run(Budget(None), lines.append) == (
        "2 trials failed, the first (10 labels, draw 1) with “all labels are the same”; "
        "more labels were not tried, since only 30 images have one"
    )
    assert "It failed: all labels are the same" in lines
    assert [(result.labels, result.draw) for result in made.results] == [(0, 0), (25, 0), (10, 1), (10, 2), (25, 2)]
    run.clear()
    pretend(lambda labels, draw: labels)
    make_ladder(work).run(Budget(None), str)
    assert run == [(10, 0), (25, 1)]


def test_if_all_trials_fail_the_last_failure_is_the_error(work: Work, run: list, pretend: Callable):
    pretend(fail(*((labels, draw) for labels in (0, 10, 25) for draw in range(3))))
    with pytest.raises(TrialError, match="the trial with 25 labels failed: all labels are the same"):
        make_ladder(work).run(Budget(None), str)
    assert len(run) == 7


def fail(*trials: tuple[int, int]) -> Correct:
    """Returns a function for `pretend` with which these trials fail."""

    def correct(labels: int, draw: int) -> int:
        if (labels, draw) in trials:
            raise TrialError(labels, "all labels are the same", Path("trial.txt"))
        return labels

    return correct


def test_all_trials_need_no_explanation(work: Work, pretend: Callable):
    pretend(lambda labels, draw: 0)
    made = make_ladder(work, pool=400)
    assert made.run(Budget(None), str) == ""
    assert len(made.results) == 19
