"""Split one pile of pictures into train, validation and test, so that a kill at any moment loses nothing."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bearcat.annotations import LABEL_TABLES, list_images
from bearcat.errors import DataError
from bearcat.files import write_json, written_beside
from bearcat.voc import companions

LEAST_LEFT = 1  # pictures that must stay in the pile


@dataclass(frozen=True)
class Split:
    """Which files of the pile go where: split name → file names."""

    moves: dict[str, list[str]]

    @property
    def counts(self) -> dict[str, int]:
        return {split: len(names) for split, names in self.moves.items()}


def plan_split(pile: Path, targets: dict[str, Path], share: float, seed: int) -> Split:
    """Choose pictures for each target folder that has none yet; `share` is that of all pictures.

    The choice hangs on the names and the seed alone. Raises DataError where there is nothing to split.
    """
    names = [path.name for path in list_images(pile)]
    if not names:
        raise DataError(f"{pile} holds no pictures: put yours there, named <label>_<anything>.png")
    empty = [split for split, folder in targets.items() if not list_images(folder)]
    if not empty:
        filled = ", ".join(f"{folder} ({len(list_images(folder))})" for folder in targets.values())
        raise DataError(f"nothing to split, pictures lie already in {filled}. They are left as they are")
    each = max(1, round(len(names) * share))
    if len(names) - each * len(empty) < LEAST_LEFT:
        raise DataError(f"{pile} holds {len(names)} pictures, too few to take {each} for each of {', '.join(empty)}")
    shuffled = sorted(names, key=lambda name: hashlib.blake2b(f"{seed}/{name}".encode()).digest())
    return Split({split: sorted(shuffled[i * each : (i + 1) * each]) for i, split in enumerate(empty)})


def run_split(split: Split, pile: Path, targets: dict[str, Path], journal: Path) -> None:
    """Move the files; the journal is written before the first move and taken away after the last."""
    write_json(journal, split.moves)
    for name, names in split.moves.items():
        _move_all(names, pile, targets[name])
    journal.unlink()


def finish_split(pile: Path, targets: dict[str, Path], journal: Path) -> Split | None:
    """Finish a split that was interrupted and return it; None where none was."""
    if not journal.is_file():
        return None
    split = Split(json.loads(journal.read_text(encoding="utf-8")))
    run_split(split, pile, targets, journal)
    return split


def _move_all(names: list[str], pile: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for table in LABEL_TABLES:
        # every set keeps the whole table: lines without a picture do no harm, a lost line would
        if (pile / table).is_file() and not (target / table).exists():
            with written_beside(target / table) as part:
                shutil.copyfile(pile / table, part)
    for name in names:
        # VOC files beside a picture go first: they are found by a picture that is still there
        for source in (*companions(pile / name), pile / name):
            destination = target / source.name
            if source.exists() and destination.exists():
                raise DataError(f"{source} and {destination} both exist: rename one of them; nothing is overwritten")
            if source.exists():
                source.rename(destination)
