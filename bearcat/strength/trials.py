"""A trial: a training on a few labels and its test, in a work and a process of its own."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import SimpleNamespace

from bearcat.core.errors import BearcatError
from bearcat.core.files import check_types, read_json
from bearcat.core.names import show_name
from bearcat.core.workspace import RUN_FOLDERS, Work
from bearcat.data.decoding.restrictions import Restriction
from bearcat.labelling.background.process import BackgroundProcess
from bearcat.labelling.background.scratch import SETTINGS

REPORT = "trial"  # what the process of a trial writes, in the work's reports
OUTPUT = "trial.txt"  # what it prints, in the same folder


class TrialError(BearcatError):
    """A trial failed.

    Args:
        labels: The number of its labelled images.
        reason: The last line that it printed.
        output: The file of all that it printed.
    """

    def __init__(self, labels: int, reason: str, output: Path):
        super().__init__(f"the trial with {labels} labels failed: {reason}\nAll that it printed: {show_name(output)}")
        self.reason = reason


@dataclass(frozen=True)
class TrialResult:
    """What a trial has measured.

    Args:
        labels: The number of labelled images that were used, those for validation included; 0: the pretrained weights.
        draw: The number of the random choice of these images, from 0.
        correct: The number of test images with an exact match.
        images: The number of test images.
        seconds: Duration until the model was saved.
        cpu_seconds: The processor time that this took.
    """

    labels: int
    draw: int
    correct: int
    images: int
    seconds: float
    cpu_seconds: float

    @property
    def exact(self) -> float:
        """The exact match, 0 … 1."""
        return self.correct / self.images

    def as_dict(self) -> dict[str, float]:
        """Returns the result as journals have it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: dict) -> "TrialResult":
        """Returns the result that `as_dict` describes, whatever else the dict has.

        Raises:
            KeyError: A field is missing.
            TypeError: A field has a wrong type.
        """
        result = cls(**{field.name: found[field.name] for field in fields(cls)})
        check_types(result)
        return result


def fixed_settings(settings: SimpleNamespace, overrides: Sequence[str]) -> list[str]:
    """Returns the settings NAME=VALUE of a trial: those of the command line, MODE and TRAIN_SECONDS.

    MODE is among them so that the checks of few images do not choose another one.
    """
    return [*overrides, *(f"{name}={getattr(settings, name)!r}" for name in ("MODE", "TRAIN_SECONDS"))]


def run_trial(made: Work, labels: int, draw: int, overrides: Sequence[str]) -> TrialResult:
    """Trains, saves and tests in a work whose three data sets are in place, in a process of its own.

    Args:
        made: The work; what an interrupted trial has left in it is removed.
        labels: The number of labelled images in its train_dataset and validation_dataset.
        draw: The number of their random choice.
        overrides: Settings of `fixed_settings`; those that every trial needs are added.

    Raises:
        TrialError: It failed.
    """
    for name in RUN_FOLDERS:
        shutil.rmtree(made.folder(name), ignore_errors=True)
    settings = [*overrides, *(f"{name}={value!r}" for name, value in SETTINGS.items())]
    return _run(made, labels, draw, "trained", [str(made.path), *settings])


def run_untrained(made: Work, told: Restriction, build: str, load: str, overrides: Sequence[str]) -> TrialResult:
    """Tests the pretrained weights, which get no labels but are told which texts to expect, in a process of its own.

    Args:
        made: A work whose test_dataset is in place.
        told: The texts to expect.
        build: Import path of the builder of networks, `models.build_for`.
        load: Import path of what loads a model, `utils.Predict_Image`.
        overrides: Settings of `fixed_settings`.

    Raises:
        TrialError: It failed.
    """
    arguments = [str(made.path), told.characters, told.length, build, load]
    return _run(made, 0, 0, "untrained", [*arguments, *overrides])


def _run(made: Work, labels: int, draw: int, module: str, arguments: Sequence[str]) -> TrialResult:
    output = made.folder("report") / OUTPUT
    process = BackgroundProcess(f"{__package__}.readers.{module}", arguments, output, is_urgent=True)
    try:
        process.wait()
        if not process.succeeded:
            raise TrialError(labels, process.last_line(), output)
    finally:
        process.stop()
    return TrialResult.from_dict({"labels": labels, "draw": draw, **read_json(made.report_file(REPORT))})
