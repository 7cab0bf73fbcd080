"""What a trial starts, and what it returns; the processes themselves are tested in tests/pipeline/test_strength.py."""

from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from bearcat.core.errors import BearcatError
from bearcat.core.files import write_json
from bearcat.core.workspace import Work
from bearcat.data.decoding.restrictions import Restriction
from bearcat.labelling.background.scratch import SETTINGS
from bearcat.strength import trials
from bearcat.strength.trials import TrialResult, fixed_settings, run_trial, run_untrained

MEASURED = {"correct": 3, "images": 20, "seconds": 60.5, "cpu_seconds": 100.25}


class FakeProcess:
    """Stands for the process of a trial; it writes what a trial has measured."""

    started: ClassVar[list["FakeProcess"]] = []
    succeeded = True

    def __init__(self, module: str, arguments: list[str], output: Path, is_urgent: bool):
        self.module, self.arguments, self.is_stopped = module, arguments, False
        assert is_urgent
        write_json(output.with_name("trial.json"), MEASURED)
        self.started.append(self)

    def wait(self) -> None:
        pass

    def stop(self) -> None:
        self.is_stopped = True

    def last_line(self) -> str:
        return "pack_dataset.py: all labels are the same"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeProcess]:
    monkeypatch.setattr(FakeProcess, "started", [])
    monkeypatch.setattr(trials, "BackgroundProcess", FakeProcess)
    return FakeProcess.started


@pytest.fixture
def made(tmp_path: Path) -> Work:
    made = Work(tmp_path / "trial")
    made.make_folders()
    return made


def test_a_trial_runs_in_a_process_under_the_settings_that_trials_need(made: Work, started: list[FakeProcess]):
    overrides = ["LR=0.001", "TRAIN_SECONDS=5"]
    assert run_trial(made, 10, 2, overrides) == TrialResult(10, 2, 3, 20, 60.5, 100.25)
    (process,) = started
    assert process.module == "bearcat.strength.readers.trained"
    assert process.arguments[:3] == [str(made.path), *overrides]
    assert dict(one.split("=") for one in process.arguments[3:]).keys() == SETTINGS.keys()
    assert process.is_stopped


def test_what_an_interrupted_trial_has_left_is_removed(made: Work, started: list[FakeProcess]):
    (made.folder("checkpoint") / "epoch_001.keras").touch()
    (made.data_folder("train") / "ab_1.png").touch()
    run_trial(made, 10, 0, [])
    assert not made.folder("checkpoint").exists()
    assert (made.data_folder("train") / "ab_1.png").exists()


def test_the_pretrained_weights_are_told_what_to_expect(made: Work, started: list[FakeProcess]):
    result = run_untrained(made, Restriction("0123", "2-3"), "models.build_for", "utils.Predict_Image", ["MODE='CTC'"])
    assert (result.labels, result.draw, result.correct) == (0, 0, 3)
    (process,) = started
    assert process.module == "bearcat.strength.readers.untrained"
    expected = [str(made.path), "0123", "2-3", "models.build_for", "utils.Predict_Image", "MODE='CTC'"]
    assert process.arguments == expected


def test_a_failed_trial_says_why(made: Work, started: list[FakeProcess], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(FakeProcess, "succeeded", False)
    with pytest.raises(BearcatError) as error:
        run_trial(made, 10, 0, [])
    first, second = str(error.value).splitlines()
    assert first == "the trial with 10 labels failed: pack_dataset.py: all labels are the same"
    assert second.endswith(str(made.folder("report") / "trial.txt"))
    assert started[0].is_stopped


def test_an_interrupted_trial_is_stopped(made: Work, started: list[FakeProcess], monkeypatch: pytest.MonkeyPatch):
    def interrupt(process: FakeProcess) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeProcess, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_trial(made, 10, 0, [])
    assert started[0].is_stopped


def test_mode_and_duration_override_the_command_line():
    settings = SimpleNamespace(MODE="CTC", TRAIN_SECONDS=60, LR=0.001)
    assert fixed_settings(settings, ["TRAIN_SECONDS=5"]) == ["TRAIN_SECONDS=5", "MODE='CTC'", "TRAIN_SECONDS=60"]


def test_a_result_is_the_same_after_a_journal():
    result = TrialResult(10, 1, 3, 20, 60.5, 100.25)
    assert TrialResult.from_dict({**result.as_dict(), "digest": "a"}) == result
    assert result.exact == 0.15
    with pytest.raises(KeyError, match="draw"):
        TrialResult.from_dict(MEASURED | {"labels": 10})
    with pytest.raises(TypeError, match="correct must be int"):
        TrialResult.from_dict(result.as_dict() | {"correct": "3"})
