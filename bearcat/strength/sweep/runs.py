"""The trials of a sweep: one or several for each variant, in a work of its own; the next run keeps finished ones."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import SimpleNamespace
from typing import Any

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import Work
from bearcat.generation.config import CaptchaConfig, load_captcha_config
from bearcat.generation.generate import Item
from bearcat.reports.html import plural
from bearcat.strength.goals import mean_interval
from bearcat.strength.journal import Journal
from bearcat.strength.plan import Budget, Pace, Trial
from bearcat.strength.samples import DIGEST_BYTES, check_mode, tell_characters, toolkit_state
from bearcat.strength.sweep.images import (
    COUNTS,
    FOLDER,
    LABELS,
    keep_test_images,
    make_variant_images,
    remove_others,
    work_of,
)
from bearcat.strength.sweep.legibility import legibility
from bearcat.strength.sweep.ranking import identity, is_harder, rank_variants
from bearcat.strength.sweep.variants import LeftOut, Variant, as_json, plan_sweep
from bearcat.strength.trials import TrialError, TrialResult, fixed_settings, run_trial
from bearcat.strength.wording import say_minutes, say_percent

JOURNAL = "results.jsonl"
DRAWS = 3  # trainings of the configuration as it is, and of the changes that look best, each on other images
REPEATED = 3  # changes that look best
SCORED = 50  # of the test images, for the legibility
Job = tuple[Variant, int]  # the variant and the draw of a trial


@dataclass(frozen=True)
class Measured:
    """What the trials of a variant have measured.

    Args:
        variant: The variant.
        items: Its test images, the same ones for all trials.
        trials: The results of the trials.
        legibility: That of the images, from 0 to 1; None if it is not known.
    """

    variant: Variant
    items: Sequence[Item]
    trials: Sequence[TrialResult]
    legibility: float | None

    def scores(self) -> dict[str, Any]:
        """Returns the figures that variants are compared by, as reports have them."""
        return {
            "key": self.variant.key,
            "value": as_json(self.variant.value),
            "draws": len(self.trials),
            "exact": fmean(trial.exact for trial in self.trials),
            "interval": list(mean_interval(self.trials)),
            "legibility": self.legibility,
        }


@dataclass(frozen=True)
class Sweep:
    """What a sweep has measured so far.

    Args:
        config: The configuration that was varied.
        seconds: Duration of each training.
        measured: The results, that of the configuration as it is first.
        left_out: The values that were not tried.
        stopped: Why results are missing; '' if none is.
    """

    config: CaptchaConfig
    seconds: float
    measured: Sequence[Measured]
    left_out: Sequence[LeftOut]
    stopped: str


def load_swept_config(work: Work, settings: SimpleNamespace) -> CaptchaConfig:
    """Reads the configuration to vary; raises SettingsError if it or the mode allows no sweep."""
    check_mode(settings)
    config = load_captcha_config(work.captcha_config_file)
    if config.kind != CaptchaConfig.kind:
        raise SettingsError(
            f'{work.captcha_config_file} is of kind "{config.kind}": --sweep varies captchas of kind '
            f'"{CaptchaConfig.kind}" only'
        )
    return config


def run_sweep(
    work: Work, settings: SimpleNamespace, overrides: Sequence[str], budget: Budget, echo: Callable[[str], None]
) -> Sweep:
    """Trains on each variant of the work's generated captchas, and tests on unseen images of the same variant.

    The configuration as it is and the variants that look best are trained several times. The test images stay, so that
    people can be asked to read them.

    Args:
        work: The work with the captcha_config.json to vary; it needs no images.
        settings: Its settings, with the TRAIN_SECONDS of a trial.
        overrides: Those of them that were set on the command line, NAME=VALUE.
        budget: The time that all may take.
        echo: Prints a line.

    Raises:
        SettingsError: The mode or the configuration allows no sweep.
        TrialError: All trials of the configuration as it is failed.
    """
    config = load_swept_config(work, settings)
    variants, left_out = plan_sweep(config, work.path)
    remove_others(work, variants)
    trials = _Trials(work, variants, settings, overrides, budget, echo)
    bases = [(variants[0], draw) for draw in range(DRAWS)]
    singles = [(variant, 0) for variant in variants[1:]]
    echo(trials.announce([*bases, *singles]))
    trials.run(bases)
    if trials.failed and not trials.results(variants[0]):
        raise trials.failed[-1]
    trials.run(singles)
    measured = [trials.complete(variant) for variant in variants if trials.results(variant)]
    best = choose_best(measured)
    trials.run([(variant, draw) for variant in best for draw in range(1, DRAWS)])
    measured = [replace(one, trials=trials.results(one.variant)) for one in measured]
    stopped = trials.explain()
    if stopped:
        echo(f"{stopped}: the same command continues")
    return Sweep(config, settings.TRAIN_SECONDS, measured, left_out, stopped)


def choose_best(measured: Sequence[Measured]) -> list[Variant]:
    """Returns the variants that look best by their first training: only those that are harder than the base."""
    if not measured or measured[0].variant.key:
        return []
    base, *others = measured
    variants = {identity(one.scores()): one.variant for one in others}
    ranked = rank_variants(base.scores(), [replace(one, trials=one.trials[:1]).scores() for one in others])
    return [variants[identity(losses)] for losses in ranked if is_harder(losses)][:REPEATED]


class _Trials:
    """The trials of a sweep: those that have finished, and those that are run.

    Attributes:
        failed: The errors of those that failed; the next run tries them again.

    Args:
        work: The work with the configuration.
        variants: Its variants.
        settings: Its settings.
        overrides: Those of them that were set on the command line.
        budget: The time that all may take.
        echo: Prints a line.
    """

    def __init__(
        self,
        work: Work,
        variants: Sequence[Variant],
        settings: SimpleNamespace,
        overrides: Sequence[str],
        budget: Budget,
        echo: Callable[[str], None],
    ):
        self._work, self._settings, self._overrides = work, settings, overrides
        self._budget, self._echo = budget, echo
        self._journal = Journal(work.folder(FOLDER) / JOURNAL)
        others = [COUNTS, vars(settings), toolkit_state()]
        self._digests = {variant.name: _digest([variant.config.appearance, *others]) for variant in variants}
        self._pace = Pace(settings.TRAIN_SECONDS)
        self._pace.recall([result for variant in variants for result in self.results(variant)])
        self._unfit = 0
        self.failed: list[TrialError] = []

    def results(self, variant: Variant) -> list[TrialResult]:
        """Returns the finished trials of a variant."""
        found = (self._find(variant, draw) for draw in range(DRAWS))
        return [result for result in found if result]

    def announce(self, jobs: Sequence[Job]) -> str:
        """Returns a line about what is to be done first, and how long it takes."""
        missing = self._missing(jobs)
        kept = f", {len(jobs) - len(missing)} of them finished already" if len(missing) < len(jobs) else ""
        time_left = f": about {self._time_of(len(missing))}" if missing else ""
        return (
            f"Sweep: {plural(len(jobs), 'training')}{kept}{time_left}. The {REPEATED} changes that look best are then "
            f"trained {DRAWS} times, as the configuration as it is"
        )

    def run(self, jobs: Sequence[Job]) -> None:
        """Runs those trials that have not finished, and notes those that fail or do not fit into the budget."""
        missing = self._missing(jobs)
        for number, (variant, draw) in enumerate(missing):
            left = len(missing) - number
            if not self._budget.allows(self._pace.estimate([Trial(draw, LABELS)])):
                self._unfit += left
                return
            described = variant.describe() + (f", draw {draw + 1}" if draw else "")
            self._echo(f"{described} ({left} left, about {self._time_of(left)})")
            try:
                result = self._run(variant, Trial(draw, LABELS))
            except TrialError as error:
                self.failed.append(error)
                self._echo(f"  it failed: {error.reason}")
            else:
                self._echo(f"  exact match with {LABELS} labels: {say_percent(result.exact)}")

    def explain(self) -> str:
        """Returns why results are missing; '' if none is."""
        reasons = []
        if self.failed:
            count, reason = plural(len(self.failed), "training"), self.failed[0].reason
            reasons.append(f"{count} failed, the first with “{reason}”")
        if self._unfit:
            reasons.append(self._budget.refuse(plural(self._unfit, "training")))
        return "; ".join(reasons)

    def complete(self, variant: Variant) -> Measured:
        """Adds what can be computed again at any time; makes test images again that have been deleted."""
        items = make_variant_images(self._work, variant, "test", self._settings.SEED)
        score = legibility(variant.config, self._work.path, items[:SCORED])
        return Measured(variant, items, self.results(variant), score)

    def _missing(self, jobs: Sequence[Job]) -> list[Job]:
        return [job for job in jobs if not self._find(*job)]

    def _find(self, variant: Variant, draw: int) -> TrialResult | None:
        return self._journal.find(self._key(variant, draw))

    def _key(self, variant: Variant, draw: int) -> str:
        return f"{self._digests[variant.name]}-{draw}"

    def _time_of(self, trials: int) -> str:
        return say_minutes(self._pace.estimate([Trial(0, LABELS)] * trials) / 60)

    def _run(self, variant: Variant, trial: Trial) -> TrialResult:
        """Makes the images of a variant, runs a trial, and leaves its test images only."""
        started, settings, made = time.monotonic(), self._settings, work_of(self._work, variant)
        made.make_folders()
        self._work.copy_settings_to(made)
        items = [
            item
            for split in COUNTS
            for item in make_variant_images(self._work, variant, split, settings.SEED, trial.draw)
        ]
        tell_characters(made, (text for _, text, _ in items), settings.IGNORE_CASE)
        result = run_trial(made, LABELS, trial.draw, fixed_settings(settings, self._overrides))
        keep_test_images(made)
        self._pace.observe(trial, time.monotonic() - started)
        self._journal.add(self._key(variant, trial.draw), result)
        return result


def _digest(decisive: object) -> str:
    return hashlib.blake2b(json.dumps(decisive, sort_keys=True).encode(), digest_size=DIGEST_BYTES).hexdigest()
