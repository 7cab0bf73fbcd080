"""How many more images would help: trainings on parts of the packed images, and a power law through their errors.

Each part is trained in a work of its own under report/curve. Errors that fall as a power of the number of images are a
straight line on logarithmic axes (Hestness et al. 2017); the fit and its interval say what the next goals need.
"""

import hashlib
import json
import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from bearcat.core.errors import SettingsError
from bearcat.core.names import decode_name, encode_name
from bearcat.core.progress import write_line
from bearcat.core.workspace import PACK_FOLDERS, TEMPLATE_FILES, Work
from bearcat.data.offline_augmentation import origin_of
from bearcat.data.tfrecord_index import INDEX, load_index
from bearcat.modes import MODES, Task
from bearcat.training.cluster import worker_for
from bearcat.training.schedules import INTERRUPT

CURVE_FOLDER = "curve"  # in report
FRACTIONS = (1 / 8, 1 / 4, 1 / 2, 1)  # of the training images
HASH_RANGE = 2**32
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
class CurvePoint:
    """A training on a number of images, and how many of the validation images it predicts correctly."""

    images: int
    correct: int
    validated: int

    @property
    def exact(self) -> float:
        """The exact match, 0 … 1."""
        return self.correct / self.validated

    def as_dict(self) -> dict[str, float]:
        """Returns the point as report/curve.json has it."""
        return {"pictures": self.images, "right": self.correct, "validated": self.validated, "exact": self.exact}


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
    """Extrapolates a learning curve.

    Returns:
        The contents of report/curve.json; and the laws to draw, the most likely one first, none if the curve cannot be
        extrapolated.
    """
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


def check_curve_settings(settings: SimpleNamespace) -> None:
    """Raises SettingsError if these settings allow no learning curve."""
    if MODES[settings.MODE].task is Task.DETECTION:
        raise SettingsError(f"--curve trains on parts of packed images; MODE = {settings.MODE!r} does not use packs")
    if worker_for(settings.STRATEGY).count > 1:
        raise SettingsError("--curve trains on one machine: run it without TF_CONFIG, or --set STRATEGY=mirrored")


def train_parts(work: Work, settings: SimpleNamespace, command: Sequence[str]) -> tuple[int, list[CurvePoint]]:
    """Trains on each fraction of the training images, each in a work and a process of its own.

    Finished trainings of an interrupted run are kept.

    Args:
        work: The work with the packs.
        settings: Its settings.
        command: The command of a training without `--work`.

    Returns:
        The exit code of the first training that failed or was interrupted, otherwise 0; and the points measured.
    """
    folder = curve_folder(work, vars(settings))
    points: list[CurvePoint] = []
    for number, fraction in enumerate(FRACTIONS, start=1):
        part = make_curve_work(work, folder / f"{number}-of-{len(FRACTIONS)}", fraction, settings.SEED)
        write_line(f"Training {number} of {len(FRACTIONS)}: {fraction:.1%} of the images")
        code = 0 if has_ended(part) else run_training([*command, "--work", str(part.path)])
        if code:
            return code, points
        points.append(curve_point(part))
    return 0, points


def run_training(command: Sequence[str]) -> int:
    """Runs a training to its end and returns its exit code."""
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the training received it too: it saves and exits


def curve_folder(work: Work, settings: dict) -> Path:
    """Returns the folder of the trainings with these packs and settings, and deletes those of others.

    Raises:
        SettingsError: The packs lie outside the work.
    """
    if settings.get("PACK_FOLDER"):
        raise SettingsError("--curve needs packs that lie in the work: --set PACK_FOLDER=None and pack again")
    indices = [(work.folder(name) / INDEX).read_bytes() for name in PACK_FOLDERS]
    name = hashlib.blake2b(b"".join([*indices, json.dumps(settings, sort_keys=True).encode()]), digest_size=4)
    folder = work.folder("report") / CURVE_FOLDER / name.hexdigest()
    for other in folder.parent.glob("*"):
        if other != folder and other.is_dir():
            shutil.rmtree(other)
    return folder


def remove_curve_works(work: Work) -> None:
    """Deletes all works of learning curves."""
    shutil.rmtree(work.folder("report") / CURVE_FOLDER)


def make_curve_work(work: Work, path: Path, fraction: float, seed: int) -> Work:
    """Makes a work with a fraction of the training images and all validation images; an existing one is kept."""
    part = Work(path)
    if (part.pack_folder("train") / INDEX).is_file():
        return part
    part.make_folders()
    for name in (*TEMPLATE_FILES, work.vocabulary_file.name):
        shutil.copyfile(work.path / name, path / name)
    for file in work.folder("weight").glob("*"):
        shutil.copyfile(file, part.folder("weight") / file.name)
    shutil.copytree(work.folder("validation_pack_dataset"), part.folder("validation_pack_dataset"), dirs_exist_ok=True)
    write_subset(work.folder("train_pack_dataset"), part.folder("train_pack_dataset"), fraction, seed)
    return part


def write_subset(source: Path, target: Path, fraction: float, seed: int) -> None:
    """Packs a fraction of a pack's images; raises DataError if there would be none."""
    from bearcat.data.tfrecords import write_pack

    index = load_index(source)
    write_pack(target, subset_records(source, fraction, seed), round(index.count * fraction), index)


def subset_records(source: Path, fraction: float, seed: int) -> Iterator:
    """Yields the records of a fraction of a pack."""
    from bearcat.data.tfrecords import Record, read_records

    for batch in read_records(source, load_index(source)):
        for image, label, file, target in zip(*(batch[n] for n in ("image", "label", "file", "target")), strict=True):
            name = decode_name(file)
            if in_subset(name, fraction, seed):
                yield Record(image, label.decode("utf-8"), name, target[target > 0].tolist())


def in_subset(name: str, fraction: float, seed: int) -> bool:
    """Whether an image is in a fraction of the data, by its name; larger fractions contain the smaller ones."""
    key = hashlib.blake2b(encode_name(f"{seed}/{origin_of(name)}"), digest_size=4).digest()
    return int.from_bytes(key, "big") < fraction * HASH_RANGE


def has_ended(work: Work) -> bool:
    """Whether the training of a work ran to its end."""
    file = work.report_file("train")
    return file.is_file() and json.loads(file.read_text(encoding="utf-8"))["stopped_by"] != INTERRUPT


def curve_point(work: Work) -> CurvePoint:
    """Reads the result of a finished training at its best epoch."""
    best = json.loads(work.report_file("train").read_text(encoding="utf-8"))["best"]
    validated = load_index(work.pack_folder("validation")).count
    images = load_index(work.pack_folder("train")).count
    return CurvePoint(images, round(best["val_exact"] * validated), validated)
