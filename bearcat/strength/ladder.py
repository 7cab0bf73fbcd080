"""Runs the trials of a work, one after the other, and keeps their results for the next run."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from bearcat.core.workspace import Work
from bearcat.reports.html import plural
from bearcat.strength.journal import Journal
from bearcat.strength.plan import LABELS, SURE_EXACT, Budget, Pace, Trial, find_sure, missing_trials, plan_trials
from bearcat.strength.samples import Samples, digest_of, draw_labelled, make_trial_work
from bearcat.strength.trials import TrialError, TrialResult, fixed_settings, run_trial, run_untrained
from bearcat.strength.wording import say_minutes, say_percent

FOLDER = "strength"  # in report
JOURNAL, TRIAL_WORK = "trials.jsonl", "trial"  # in FOLDER
Echo = Callable[[str], object]


@dataclass(frozen=True)
class TrialSettings:
    """How trials are run.

    Args:
        settings: The settings of the work, with the TRAIN_SECONDS of a trial.
        overrides: Those of them that were set on the command line, NAME=VALUE.
        build: Import path of the builder of networks, `models.build_for`.
        load: Import path of what loads a model, `utils.Predict_Image`.
    """

    settings: SimpleNamespace
    overrides: Sequence[str]
    build: str
    load: str


class Ladder:
    """The trials of a work: ever more labels, in several draws.

    Attributes:
        results: The results so far, those of earlier runs with the same settings and images included.

    Args:
        work: The work.
        samples: Its images.
        how: How trials are run.
    """

    def __init__(self, work: Work, samples: Samples, how: TrialSettings):
        self._work, self._samples, self._how = work, samples, how
        self._folder = work.folder("report") / FOLDER
        self._journal = Journal(self._folder / JOURNAL)
        self._digest = digest_of(work, samples, vars(how.settings))
        self._planned = plan_trials(len(samples.pool))
        self._pace = Pace(how.settings.TRAIN_SECONDS)
        finished = (self._journal.find(self._key(trial)) for trial in self._planned)
        self.results = [result for result in finished if result]
        self._pace.recall(self.results)
        self._failed: dict[Trial, TrialError] = {}

    @property
    def missing(self) -> list[Trial]:
        """The trials to be run, in order; without those that have failed."""
        return [trial for trial in missing_trials(self._planned, self.results) if trial not in self._failed]

    def estimate(self) -> str:
        """Returns a line about the time that the missing trials take."""
        missing, done = self.missing, len(self.results)
        if not missing:
            return f"All {done} trials are finished already"
        kept = f" ({done} are finished already)" if done else ""
        return (
            f"{plural(len(missing), 'trial')}{kept}: about {say_minutes(self._pace.estimate(missing) / 60)}, less if "
            f"{say_percent(SURE_EXACT)} is surely reached before. Each finished one is kept: the same command continues"
        )

    def run(self, budget: Budget, echo: Echo) -> str:
        """Runs the missing trials; those that fail are left out, and the next run tries them again.

        Args:
            budget: The time that they may take.
            echo: Prints a line.

        Returns:
            Why trials are missing at the end; '' if none is.

        Raises:
            TrialError: All failed.
        """
        number = 0
        while missing := self.missing:
            if not budget.allows(self._pace.estimate(missing[:1])):
                break
            number += 1
            echo(f"Trial {number} of at most {number + len(missing) - 1}: {missing[0].describe()}")
            try:
                echo(self._describe(self._run(missing[0])))
            except TrialError as error:
                self._failed[missing[0]] = error
                echo(f"It failed: {error.reason}")
        if self._failed and not self.results:
            raise list(self._failed.values())[-1]
        rest = budget.refuse(plural(len(missing), "trial")) if missing else self._explain()
        return "; ".join(filter(None, (self._describe_failures(), rest)))

    def _run(self, trial: Trial) -> TrialResult:
        started, how, samples = time.monotonic(), self._how, self._samples
        labelled = draw_labelled(samples.pool, trial.labels, trial.draw, how.settings.SEED)
        made = make_trial_work(self._work, self._folder / TRIAL_WORK, samples, labelled)
        overrides = fixed_settings(how.settings, how.overrides)
        if trial.labels:
            result = run_trial(made, trial.labels, trial.draw, overrides)
        else:
            result = run_untrained(made, samples.told(), how.build, how.load, overrides)
        self._journal.add(self._key(trial), result)
        self.results.append(result)
        shutil.rmtree(made.path)
        self._pace.observe(trial, time.monotonic() - started)
        return result

    def _describe(self, result: TrialResult) -> str:
        return (
            f"{result.correct} of {result.images} unseen images read ({say_percent(result.exact)}), "
            f"{say_minutes(result.cpu_seconds / 60)} of a processor"
        )

    def _describe_failures(self) -> str:
        """Returns how many trials failed, and why the first did; '' if none."""
        if not self._failed:
            return ""
        trial, error = next(iter(self._failed.items()))
        return f"{plural(len(self._failed), 'trial')} failed, the first ({trial.describe()}) with “{error.reason}”"

    def _explain(self) -> str:
        """Returns why there are no trials with more labels; '' if there are all."""
        largest = max(trial.labels for trial in self._planned)
        sure = find_sure(self.results)
        if sure is not None and sure < largest:
            who = f"trained on {sure} labels" if sure else "not trained"
            return f"more labels were not tried, since Bearcat, {who}, surely reads {say_percent(SURE_EXACT)}"
        if largest < LABELS[-1]:
            return f"more labels were not tried, since only {len(self._samples.pool)} images have one"
        return ""

    def _key(self, trial: Trial) -> str:
        return f"{self._digest}-{trial.labels}-{trial.draw}"
