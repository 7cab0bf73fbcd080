"""How much more data is needed: a power law through the errors of trainings on parts of the data, with its doubt."""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import TEMPLATE_FILES, Work
from bearcat.data.offline_augmentation import origin_of
from bearcat.data.tfrecord_index import INDEX, load_pack_index
from bearcat.training.schedules import INTERRUPT

SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
GOALS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)  # exact match
GOALS_TOLD = 2  # the next ones above what is reached
LEAST_FALL = 0.9  # a goal that asks for less is reached already
LEAST_POINTS = 3  # at which anything is read right: two make any curve
FITTED = 2  # numbers of a power law
RESAMPLED = 300
MISFIT = 99  # percentile of resampled misfits: a curve that fits worse is none
INTERVAL = (10, 90)  # percentiles of what resampled errors come to
FURTHEST = 16  # times the images there are: beyond, a curve of four points says nothing
FLAT = 0.05  # an exponent below: the errors hardly fall with data
SMALLEST = 1e-9  # keeps a logarithm finite
FEW_ERRORS = 5  # in all trainings together: too few to draw a curve through


@dataclass(frozen=True)
class Point:
    """A training on so many images: how many of the validation images it read right."""

    images: int
    right: int
    validated: int

    @property
    def exact(self) -> float:
        return self.right / self.validated


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = exp(level) · (n / most)^−exponent."""

    level: float
    exponent: float
    most: int

    def error(self, images: np.ndarray) -> np.ndarray:
        """Return the share read wrong after a training on so many images."""
        return np.exp(np.minimum(self.level - self.exponent * np.log(np.asarray(images) / self.most), -SMALLEST))

    def images_for(self, error: float) -> float:
        """Return how many images bring the error down to this; infinite where more do not help."""
        if self.exponent <= 0:
            return math.inf
        exponent = (self.level - math.log(error)) / self.exponent
        return self.most * math.exp(exponent) if exponent < math.log(1e6) else math.inf


def fit_power_law(images: Sequence[int], wrong: Sequence[int], validated: Sequence[int]) -> PowerLaw:
    """Return the law under which so many wrong readings are likeliest (binomial; no error at all is no trouble)."""
    from scipy.optimize import minimize  # heavy, and not needed by most steps

    images, wrong, validated = (np.asarray(values, float) for values in (images, wrong, validated))
    most = images.max()

    def unlikelihood(parameters: np.ndarray) -> float:
        error = PowerLaw(*parameters, most).error(images)
        # the last term keeps the exponent finite where errors vanish
        return (
            -float((wrong * np.log(error) + (validated - wrong) * np.log1p(-error)).sum()) + 0.05 * parameters[1] ** 2
        )

    last = (wrong[-1] + 0.5) / (validated[-1] + 1)
    fitted = minimize(unlikelihood, (math.log(last), 0.5), method="Nelder-Mead")
    return PowerLaw(float(fitted.x[0]), float(fitted.x[1]), int(most))


def resampled(points: Sequence[Point], law: PowerLaw, dispersion: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return wrong readings (RESAMPLED, points) as a law makes them come out (parametric bootstrap).

    A `dispersion` above 1 makes them vary as if there were so many times fewer validation images.
    """
    error = law.error([point.images for point in points])
    validated = np.array([point.validated for point in points])
    fewer = np.maximum(1, np.round(validated / dispersion).astype(int))
    return np.random.default_rng(seed).binomial(fewer, error, (RESAMPLED, len(points))) * validated / fewer


def misfit(law: PowerLaw, points: Sequence[Point], wrong: np.ndarray) -> np.ndarray:
    """Return how much less likely the law makes wrong readings (…, points) than their own shares do (the deviance)."""
    from scipy.special import rel_entr  # heavy, and not needed by most steps

    validated = np.array([point.validated for point in points], float)
    error = law.error([point.images for point in points])
    right = validated - wrong
    return 2 * (rel_entr(wrong, validated * error) + rel_entr(right, validated * (1 - error))).sum(axis=-1)


def answer_curve(points: Sequence[Point]) -> tuple[dict, list[PowerLaw]]:
    """Return report/curve.json and the laws to draw, the likeliest first, none where the curve can't be drawn on.

    The report has the points, the law's exponent, what the next goals need, and the answer in words.
    """
    wrong = np.array([point.validated - point.right for point in points])
    images, validated = [point.images for point in points], [point.validated for point in points]
    law = fit_power_law(images, wrong, validated)
    # trainings vary too, not only what a validation set happens to hold: as much as the points miss the curve
    dispersion = max(1.0, float(misfit(law, points, wrong)) / (len(points) - FITTED))
    laws = [fit_power_law(images, drawn, validated) for drawn in resampled(points, law, dispersion)]
    interval = np.percentile([one.exponent for one in laws], INTERVAL).tolist()
    report = {
        "points": [vars(point) | {"exact": point.exact} for point in points],
        "exponent": law.exponent,
        "exponent_interval": interval,
        "needed": [],
    }
    doubt = doubt_of(points, wrong, law, interval[0])
    if doubt:
        return report | {"answer": doubt}, []
    goals = [goal for goal in GOALS if 1 - goal < LEAST_FALL * float(law.error(law.most))][:GOALS_TOLD]
    report["needed"] = [needed_for(goal, law, laws) for goal in goals]
    said = " ".join(tell_needed(one, law.most) for one in report["needed"])
    return report | {"answer": said or "There is hardly room to get better."}, [law, *laws]


def doubt_of(points: Sequence[Point], wrong: np.ndarray, law: PowerLaw, least_exponent: float) -> str:
    """Say why the curve can't be drawn on; '' where it can."""
    more = "More validation images would measure it more finely"
    if wrong.sum() < FEW_ERRORS:
        return (
            f"Too few mistakes to tell ({wrong.sum()} in all trainings together): there is hardly room to get better. "
            f"{more}."
        )
    too_few = sum(point.right > 0 for point in points) < LEAST_POINTS
    if too_few or misfit(law, points, wrong) > np.percentile(misfit(law, points, resampled(points, law)), MISFIT):
        return (
            "It can't be told: the mistakes do not fall along a curve that could be drawn further (with few images "
            "nothing is learnt at all, or one of the trainings ended too early)."
        )
    if least_exponent < FLAT:
        return (
            "It can't be told: the mistakes do not clearly fall with more images (such differences come by chance). "
            f"{more}; if it stays so, other things help more than data: a larger input, another BACKBONE, a longer "
            "training, right labels."
        )
    return ""


def needed_for(goal: float, law: PowerLaw, laws: Sequence[PowerLaw]) -> dict:
    """Return how many images a goal needs, with the 80 % interval; None for more than can be told."""
    needed = [one.images_for(1 - goal) for one in laws]
    values = [law.images_for(1 - goal), *np.percentile(needed, INTERVAL, method="nearest")]
    names = ("pictures", "low", "high")
    limit = FURTHEST * law.most
    told = (round(value) if value <= limit else None for value in values)
    return {"exact": goal} | dict(zip(names, told, strict=True))


def tell_needed(needed: dict, most: int) -> str:
    """Say in words what a goal needs."""
    goal, images = f"{needed['exact']:.1%}", needed["pictures"]
    if images is None:
        return f"{goal} is too far to tell: more than {FURTHEST} times the images there are."
    low = max(most, needed["low"] or 0)
    high = rounded(needed["high"]) if needed["high"] else f"more than {FURTHEST * most:,}"
    return (
        f"{goal} needs about {rounded(images)} training images, {rounded(max(0, images - most))} more than now "
        f"(80 % interval: {rounded(low)} to {high} in all)."
    )


def rounded(count: int) -> str:
    """Return a count with two digits that say something."""
    return f"{float(f'{count:.2g}'):,.0f}"


# ---- merged from curve_works: Scratch works for a learning curve: each a whole work of its own with a part of the packed training images.


CURVE = "curve"
KEYS = 2**32


def curve_folder(work: Work, settings: dict) -> Path:
    """Return where the trainings of these packs and settings lie; those of others are taken away.

    Raises SettingsError where the packs lie outside of the work: those trainings would take them for their own.
    """
    if settings.get("PACK_FOLDER"):
        raise SettingsError("--curve draws parts of packs that lie in the work: --set PACK_FOLDER=None and pack again")
    indices = [(work.pack_folder(split) / INDEX).read_bytes() for split in ("train", "validation")]
    named = hashlib.blake2b(b"".join([*indices, json.dumps(settings, sort_keys=True).encode()]), digest_size=4)
    folder = work.folder("report") / CURVE / named.hexdigest()
    for other in folder.parent.glob("*"):
        if other != folder and other.is_dir():
            shutil.rmtree(other)
    return folder


def is_chosen(name: str, share: float, seed: int) -> bool:
    """Tell whether an image, by its name, is in a share of the data; a larger share has all of a smaller one."""
    key = hashlib.blake2b(f"{seed}/{origin_of(name)}".encode(), digest_size=4).digest()
    return int.from_bytes(key, "big") < share * KEYS


def make_curve_work(work: Work, path: Path, share: float, seed: int) -> Work:
    """Return a work with a share of the training images and all for validation; one that is there is kept."""
    made = Work(path)
    if (made.pack_folder("train") / INDEX).is_file():
        return made
    made.make_folders()
    for name in (*TEMPLATE_FILES, work.vocabulary_file.name):
        shutil.copyfile(work.path / name, path / name)
    for file in work.folder("weight").glob("*"):
        shutil.copyfile(file, made.folder("weight") / file.name)
    shutil.copytree(work.pack_folder("validation"), made.pack_folder("validation"), dirs_exist_ok=True)
    write_part(work.pack_folder("train"), made.pack_folder("train"), share, seed)
    return made


def write_part(source: Path, target: Path, share: float, seed: int) -> None:
    """Pack a share of a pack's images; raise DataError where there is none."""
    from bearcat.data.tfrecords import write_pack

    index = load_pack_index(source)
    of_all = {name: value for name, value in asdict(index).items() if name not in ("count", "shards")}
    write_pack(target, chosen_records(source, share, seed), round(index.count * share), of_all)


def chosen_records(source: Path, share: float, seed: int) -> Iterator:
    """Yield the records of a pack that are in a share."""
    from bearcat.data.tfrecords import Record, read_records

    for batch in read_records(source, load_pack_index(source)):
        for image, label, file, target in zip(*(batch[n] for n in ("image", "label", "file", "target")), strict=True):
            if is_chosen(file.decode("utf-8"), share, seed):
                yield Record(image, label.decode("utf-8"), file.decode("utf-8"), target[target > 0].tolist())


def has_ended(made: Work) -> bool:
    """Tell whether a work's training came to its end."""
    file = made.report_file("train")
    return file.is_file() and json.loads(file.read_text(encoding="utf-8"))["stopped_by"] != INTERRUPT


def curve_point(made: Work) -> Point:
    """Return what a finished training measured at its best epoch."""
    best = json.loads(made.report_file("train").read_text(encoding="utf-8"))["best"]
    validated = load_pack_index(made.pack_folder("validation")).count
    images = load_pack_index(made.pack_folder("train")).count
    return Point(images, round(best["val_exact"] * validated), validated)
