"""The trainings of a learning curve: what each of them learns from, its work, and its result."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from bearcat.core.errors import SettingsError
from bearcat.core.names import decode_name, encode_name
from bearcat.core.progress import write_line
from bearcat.core.workspace import PACK_FOLDERS, UNLABELLED_PACK, Work
from bearcat.data.offline_augmentation import is_augmented, origin_of
from bearcat.data.tfrecord_index import INDEX, load_index
from bearcat.modes import MODES, Task
from bearcat.training.cluster import MIRRORED, worker_for
from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.schedules import INTERRUPT
from bearcat.training.sources import uses_unlabelled

if TYPE_CHECKING:
    from bearcat.data.tfrecords import Record

CURVE_FOLDER = "curve"  # in report
FRACTIONS = (1 / 8, 1 / 4, 1 / 2, 1)  # of the training images
LABELLED_FRACTION = 1 / 4  # one of FRACTIONS: the training images whose labels are kept when the others lose theirs
HASH_RANGE = 2**32


class Others(StrEnum):
    """The images without labels of a training, as a continuation of '25.0% of the images'."""

    NONE = ""
    REST = ", and the rest without labels"
    OWN = ", and those of unlabelled_dataset"


@dataclass(frozen=True)
class Part:
    """What a training of a learning curve learns from.

    Args:
        fraction: The fraction of the training images that it has with their labels.
        others: The images that it has without labels.
    """

    fraction: float
    others: Others = Others.NONE

    def __str__(self) -> str:
        return f"{self.fraction:.1%} of the images{self.others}"


def check_curve_settings(settings: SimpleNamespace) -> None:
    """Raises SettingsError if these settings allow no learning curve."""
    if MODES[settings.MODE].task is Task.DETECTION:
        raise SettingsError(f"--curve trains on parts of packed images; MODE = {settings.MODE!r} does not use packs")
    if worker_for(settings.STRATEGY).count > 1:
        raise SettingsError("--curve trains on one machine: run it without TF_CONFIG, or --set STRATEGY=mirrored")


def choose_parts(work: Work, settings: SimpleNamespace) -> list[Part]:
    """Lists the trainings: those on fractions of the images, and those that show what images without labels add."""
    parts = [Part(fraction) for fraction in FRACTIONS]
    if uses_unlabelled(settings) and settings.STRATEGY != MIRRORED:  # replicas learn labelled images only
        parts.append(Part(LABELLED_FRACTION, Others.REST))
        if (work.folder(UNLABELLED_PACK) / INDEX).is_file():
            parts.append(Part(1, Others.OWN))
    return parts


def train_parts(work: Work, settings: SimpleNamespace, command: Sequence[str]) -> tuple[int, list[CurvePoint]]:
    """Trains on each part of the images, each in a work and a process of its own.

    Finished trainings of an interrupted run are kept.

    Args:
        work: The work with the packs.
        settings: Its settings.
        command: The command of a training without `--work`.

    Returns:
        The exit code of the first training that failed or was interrupted, otherwise 0; and the points measured.
    """
    folder = curve_folder(work, vars(settings))
    parts = choose_parts(work, settings)
    points: list[CurvePoint] = []
    for number, part in enumerate(parts, start=1):
        made = make_curve_work(work, folder / f"{number}-of-{len(parts)}", part, settings.SEED)
        write_line(f"Training {number} of {len(parts)}: {part}")
        code = 0 if has_ended(made) else run_training([*command, "--work", str(made.path)])
        if code:
            return code, points
        point = curve_point(made)
        if part.others and not point.unlabelled:  # STRATEGY = 'auto' found several GPUs
            write_line("It learnt the labelled images only, as several replicas do, and shows nothing about the others")
        else:
            points.append(point)
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
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4)
    for name in (*PACK_FOLDERS, UNLABELLED_PACK):
        digest.update(pack_digest(work.folder(name)))
    folder = work.folder("report") / CURVE_FOLDER / digest.hexdigest()
    for other in folder.parent.glob("*"):
        if other != folder and other.is_dir():
            shutil.rmtree(other)
    return folder


def pack_digest(folder: Path) -> bytes:
    """Returns a digest of a pack's index and records; b'' if there is no pack."""
    if not (folder / INDEX).is_file():
        return b""
    digest = hashlib.blake2b()
    for name in (INDEX, *load_index(folder).shards):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.digest()


def remove_curve_works(work: Work) -> None:
    """Deletes all works of learning curves."""
    shutil.rmtree(work.folder("report") / CURVE_FOLDER)


def make_curve_work(work: Work, path: Path, part: Part, seed: int) -> Work:
    """Makes a work with the training images of a part and all validation images; an existing one is kept."""
    made = Work(path)
    if (made.pack_folder("train") / INDEX).is_file():
        return made
    made.make_folders()
    work.copy_settings_to(made)
    work.copy_weights_to(made)
    shutil.copyfile(work.vocabulary_file, made.vocabulary_file)
    copied = ["validation_pack_dataset"] + [UNLABELLED_PACK] * (part.others is Others.OWN)
    for name in copied:
        shutil.copytree(work.folder(name), made.folder(name), dirs_exist_ok=True)
    source = work.folder("train_pack_dataset")
    if part.others is Others.REST:
        write_rest(source, made.folder(UNLABELLED_PACK), part.fraction, seed)
    write_subset(source, made.folder("train_pack_dataset"), part.fraction, seed)  # last: it completes the work
    return made


def write_subset(source: Path, target: Path, fraction: float, seed: int) -> None:
    """Packs a fraction of a pack's images; raises NoImagesError if there would be none."""
    from bearcat.data.tfrecords import write_pack

    index = load_index(source)
    records = (record for record in load_records(source) if in_subset(record.file, fraction, seed))
    write_pack(target, records, round(index.count * fraction), index)


def write_rest(source: Path, target: Path, fraction: float, seed: int) -> None:
    """Packs, without labels and augmented copies, the images that `write_subset` leaves out.

    Raises:
        NoImagesError: It leaves none out.
    """
    from bearcat.data.tfrecords import write_pack

    index = load_index(source)
    records = (
        replace(record, label="", target=[])
        for record in load_records(source)
        if not in_subset(record.file, fraction, seed) and not is_augmented(Path(record.file))
    )
    steps = dict.fromkeys(index.steps_needed, 0)
    without_labels = replace(index, longest_label=0, shortest_label=0, steps_needed=steps)
    write_pack(target, records, round(index.count * (1 - fraction)), without_labels)


def load_records(source: Path) -> Iterator["Record"]:
    """Yields the records of a pack."""
    from bearcat.data.tfrecords import Record, read_records

    for batch in read_records(source, load_index(source)):
        for image, label, file, target in zip(*(batch[n] for n in ("image", "label", "file", "target")), strict=True):
            yield Record(image, label.decode("utf-8"), decode_name(file), target[target > 0].tolist())


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
    report = json.loads(work.report_file("train").read_text(encoding="utf-8"))
    validated = load_index(work.pack_folder("validation")).count
    images = load_index(work.pack_folder("train")).count
    unlabelled = report["self_training"]["pictures"] if "self_training" in report else 0
    return CurvePoint(images, round(report["best"]["val_exact"] * validated), validated, unlabelled)
