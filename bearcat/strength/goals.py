"""How many labels a reader needs to read a given part of the unseen images."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from bearcat.core.intervals import wilson_interval
from bearcat.strength.trials import TrialResult

GOALS = (0.01, 0.1, 0.5, 0.9)  # exact match
NORMAL = 1.959964  # quantile of a 95 % interval
STUDENT = {2: 12.706, 3: 4.303}  # draws → the same of Student's t with one degree of freedom less


@dataclass(frozen=True)
class Rung:
    """The trials with one number of labels.

    Args:
        labels: The number of labelled images that each learned from.
        draws: The number of trials, each with images of its own choice.
        exact: The mean of their exact matches.
        interval: The 95 % interval of that mean.
        cpu_seconds: The mean of their processor times.
        images: The number of images that each was tested on.
    """

    labels: int
    draws: int
    exact: float
    interval: tuple[float, float]
    cpu_seconds: float
    images: int


@dataclass(frozen=True)
class Goal:
    """An exact match, and the tested number of labels that reaches it.

    Args:
        exact: The exact match.
        rung: The rung with the fewest labels whose mean reaches it; None if none does.
        above: The most labels, fewer than those of `rung`, that surely fall short; None if none does.
        enough: The fewest labels that surely reach it; None if none does.
    """

    exact: float
    rung: Rung | None
    above: int | None
    enough: int | None


def make_rungs(trials: Sequence[TrialResult]) -> list[Rung]:
    """Returns a rung for each number of labels, fewest first."""
    by_labels: dict[int, list[TrialResult]] = defaultdict(list)
    for trial in trials:
        by_labels[trial.labels].append(trial)
    return [_make_rung(labels, by_labels[labels]) for labels in sorted(by_labels)]


def _make_rung(labels: int, trials: Sequence[TrialResult]) -> Rung:
    exact, images = fmean(trial.exact for trial in trials), min(trial.images for trial in trials)
    cpu_seconds = fmean(trial.cpu_seconds for trial in trials)
    return Rung(labels, len(trials), exact, mean_interval(trials), cpu_seconds, images)


def mean_interval(trials: Sequence[TrialResult]) -> tuple[float, float]:
    """Returns the 95 % interval of the mean exact match of trials with the same number of labels.

    It is Wilson's interval of that mean for the images of one trial, since all trials are tested on the same images.
    If the trials differ by more than the choice of test images explains, the number of images is reduced until their
    variance is that of the images and of the draws together (Kish's effective sample size).
    """
    exact, images = fmean(trial.exact for trial in trials), min(trial.images for trial in trials)
    sampling = exact * (1 - exact) / images
    effective: float = images
    if len(trials) > 1 and sampling:
        between = max(0.0, variance(trial.exact for trial in trials) - sampling) / len(trials)
        effective *= sampling / (sampling + between * (STUDENT[len(trials)] / NORMAL) ** 2)
    return wilson_interval(exact * effective, effective)


def find_goal(exact: float, rungs: Sequence[Rung]) -> Goal:
    """Finds the numbers of labels that reach an exact match.

    Args:
        exact: The exact match.
        rungs: The rungs tested, fewest labels first. Nothing is said of numbers between or beyond them.
    """
    reached = next((rung for rung in rungs if rung.exact >= exact), None)
    below = [
        rung.labels for rung in rungs if rung.interval[1] < exact and (not reached or rung.labels < reached.labels)
    ]
    enough = next((rung.labels for rung in rungs if rung.interval[0] >= exact), None)
    return Goal(exact, reached, max(below, default=None), enough)
