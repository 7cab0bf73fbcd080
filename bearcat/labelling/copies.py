"""Copies of confirmed images in the training set: how they are named, written and removed again.

A copy has the bytes of its original and is named <label>_<hash>.<ext>; if the training set has a label table, a line
is added to it as well. A kill at any moment leaves a complete copy or none. Originals are only read.
"""

import contextlib
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearcat.core.errors import LabelError
from bearcat.core.files import PART, atomic_write
from bearcat.core.locks import hold_lock
from bearcat.core.names import show_name
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.data.images import FORMAT_OF_SUFFIX, open_with_facts
from bearcat.data.labels.tables import LABEL_TABLES, find_label_table, read_label_table, set_label
from bearcat.data.labels.text import clean_label
from bearcat.data.vocabulary import BLANK
from bearcat.generation.config import UNFIT_FOR_NAMES
from bearcat.labelling.translations import LabellingError

SCRIPT, LOCKED = "app", "data"  # who locks which part of the work
HASH_DIGITS = 12  # of the digest, in a file name
MAX_LABEL = 100  # characters
MAX_NAME = 200  # bytes in UTF-8: file systems allow 255, and temporary names are longer
# a dot within a label is harmless (ab3.5_0001.png); a leading one would hide the file
UNFIT = UNFIT_FOR_NAMES - {"."}
SPLITS = ("train", "validation", "test")
_UNPRINTABLE = {"Cs", "Co", "Cn"}  # surrogates, private use, unassigned; clean_label removes what else is invisible


@dataclass(frozen=True)
class Copy:
    """Image that was copied into the training set, with its original and its label: a text, or `BoxLabels`."""

    path: Path
    source: Path
    label: Any

    @property
    def text(self) -> str:
        """The label as it can be shown."""
        return self.label if isinstance(self.label, str) else " ".join(self.label.names)


class CopyWriter(ABC):
    """Writes confirmed images into the training set of a work; subclasses know how labels are written.

    Args:
        work: The work.
    """

    def __init__(self, work: Work):
        self.work = work
        self.folder = work.data_folder("train")

    def write(self, source: Path, digest: str, label: Any) -> Copy:
        """Copies an image into the training set.

        Args:
            source: The original.
            digest: SHA-256 that its content must still have.
            label: What it shows; invisible characters are dropped, see `clean_label`.

        Raises:
            LabellingError: The label or the image is refused; nothing was written.
            WorkError: Another step is changing the data of the work.
        """
        content = read_source(source, digest)
        label = self._checked(label, source)
        suffix = suffix_of(source)
        with hold_lock(self.work.path, SCRIPT, LOCKED):
            self._refuse_duplicate(digest)
            # first the label: one without an image is harmless, an image without its label is not
            target = self._write_label(label, digest[:HASH_DIGITS], suffix)
            with atomic_write(target) as part:
                part.write_bytes(content)
            for left_over in self.folder.glob(f".*{digest[:HASH_DIGITS]}.*{PART}.*"):
                left_over.unlink()  # of a process that was killed while writing this image under another label
        return Copy(target, source, label)

    def remove(self, copy: Copy) -> None:
        """Removes a copy that `write` made; raises LabellingError unless its original still has the same bytes."""
        with hold_lock(self.work.path, SCRIPT, LOCKED):
            try:
                same = copy.path.read_bytes() == copy.source.read_bytes() and self._is_as_written(copy)
            except FileNotFoundError:
                same = False
            if not same:
                raise LabellingError("cannot_undo", file=copy.path.name)
            copy.path.unlink()
            self._remove_label(copy)

    @abstractmethod
    def _checked(self, label: Any, source: Path) -> Any:
        """Returns the cleaned label of an image; raises LabellingError if it is refused."""

    @abstractmethod
    def _write_label(self, label: Any, short: str, suffix: str) -> Path:
        """Writes a label beside the copies; returns the path of its copy, which contains the short digest."""

    @abstractmethod
    def _is_as_written(self, copy: Copy) -> bool:
        """Whether the label of a copy is still the one that was written."""

    @abstractmethod
    def _remove_label(self, copy: Copy) -> None:
        """Removes what `_write_label` wrote for a copy."""

    def _refuse_duplicate(self, digest: str) -> None:
        # another window or process may have labelled the image since the start
        for split in SPLITS:
            folder = self.work.data_folder(split)
            for path in folder.glob(f"*{digest[:HASH_DIGITS]}.*") if folder.is_dir() else ():
                if not path.name.startswith(".") and digest_of(path.read_bytes()) == digest:
                    raise LabellingError("already_in_data", file=show_name(f"{folder.name}/{path.name}"))


class TextCopyWriter(CopyWriter):
    """Writes images whose labels are texts or classes, into file names or the label table.

    Args:
        work: The work.
        label_of: Parses the label from a file's path, as packing does.
    """

    def __init__(self, work: Work, label_of: Callable[[Path], str]):
        super().__init__(work)
        self._label_of = label_of

    def _checked(self, label: str, source: Path) -> str:
        return checked_label(label)

    def _write_label(self, label: str, short: str, suffix: str) -> Path:
        table = find_label_table(self.folder)
        target = self._target(label, short, suffix, with_table=table is not None)
        if table:
            self._add_line(table, target.name, label)
        return target

    def _is_as_written(self, copy: Copy) -> bool:
        return True  # the label is in the name, or in a line that is only removed if it still says the same

    def _remove_label(self, copy: Copy) -> None:
        table = find_label_table(self.folder)
        with contextlib.suppress(LabelError):  # a line without an image is harmless
            if table and read_label_table(table).get(copy.path.name) == copy.label:
                set_label(table, copy.path.name, None)

    def _target(self, label: str, short: str, suffix: str, with_table: bool) -> Path:
        unfit = sorted(UNFIT & set(label)) or ["."] * label.startswith(".")
        if unfit and not with_table:
            table = self.folder / next(iter(LABEL_TABLES))
            raise LabellingError(
                "label_unfit_for_name",
                label=label,
                characters=" ".join(unfit),
                table=table,
                folder=self.folder.name,
            )
        target = self.folder / (f"{short}{suffix}" if unfit else f"{label}{BLANK}{short}{suffix}")
        if len(target.name.encode()) > MAX_NAME:
            raise LabellingError("label_too_long", limit=MAX_NAME // 4)
        if not with_table and self._parsed_label(target) != label:
            raise LabellingError("label_not_parsed", file=target.name, label=label)
        if target.exists():
            raise LabellingError("name_taken", file=target.name)
        return target

    def _parsed_label(self, target: Path) -> str | None:
        try:
            return self._label_of(target)
        except LabelError:
            return None

    def _add_line(self, table: Path, name: str, label: str) -> None:
        try:
            set_label(table, name, label)
        except LabelError as error:
            raise LabellingError("table_refused", folder=self.folder.name, reason=error) from None


def checked_label(label: str) -> str:
    """Returns a label as `clean_label` does; raises LabellingError for a label that is never allowed."""
    label = checked_name(label)
    if BLANK in label:
        raise LabellingError("label_has_separator")
    return label


def checked_name(name: str) -> str:
    """Returns a label or the name of an object as `clean_label` does; raises LabellingError for an unreadable one."""
    try:
        name = clean_label(name)
    except LabelError:
        raise LabellingError("label_unprintable") from None
    if not name:
        raise LabellingError("label_empty")
    if len(name) > MAX_LABEL:
        raise LabellingError("label_too_long", limit=MAX_LABEL)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        raise LabellingError("label_unprintable")
    return name


def read_source(source: Path, digest: str) -> bytes:
    """Returns the bytes of an original; raises LabellingError if they no longer have the given digest."""
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise LabellingError("image_gone", file=show_name(source.name)) from None
    if digest_of(content) != digest:
        raise LabellingError("image_changed", file=show_name(source.name))
    return content


def suffix_of(source: Path) -> str:
    """Returns the suffix for an image's format: its own if that is correct."""
    form = open_with_facts(source)[1].format
    own = source.suffix.lower()
    return own if FORMAT_OF_SUFFIX.get(own) == form else next(s for s, f in FORMAT_OF_SUFFIX.items() if f == form)
