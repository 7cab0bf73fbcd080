"""Moving the images of a split, and undoing it, so that a kill at any moment loses nothing.

A journal is written before the first move. It lists what is being moved and what has been moved, until it is undone.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bearcat.core.errors import DataError
from bearcat.core.files import atomic_write, write_json
from bearcat.core.names import show_name
from bearcat.core.workspace import Work
from bearcat.data.labels.boxes import PROMPT_SUFFIX, VOC_SUFFIX, YOLO_SUFFIX
from bearcat.data.labels.class_names import NAMES_FILES
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.tables import LABEL_TABLES, find_label_table
from bearcat.data.splitting import Split

COMPANIONS = (VOC_SUFFIX, PROMPT_SUFFIX, YOLO_SUFFIX)
SHARED = (*LABEL_TABLES, *NAMES_FILES)  # files that belong to all images of a folder


@dataclass(frozen=True)
class SplitFolders:
    """The folders of a split.

    Args:
        source: The folder with all images.
        targets: Split name → the folder to move its images to.
        journal: The journal's file.
    """

    source: Path
    targets: dict[str, Path]
    journal: Path

    @classmethod
    def of(cls, work: Work) -> "SplitFolders":
        """Returns the folders of a work: train_dataset, from which validation and test are split off."""
        targets = {split: work.data_folder(split) for split in ("validation", "test")}
        return cls(work.data_folder("train"), targets, work.folder("report") / "split_journal.json")

    @property
    def counts(self) -> dict[str, int]:
        """The number of images in each data set."""
        return {split: len(list_images(folder)) for split, folder in {"train": self.source, **self.targets}.items()}


@dataclass(frozen=True)
class Journal:
    """The contents of the journal, which is written as JSON.

    Args:
        moved: Split name → the images that were moved, by their names in the source folder.
        under_way: The same of a move that is not finished.
        copied: Split name → shared file that was copied → its digest.
        undoing: Whether an undo is not finished.
    """

    moved: dict[str, list[str]] = field(default_factory=dict)
    under_way: dict[str, list[str]] = field(default_factory=dict)
    copied: dict[str, dict[str, str]] = field(default_factory=dict)
    undoing: bool = False

    @property
    def all_moves(self) -> dict[str, list[str]]:
        """What was moved or is being moved."""
        splits = dict.fromkeys((*self.moved, *self.under_way))
        return {s: sorted({*self.moved.get(s, ()), *self.under_way.get(s, ())}) for s in splits}


@dataclass(frozen=True)
class UndoResult:
    """The result of an undo: split name → number of images moved back, and messages about what was not undone."""

    counts: dict[str, int]
    left: list[str]


def load_journal(path: Path) -> Journal:
    """Loads the journal, or an empty one if there is none; raises DataError if it is damaged."""
    try:
        return Journal(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Journal()
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{show_name(path)} is damaged ({error}). It lists what move_path.py moved: restore an older copy, or "
            "delete it; then all images stay where they are, and the split cannot be undone"
        ) from None


def run_split(split: Split, folders: SplitFolders) -> None:
    """Moves images with their label files, and copies the label tables.

    Raises:
        DataError: A target has a file of the same name; nothing was moved.
    """
    journal = load_journal(folders.journal)
    _refuse_existing((folders.source, folders.targets[name], names) for name, names in split.moves.items())
    copied = {name: journal.copied.get(name, {}) | _missing_shared(folders, name) for name in split.moves}
    journal = replace(journal, under_way=split.moves, copied=journal.copied | copied)
    write_json(folders.journal, asdict(journal))
    _finish(journal, folders)


def finish_split(folders: SplitFolders) -> Split | None:
    """Finishes an interrupted split and returns it; None if there is none."""
    journal = load_journal(folders.journal)
    if not journal.under_way:
        return None
    _refuse_existing((folders.source, folders.targets[name], names) for name, names in journal.under_way.items())
    _finish(journal, folders)
    return Split(journal.under_way)


def _finish(journal: Journal, folders: SplitFolders) -> None:
    for split, names in journal.under_way.items():
        _copy_shared(journal.copied.get(split, {}), folders, split)
        _move_all(names, folders.source, folders.targets[split])
    write_json(folders.journal, asdict(replace(journal, moved=journal.all_moves, under_way={})))


def undoable_moves(folders: SplitFolders) -> dict[str, list[str]]:
    """Returns the images that an undo would move back: split name → names.

    Raises:
        DataError: Nothing was moved, or the source folder has a file of the same name by now.
    """
    journal = load_journal(folders.journal)
    if not journal.all_moves:
        raise DataError(f"nothing to undo: {show_name(folders.journal)} lists no images that move_path.py moved")
    _refuse_existing((folders.targets[name], folders.source, names) for name, names in journal.all_moves.items())
    return {s: [n for n in names if (folders.targets[s] / n).is_file()] for s, names in journal.all_moves.items()}


def undo_split(folders: SplitFolders) -> UndoResult:
    """Moves all images of all splits back; files that were added later stay. Finishes an interrupted undo.

    Raises:
        DataError: As `undoable_moves`; nothing was moved.
    """
    back = undoable_moves(folders)
    journal = replace(load_journal(folders.journal), undoing=True)
    write_json(folders.journal, asdict(journal))
    for split, names in journal.all_moves.items():
        _move_all(names, folders.targets[split], folders.source)
    left = [
        f"{show_name(folders.targets[split] / name)} does not exist any more"
        for split, names in journal.all_moves.items()
        for name in names
        if not (folders.source / name).is_file()
    ]
    for split in journal.all_moves:
        left += _delete_copies(journal.copied.get(split, {}), folders.targets[split])
        _remove_empty(
            {(folders.targets[split] / name).parent for name in journal.all_moves[split]} - {folders.targets[split]}
        )
    folders.journal.unlink()
    return UndoResult({split: len(names) for split, names in back.items()}, left)


def companions(image: Path) -> list[Path]:
    """Returns the label files in an image's folder that belong to it alone."""
    candidates = map(image.with_suffix, COMPANIONS)
    return [path for path in candidates if path.name not in SHARED and path.is_file()]


def _files_of(folder: Path, name: str) -> Iterator[Path]:
    """Yields an image's files, labels first, so that an interrupted move still finds them by the image."""
    yield from companions(folder / name)
    if (folder / name).is_file():
        yield folder / name


def _refuse_existing(moves: Iterable[tuple[Path, Path, list[str]]]) -> None:
    """Raises DataError if a file to move exists at its destination already."""
    taken = [
        (source, destination)
        for start, end, names in moves
        for name in names
        for source in _files_of(start, name)
        if (destination := (end / name).with_name(source.name)).exists()
    ]
    if taken:
        (source, destination), *more = taken
        others = f" (and {len(more)} more such pairs)" if more else ""
        raise DataError(
            f"{show_name(source)} and {show_name(destination)} both exist{others}: rename one of them. "
            "Nothing was moved"
        )


def _move_all(names: list[str], start: Path, end: Path) -> None:
    for folder in {(end / name).parent for name in names} | {end}:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for source in _files_of(start, name):
            source.rename((end / name).with_name(source.name))


def _missing_shared(folders: SplitFolders, split: str) -> dict[str, str]:
    """Returns the shared files that a target does not have, with their digests."""
    table = find_label_table(folders.source)
    names = dict.fromkeys((*SHARED, *([table.name] if table else ())))
    missing = [
        name for name in names if (folders.source / name).is_file() and not (folders.targets[split] / name).exists()
    ]
    return {name: _digest(folders.source / name) for name in missing}


def _copy_shared(copied: dict[str, str], folders: SplitFolders, split: str) -> None:
    """Copies whole tables: lines without an image do no harm, a lost line would."""
    for name in copied:
        if (folders.source / name).is_file() and not (folders.targets[split] / name).exists():
            with atomic_write(folders.targets[split] / name) as part:
                shutil.copyfile(folders.source / name, part)


def _delete_copies(copied: dict[str, str], target: Path) -> list[str]:
    """Deletes the copies that `run_split` made; returns messages about those that were changed or are still needed."""
    existing = {name: digest for name, digest in copied.items() if (target / name).is_file()}
    if existing and list_images(target):
        return [f"{show_name(target / name)} stays, since there are images beside it" for name in existing]
    changed = [name for name, digest in existing.items() if _digest(target / name) != digest]
    for name in existing.keys() - changed:
        (target / name).unlink()
    return [f"{show_name(target / name)} was changed and stays" for name in changed]


def _remove_empty(paths: Iterable[Path]) -> None:
    for folder in paths:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
