"""The contents of report/strength.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bearcat.core.files import read_json
from bearcat.core.intervals import wilson_interval
from bearcat.core.workspace import Work
from bearcat.strength.cost import cpu_minutes, person_minutes, seconds_per_label
from bearcat.strength.goals import GOALS, Goal, Rung, find_goal, make_rungs
from bearcat.strength.samples import Case
from bearcat.strength.trials import TrialResult
from bearcat.strength.verdict import Evidence, make_verdict


@dataclass(frozen=True)
class Facts:
    """What was tested.

    Args:
        mode: The value of MODE.
        characters: The number of characters in the labels.
        lengths: The lengths of the shortest and the longest label.
        images_tested: The number of unseen images that every trial was tested on.
        pool: The number of labelled images that trials could learn from.
        train_seconds: TRAIN_SECONDS of a trial; 0: as long as EPOCHS says.
        case: What upper and lower case count as.
    """

    mode: str
    characters: int
    lengths: tuple[int, int]
    images_tested: int
    pool: int
    train_seconds: int = 0
    case: Case = Case.NONE


@dataclass(frozen=True)
class ReaderScore:
    """What an off-the-shelf reader, such as tesseract, reads."""

    name: str
    correct: int
    images: int

    @property
    def exact(self) -> float:
        """The exact match, 0 … 1."""
        return self.correct / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the exact match."""
        return wilson_interval(self.correct, self.images)


def read_report(work: Work) -> dict[str, Any]:
    """Returns the contents of a work's report/strength.json; {} if there is none or it is damaged."""
    try:
        found = read_json(work.report_file("strength"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def make_report(
    facts: Facts,
    trials: Sequence[TrialResult],
    readers: Sequence[ReaderScore] = (),
    people: Mapping[str, Any] | None = None,
    stopped: str = "",
    sweep: Mapping[str, Any] | None = None,
    missing_readers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Returns the contents of report/strength.json.

    Args:
        facts: What was tested.
        trials: The finished trials; may be empty.
        readers: What off-the-shelf readers read.
        people: What people read: the fields of `HumanScores`.
        stopped: Why trials are missing; '' if none is.
        sweep: The result of a sweep.
        missing_readers: Off-the-shelf readers that were not tested → why, such as "is not installed".
    """
    rungs, typing = make_rungs(trials), seconds_per_label(people)
    return {
        "mode": facts.mode,
        "characters": facts.characters,
        "lengths": list(facts.lengths),
        "images_tested": facts.images_tested,
        "pool": facts.pool,
        "train_seconds": facts.train_seconds,
        "case": facts.case,
        "trials": [trial.as_dict() | {"exact": trial.exact} for trial in trials],
        "rungs": [_rung(rung, typing.value) for rung in rungs],
        "goals": [_goal(find_goal(exact, rungs), typing.value) for exact in GOALS],
        "readers": [asdict(reader) | {"exact": reader.exact, "interval": list(reader.interval)} for reader in readers],
        "missing_readers": dict(missing_readers or {}),
        "seconds_per_label": asdict(typing),
        "people": dict(people) if people else None,
        "stopped": stopped,
        "verdict": make_verdict(Evidence(rungs, readers), people, typing.value),
        "sweep": dict(sweep) if sweep else None,
    }


def _rung(rung: Rung, seconds: float) -> dict[str, Any]:
    return {
        "labels": rung.labels,
        "draws": rung.draws,
        "exact": rung.exact,
        "interval": list(rung.interval),
        **_costs(rung, seconds),
    }


def _goal(goal: Goal, seconds: float) -> dict[str, Any]:
    costs = _costs(goal.rung, seconds) if goal.rung else {"cpu_minutes": None, "person_minutes": None}
    return {
        "exact": goal.exact,
        "labels": goal.rung.labels if goal.rung else None,
        "interval": [goal.above, goal.enough],
        **costs,
    }


def _costs(rung: Rung, seconds: float) -> dict[str, float]:
    return {
        "cpu_minutes": cpu_minutes(rung.cpu_seconds),
        "person_minutes": person_minutes(rung.labels, seconds),
    }
