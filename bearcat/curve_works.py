"""Scratch works for a learning curve: each a whole work of its own with a part of the packed training pictures."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bearcat.enhancement import origin_of
from bearcat.errors import SettingsError
from bearcat.learning_curve import Point
from bearcat.packs import INDEX, load_pack_index
from bearcat.schedule import INTERRUPT
from bearcat.workspace import TEMPLATE_FILES, Work

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
    """Tell whether a picture, by its name, is in a share of the data; a larger share has all of a smaller one."""
    key = hashlib.blake2b(f"{seed}/{origin_of(name)}".encode(), digest_size=4).digest()
    return int.from_bytes(key, "big") < share * KEYS


def make_curve_work(work: Work, path: Path, share: float, seed: int) -> Work:
    """Return a work with a share of the training pictures and all for validation; one that is there is kept."""
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
    """Pack a share of a pack's pictures; raise DataError where there is none."""
    from bearcat.records import write_pack  # imports TensorFlow

    index = load_pack_index(source)
    of_all = {name: value for name, value in asdict(index).items() if name not in ("count", "shards")}
    write_pack(target, chosen_records(source, share, seed), round(index.count * share), of_all)


def chosen_records(source: Path, share: float, seed: int) -> Iterator:
    """Yield the records of a pack that are in a share."""
    from bearcat.records import Record, read_records

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
    pictures = load_pack_index(made.pack_folder("train")).count
    return Point(pictures, round(best["val_exact"] * validated), validated)
