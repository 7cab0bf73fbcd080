"""Works from labelled captchas of others: zip files with train/ and test/ inside, files <label>_<hash>.<ext>."""

import random
import zipfile
from pathlib import Path

from bearcat.core.workspace import UNLABELLED, Work, create_work
from bearcat.data.images import SUFFIXES

VALIDATION_FRACTION = 0.1
MIN_VALIDATION = 2  # images


def list_sets(folder: Path) -> list[str]:
    """Returns the names of the zip files in a folder."""
    return sorted(path.stem for path in folder.glob("*.zip"))


def make_work(archive: Path, parent: Path, name: str, labels: int | None, seed: int, unlabelled: int = 0) -> Work:
    """Makes a work from a set.

    Args:
        archive: Zip file of the set.
        parent: Takes the work.
        name: Of the work.
        labels: Number of training images to draw, None for all; a tenth of them are for validation.
        seed: Of the draw.
        unlabelled: Number of the other training images that are taken without their labels, as far as there are any.
    """
    work = create_work(parent, name, activate=False)
    work.make_folders()
    with zipfile.ZipFile(archive) as files:
        members: dict[str, list[str]] = {part: [] for part in ("train", "test")}
        for member in sorted(files.namelist()):
            path = Path(member)
            if path.suffix.lower() in SUFFIXES and path.parent.name in members:
                members[path.parent.name].append(member)
        count = min(labels or len(members["train"]), len(members["train"]))
        drawn = random.Random(seed).sample(members["train"], count)
        others = sorted(set(members["train"]) - set(drawn))
        for number, member in enumerate(random.Random(seed).sample(others, min(unlabelled, len(others)))):
            name_without_label = f"{number}{Path(member).suffix}"
            (work.folder(UNLABELLED) / name_without_label).write_bytes(files.read(member))
        validation = max(MIN_VALIDATION, round(VALIDATION_FRACTION * len(drawn)))
        splits = {"validation": drawn[:validation], "train": drawn[validation:], "test": members["test"]}
        for split, names in splits.items():
            for member in names:
                (work.data_folder(split) / Path(member).name).write_bytes(files.read(member))
    return work
