"""A power law through the errors of trainings on parts of the images, and what it says about more images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.learning_curve.unlabelled_gain import find_gains

GOALS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)  # exact match
GOALS_SHOWN = 2  # the next ones above the exact match reached
MAX_ERROR_RATIO = 0.9  # a goal's error must be below this multiple of the error reached
MIN_POINTS = 3  # with any correct prediction: two points fit every curve
FITTED_PARAMETERS = 2
RESAMPLINGS = 300
MISFIT_PERCENTILE = 99  # of resampled misfits: a curve that fits worse is rejected
INTERVAL = (10, 90)  # percentiles
MAX_EXTRAPOLATION = 16  # times the images there are
MIN_EXPONENT = 0.05  # below it the errors hardly fall with more images
MIN_ERRORS = 5  # in all trainings together
SMALLEST = 1e-9  # keeps logarithms finite


@dataclass(frozen=True)
class PowerLaw:
    """error(images) = exp(level) · (images / most)^−exponent."""

    level: float
    exponent: float
    most: int

    def error(self, images: float | Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns the error rate, 0 … 1, after a training on this number of images."""
        return np.exp(np.minimum(self.level - self.exponent * np.log(np.asarray(images) / self.most), -SMALLEST))

    def images_for(self, error: float) -> float:
        """Returns the number of images that bring the error down to a rate; infinite if more do not help."""
        if self.exponent <= 0:
            return math.inf
        exponent = (self.level - math.log(error)) / self.exponent
        return self.most * math.exp(exponent) if exponent < math.log(1e6) else math.inf


def fit_power_law(images: Sequence[int], errors: Sequence[float], validated: Sequence[int]) -> PowerLaw:
    """Fits a power law by maximum likelihood, with binomial errors, of which there may be none."""
    from scipy.optimize import minimize  # heavy, and rarely needed

    counts, wrong, totals = (np.asarray(values, float) for values in (images, errors, validated))
    most = int(counts.max())

    def negative_log_likelihood(parameters: np.ndarray) -> float:
        rate = PowerLaw(parameters[0], parameters[1], most).error(counts)
        likelihood = float((wrong * np.log(rate) + (totals - wrong) * np.log1p(-rate)).sum())
        return -likelihood + 0.05 * parameters[1] ** 2  # keeps the exponent finite if the errors vanish

    last = (wrong[-1] + 0.5) / (totals[-1] + 1)
    fitted = minimize(negative_log_likelihood, (math.log(last), 0.5), method="Nelder-Mead")
    return PowerLaw(float(fitted.x[0]), float(fitted.x[1]), most)


def resample_errors(points: Sequence[CurvePoint], law: PowerLaw, dispersion: float = 1.0, seed: int = 0) -> np.ndarray:
    """Draws numbers of errors (RESAMPLINGS, points) under a law (parametric bootstrap).

    A `dispersion` above 1 makes them vary as if the number of validation images were smaller by that factor.
    """
    rate = law.error([point.images for point in points])
    validated = np.array([point.validated for point in points])
    trials = np.maximum(1, np.round(validated / dispersion).astype(int))
    return np.random.default_rng(seed).binomial(trials, rate, (RESAMPLINGS, len(points))) * validated / trials


def misfit(law: PowerLaw, points: Sequence[CurvePoint], errors: np.ndarray) -> np.ndarray:
    """Returns the deviance (…) of numbers of errors (…, points) under a law."""
    from scipy.special import rel_entr  # heavy, and rarely needed

    validated = np.array([point.validated for point in points], float)
    rate = law.error([point.images for point in points])
    correct = validated - errors
    return 2 * (rel_entr(errors, validated * rate) + rel_entr(correct, validated * (1 - rate))).sum(axis=-1)


def analyse_curve(points: Sequence[CurvePoint]) -> tuple[dict, list[PowerLaw]]:
    """Extrapolates a learning curve, and says what images without labels add.

    Returns:
        The contents of report/curve.json; and the laws to draw, the most likely one first, none if the curve cannot be
        extrapolated.
    """
    report, laws = extrapolate([point for point in points if not point.unlabelled])
    gains = find_gains(points)
    answer = " ".join([report["answer"], *(gain.describe() for gain in gains)])
    return report | {"unlabelled": [gain.as_dict() for gain in gains], "answer": answer}, laws


def extrapolate(points: Sequence[CurvePoint]) -> tuple[dict, list[PowerLaw]]:
    """Does the same for the trainings on labelled images alone; returns the same."""
    errors = np.array([point.validated - point.correct for point in points])
    images, validated = [point.images for point in points], [point.validated for point in points]
    law = fit_power_law(images, errors.tolist(), validated)
    # trainings vary more than the sampling of the validation images explains: as much as the points miss the curve
    dispersion = max(1.0, float(misfit(law, points, errors)) / (len(points) - FITTED_PARAMETERS))
    laws = [fit_power_law(images, drawn, validated) for drawn in resample_errors(points, law, dispersion)]
    interval = np.percentile([one.exponent for one in laws], INTERVAL).tolist()
    report: dict = {
        "points": [point.as_dict() for point in points],
        "exponent": law.exponent,
        "exponent_interval": interval,
        "needed": [],
    }
    reason = why_inconclusive(points, errors, law, interval[0])
    if reason:
        return report | {"answer": reason}, []
    goals = [goal for goal in GOALS if 1 - goal < MAX_ERROR_RATIO * float(law.error(law.most))][:GOALS_SHOWN]
    report["needed"] = [images_needed(goal, law, laws) for goal in goals]
    answer = " ".join(describe_goal(one, law.most) for one in report["needed"])
    return report | {"answer": answer or "There is hardly any room for improvement."}, [law, *laws]


def why_inconclusive(points: Sequence[CurvePoint], errors: np.ndarray, law: PowerLaw, min_exponent: float) -> str:
    """Returns why the curve cannot be extrapolated; '' if it can."""
    more = "More validation images would measure it more precisely"
    if errors.sum() < MIN_ERRORS:
        return (
            f"There are too few errors for an estimate ({errors.sum()} in all trainings together), so there is hardly "
            f"any room for improvement. {more}."
        )
    too_few = sum(point.correct > 0 for point in points) < MIN_POINTS
    resampled = misfit(law, points, resample_errors(points, law))
    if too_few or misfit(law, points, errors) > np.percentile(resampled, MISFIT_PERCENTILE):
        return (
            "No estimate is possible: the errors do not follow a power law (too few images to learn anything, or a "
            "training that ended too early)."
        )
    if min_exponent < MIN_EXPONENT:
        return (
            "No estimate is possible: the errors do not clearly fall with more images (the differences may be chance). "
            f"{more}. If it stays like this, other things help more than images: a larger input, another BACKBONE, a "
            "longer training, correct labels."
        )
    return ""


def images_needed(goal: float, law: PowerLaw, laws: Sequence[PowerLaw]) -> dict:
    """Returns the images that an exact match needs, with the 80 % interval; None beyond MAX_EXTRAPOLATION."""
    needed = [one.images_for(1 - goal) for one in laws]
    values = [law.images_for(1 - goal), *np.percentile(needed, INTERVAL, method="nearest")]
    limit = MAX_EXTRAPOLATION * law.most
    rounded = (round(value) if value <= limit else None for value in values)
    return {"exact": goal} | dict(zip(("pictures", "low", "high"), rounded, strict=True))


def describe_goal(needed: dict, most: int) -> str:
    """Returns a sentence about the result of `images_needed`."""
    goal, images = f"{needed['exact']:.1%}", needed["pictures"]
    if images is None:
        return f"{goal} needs more than {MAX_EXTRAPOLATION} times the present images, too many for an estimate."
    low = max(most, needed["low"] or 0)
    high = two_digits(needed["high"]) if needed["high"] else f"more than {MAX_EXTRAPOLATION * most:,}"
    return (
        f"{goal} needs about {two_digits(images)} training images, {two_digits(max(0, images - most))} more than now "
        f"(80 % interval: {two_digits(low)} to {high} in total)."
    )


def two_digits(count: int) -> str:
    """Formats a count rounded to two significant digits."""
    return f"{float(f'{count:.2g}'):,.0f}"
