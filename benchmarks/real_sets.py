"""Labelled captchas of others as works of ours: zip files with train/ and test/ inside, files <label>_<hash>.<ext>."""

import random
import zipfile
from pathlib import Path

from bearcat.core.workspace import Work, create_work
from bearcat.data.images import SUFFIXES

VALIDATION_SHARE = 0.1
LEAST_VALIDATION = 2  # images


def list_sets(folder: Path) -> list[str]:
    """Return the names of the sets in a folder of zip files."""
    return sorted(path.stem for path in folder.glob("*.zip"))


def make_work(archive: Path, parent: Path, name: str, labels: int | None, seed: int) -> Work:
    """Return a work with so many labelled images of a set, or all; a tenth of them validates, all its others test."""
    work = create_work(parent, name, activate=False)
    work.make_folders()
    with zipfile.ZipFile(archive) as pile:
        members = {part: [] for part in ("train", "test")}
        for member in sorted(pile.namelist()):
            path = Path(member)
            if path.suffix.lower() in SUFFIXES and path.parent.name in members:
                members[path.parent.name].append(member)
        chosen = random.Random(seed).sample(
            members["train"], min(labels or len(members["train"]), len(members["train"]))
        )
        validating = max(LEAST_VALIDATION, round(VALIDATION_SHARE * len(chosen)))
        parts = {"validation": chosen[:validating], "train": chosen[validating:], "test": members["test"]}
        for split, names in parts.items():
            for member in names:
                (work.data_folder(split) / Path(member).name).write_bytes(pile.read(member))
    return work
