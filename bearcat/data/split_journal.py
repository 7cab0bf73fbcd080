"""Move what a split chose, and put it back, so that a kill at any moment loses nothing.

The journal says what is to be moved before the first move, and what has been moved for as long as it can be undone.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bearcat.core.errors import DataError
from bearcat.core.files import write_json, written_beside
from bearcat.data.box_labels import NAMES_FILES, PROMPT_SUFFIX, VOC_SUFFIX, YOLO_SUFFIX
from bearcat.data.labels import LABEL_TABLES, list_images
from bearcat.data.splitting import Split

COMPANIONS = (VOC_SUFFIX, PROMPT_SUFFIX, YOLO_SUFFIX)
SHARED = (*LABEL_TABLES, *NAMES_FILES)  # what all images of a folder have in common


@dataclass(frozen=True)
class Sets:
    """Where the pile lies, the folders that it is split into (split name → folder), and the journal's file."""

    pile: Path
    targets: dict[str, Path]
    journal: Path


@dataclass(frozen=True)
class Journal:
    """What was moved, and what is being moved now: split name → names in the pile; and what was copied beside it."""

    moved: dict[str, list[str]] = field(default_factory=dict)
    under_way: dict[str, list[str]] = field(default_factory=dict)
    copied: dict[str, dict[str, str]] = field(default_factory=dict)  # split name → shared file → digest
    undoing: bool = False

    @property
    def all_moves(self) -> dict[str, list[str]]:
        """Return what was moved, or would have been by now."""
        splits = dict.fromkeys((*self.moved, *self.under_way))
        return {s: sorted({*self.moved.get(s, ()), *self.under_way.get(s, ())}) for s in splits}


@dataclass(frozen=True)
class Undone:
    """What an undo put back: split name → how many images; and what it could not, in words."""

    counts: dict[str, int]
    left: list[str]


def load_journal(path: Path) -> Journal:
    """Return the journal, an empty one where there is none; raise DataError where it is damaged."""
    try:
        return Journal(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Journal()
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{path} is damaged ({error}): it says what move_path.py moved. Put an older copy in its place, or delete "
            "it; then all images stay where they are and nothing can be undone"
        ) from None


def run_split(split: Split, sets: Sets) -> None:
    """Move the chosen images and their label files; raise DataError, before the first move, for a taken name."""
    journal = load_journal(sets.journal)
    _refuse_taken((sets.pile, sets.targets[name], names) for name, names in split.moves.items())
    copied = {name: journal.copied.get(name, {}) | _lacking(sets, name) for name in split.moves}
    journal = replace(journal, under_way=split.moves, copied=journal.copied | copied)
    write_json(sets.journal, asdict(journal))
    _finish(journal, sets)


def finish_split(sets: Sets) -> Split | None:
    """Finish a split that was interrupted and return it; None where none was."""
    journal = load_journal(sets.journal)
    if not journal.under_way:
        return None
    _refuse_taken((sets.pile, sets.targets[name], names) for name, names in journal.under_way.items())
    _finish(journal, sets)
    return Split(journal.under_way)


def _finish(journal: Journal, sets: Sets) -> None:
    for split, names in journal.under_way.items():
        _copy_shared(journal.copied.get(split, {}), sets, split)
        _move_all(names, sets.pile, sets.targets[split])
    write_json(sets.journal, asdict(replace(journal, moved=journal.all_moves, under_way={})))


def movable_back(sets: Sets) -> dict[str, list[str]]:
    """Return which images an undo would put back: split name → names.

    Raises DataError where none was moved, or a name in the pile is taken by now.
    """
    journal = load_journal(sets.journal)
    if not journal.all_moves:
        raise DataError(f"nothing to put back: {sets.journal} names no images that move_path.py moved")
    _refuse_taken((sets.targets[name], sets.pile, names) for name, names in journal.all_moves.items())
    return {s: [n for n in names if (sets.targets[s] / n).is_file()] for s, names in journal.all_moves.items()}


def undo_split(sets: Sets) -> Undone:
    """Put back all that was moved, as it was; what lies in the sets besides stays. An interrupted undo is finished.

    Raises DataError as movable_back does, before the first move.
    """
    back = movable_back(sets)
    journal = replace(load_journal(sets.journal), undoing=True)
    write_json(sets.journal, asdict(journal))
    for split, names in journal.all_moves.items():
        _move_all(names, sets.targets[split], sets.pile)
    left = [
        f"{sets.targets[split] / name} is not there any more"
        for split, names in journal.all_moves.items()
        for name in names
        if not (sets.pile / name).is_file()
    ]
    for split in journal.all_moves:
        left += _take_away_copies(journal.copied.get(split, {}), sets.targets[split])
        _remove_empty(
            {(sets.targets[split] / name).parent for name in journal.all_moves[split]} - {sets.targets[split]}
        )
    sets.journal.unlink()
    return Undone({split: len(names) for split, names in back.items()}, left)


def companions(image: Path) -> list[Path]:
    """Return the label files that lie beside an image and belong to it alone."""
    beside = map(image.with_suffix, COMPANIONS)
    return [path for path in beside if path.name not in SHARED and path.is_file()]


def _files_of(folder: Path, name: str) -> Iterator[Path]:
    """Yield an image's files, its labels first: they are found by an image that is still there."""
    yield from companions(folder / name)
    if (folder / name).is_file():
        yield folder / name


def _refuse_taken(ways: Iterable[tuple[Path, Path, list[str]]]) -> None:
    """Raise DataError where a file that is to go from one folder to another has a namesake there."""
    taken = [
        (source, destination)
        for start, end, names in ways
        for name in names
        for source in _files_of(start, name)
        if (destination := (end / name).with_name(source.name)).exists()
    ]
    if taken:
        (source, destination), *more = taken
        others = f" (and {len(more)} more such pairs)" if more else ""
        raise DataError(
            f"{source} and {destination} both exist{others}: rename one of them; nothing is overwritten, and nothing "
            "was moved"
        )


def _move_all(names: list[str], start: Path, end: Path) -> None:
    for folder in {(end / name).parent for name in names} | {end}:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for source in _files_of(start, name):
            source.rename((end / name).with_name(source.name))


def _lacking(sets: Sets, split: str) -> dict[str, str]:
    """Return the pile's shared files that a set has none of, with their digests."""
    lacking = [name for name in SHARED if (sets.pile / name).is_file() and not (sets.targets[split] / name).exists()]
    return {name: _digest(sets.pile / name) for name in lacking}


def _copy_shared(copied: dict[str, str], sets: Sets, split: str) -> None:
    """Give a set the whole table: lines without an image do no harm, a lost line would."""
    for name in copied:
        if (sets.pile / name).is_file() and not (sets.targets[split] / name).exists():
            with written_beside(sets.targets[split] / name) as part:
                shutil.copyfile(sets.pile / name, part)


def _take_away_copies(copied: dict[str, str], target: Path) -> list[str]:
    """Delete the copies that run_split made; one that was changed, or that images still need, is left and named."""
    there = {name: digest for name, digest in copied.items() if (target / name).is_file()}
    if there and list_images(target):
        return [f"{target / name} stays for the images that lie there" for name in there]
    changed = [name for name, digest in there.items() if _digest(target / name) != digest]
    for name in there.keys() - changed:
        (target / name).unlink()
    return [f"{target / name} was changed since and stays" for name in changed]


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
