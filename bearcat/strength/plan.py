"""Which trials are run, in which order, when more labels are pointless, and how long they take."""

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bearcat.core.errors import SettingsError
from bearcat.strength.goals import GOALS, mean_interval
from bearcat.strength.trials import TrialResult

LABELS = (0, 10, 25, 50, 100, 200, 400)
DRAWS = 3
SURE_EXACT = GOALS[-1]  # exact match from which more labels would not change the answer
OVERHEAD = 60  # seconds that a trial takes besides TRAIN_SECONDS, before any was timed
MOST_SECONDS = 86_400  # of a training
UNTRAINED_SECONDS = 60  # of the trial without labels
TEST_SECONDS = 15  # of the test of a trial, which the seconds of its result leave out


@dataclass(frozen=True, order=True)
class Trial:
    """A training to be done: on which of the random choices of the labelled images, and on how many of them."""

    draw: int
    labels: int

    def describe(self) -> str:
        """Says what it is, as a line for the terminal."""
        return f"{self.labels} labels, draw {self.draw + 1}" if self.labels else "pretrained weights, no labels"


def plan_trials(pool: int) -> list[Trial]:
    """Lists the trials that a number of labelled images allows: all numbers of labels of a draw, then the next draw."""
    labels = [count for count in LABELS if count <= pool]
    # without labels there is nothing to choose
    return sorted(Trial(draw, count) for draw in range(DRAWS) for count in labels if count or not draw)


def find_sure(results: Sequence[TrialResult]) -> int | None:
    """Returns the smallest number of labels whose trials surely reach SURE_EXACT; None if none does."""
    labels = sorted({result.labels for result in results})
    return next((count for count in labels if _is_sure([one for one in results if one.labels == count])), None)


def _is_sure(results: Sequence[TrialResult]) -> bool:
    return mean_interval(results)[0] >= SURE_EXACT


def missing_trials(planned: Sequence[Trial], results: Sequence[TrialResult]) -> list[Trial]:
    """Returns the planned trials that have no result and could change the answer."""
    done = {(result.draw, result.labels) for result in results}
    sure = find_sure(results)
    return [
        trial for trial in planned if (trial.draw, trial.labels) not in done and (sure is None or trial.labels <= sure)
    ]


class Pace:
    """How long trials take: first by assumption, then as the last one took.

    Args:
        train_seconds: Duration of a training.
    """

    def __init__(self, train_seconds: float):
        self._train_seconds = train_seconds
        self._overhead: float = OVERHEAD

    def estimate(self, trials: Sequence[Trial]) -> float:
        """Returns the seconds that trials take."""
        return sum(self._train_seconds + self._overhead if trial.labels else UNTRAINED_SECONDS for trial in trials)

    def observe(self, trial: Trial, seconds: float) -> None:
        """Takes note of how long a trial took."""
        if trial.labels:
            self._overhead = max(0.0, seconds - self._train_seconds)

    def recall(self, results: Sequence[TrialResult]) -> None:
        """Takes note of how long the trials of earlier runs took."""
        for result in results:
            self.observe(Trial(result.draw, result.labels), result.seconds + TEST_SECONDS)


class Budget:
    """The time that trials may take, counted from now.

    Args:
        minutes: The limit; None for no limit.
    """

    def __init__(self, minutes: float | None):
        self.minutes = minutes
        self._started = time.monotonic()

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long would end in time."""
        return self.minutes is None or time.monotonic() - self._started + seconds <= 60 * self.minutes

    def refuse(self, left_out: str) -> str:
        """Says that something did not fit into it."""
        return f"{left_out} did not fit into {self.minutes:g} minute{'' if self.minutes == 1 else 's'}"


def parse_seconds(text: str) -> int:
    """Parses the duration of a training, as an argparse type; 0: as long as EPOCHS says."""
    if not text.isdecimal() or int(text) > MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds from 0 to {MOST_SECONDS}")
    return int(text)


def check_duration(overrides: Sequence[str]) -> None:
    """Raises SettingsError if the command line sets the duration of a training in another way than by --seconds."""
    for override in overrides:
        name, _, value = override.partition("=")
        if name.strip() == "TRAIN_SECONDS":
            raise SettingsError(
                f"--set {override}: the duration of each training is an option here: --seconds {value.strip()}"
            )


def parse_minutes(text: str) -> float:
    """Parses the time that trials may take, as an argparse type."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of minutes above 0")
    return minutes
