"""Where confirmed images go: copied byte for byte into the work's data, and taken back. Their sources are only read.

A copy is named <label>_<hash>.<ext>; where a label table lies beside it, a line is added to that as well. Whatever
moment a kill comes at, a copy is there whole, or not at all.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.core.files import PART, written_beside
from bearcat.core.locks import changing
from bearcat.core.progress import map_in_threads
from bearcat.core.workspace import Work
from bearcat.data.images import FORMAT_OF_SUFFIX, open_with_facts
from bearcat.data.labels import LABEL_TABLES, find_label_table, list_images, read_label_table, set_label
from bearcat.data.vocabulary import BLANK
from bearcat.generation.config import UNFIT_FOR_NAMES
from bearcat.labelling.translations import LabellingError

SCRIPT, CHANGED = "app", "data"  # who holds which lock of the work
HASH_DIGITS = 12  # of the hash in a name
MOST_LABEL = 100  # characters
MOST_NAME = 200  # bytes in UTF-8; disks allow 255, and a part's name is somewhat longer
# a dot within a label does no harm, as ab3.5_0001.png shows; one at its head would hide the file
UNFIT = UNFIT_FOR_NAMES - {"."}
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Copy:
    """An image that was written into the data, and where it came from."""

    path: Path
    source: Path
    label: str


class Copies:
    """Writes into the training set of a work; `label_of` takes the label from a file's path, as packing does."""

    def __init__(self, work: Work, label_of: Callable[[Path], str]):
        self.work = work
        self.folder = work.data_folder("train")
        self._label_of = label_of

    def write(self, source: Path, digest: str, label: str) -> Copy:
        """Copy an image whose content has this digest under its label.

        Raises LabellingError, nothing written, for a label or an image that cannot be; WorkError while another step
        changes the data of the work.
        """
        label = checked_label(label)
        content = read_source(source, digest)
        suffix = suffix_of(source, content)
        with changing(self.work.path, SCRIPT, CHANGED):
            self._refuse_duplicate(digest)
            table = find_label_table(self.folder)
            target = self._target(label, digest, suffix, with_table=table is not None)
            if table:
                # before the image: a line without one does no harm, an image without its line would
                self._add_line(table, target.name, label)
            with written_beside(target) as part:
                part.write_bytes(content)
            for left in self.folder.glob(f".*{digest[:HASH_DIGITS]}{PART}.*"):
                left.unlink()  # of a process that was killed when it wrote this image under another label
        return Copy(target, source, label)

    def take_back(self, copy: Copy) -> None:
        """Remove a copy that `write` made; raise LabellingError unless its source still holds the same bytes."""
        with changing(self.work.path, SCRIPT, CHANGED):
            try:
                same = copy.path.read_bytes() == copy.source.read_bytes()
            except FileNotFoundError:
                same = False
            if not same:
                raise LabellingError("stays", file=copy.path.name)
            copy.path.unlink()
            table = find_label_table(self.folder)
            with contextlib.suppress(LabelError):  # a line without an image does no harm
                if table and read_label_table(table).get(copy.path.name) == copy.label:
                    set_label(table, copy.path.name, None)

    def _refuse_duplicate(self, digest: str) -> None:
        """Raise LabellingError where the image was labelled since, by another window or process."""
        for split in SPLITS:
            folder = self.work.data_folder(split)
            for path in folder.glob(f"*{digest[:HASH_DIGITS]}.*") if folder.is_dir() else ():
                if not path.name.startswith(".") and digest_of(path.read_bytes()) == digest:
                    raise LabellingError("there", file=f"{folder.name}/{path.name}")

    def _target(self, label: str, digest: str, suffix: str, with_table: bool) -> Path:
        signs = sorted(UNFIT & set(label)) or ["."] * label.startswith(".")
        if signs and not with_table:
            table = self.folder / next(iter(LABEL_TABLES))
            raise LabellingError("unfit", label=label, signs=" ".join(signs), table=table, folder=self.folder.name)
        short = digest[:HASH_DIGITS]
        target = self.folder / (f"{short}{suffix}" if signs else f"{label}{BLANK}{short}{suffix}")
        if len(target.name.encode()) > MOST_NAME:
            raise LabellingError("long", most=MOST_NAME // 4)
        if not with_table and self._read_back(target) != label:
            raise LabellingError("form", file=target.name, label=label)
        if target.exists():
            raise LabellingError("taken", file=target.name)
        return target

    def _read_back(self, target: Path) -> str | None:
        try:
            return self._label_of(target)
        except LabelError:
            return None

    def _add_line(self, table: Path, name: str, label: str) -> None:
        try:
            set_label(table, name, label)
        except LabelError as error:
            raise LabellingError("table", folder=self.folder.name, reason=error) from None


def checked_label(label: str) -> str:
    """Return a label without the spaces around it; raise LabellingError for one that no image can have."""
    label = label.strip()
    if not label:
        raise LabellingError("empty")
    if len(label) > MOST_LABEL:
        raise LabellingError("long", most=MOST_LABEL)
    if not label.isprintable():
        raise LabellingError("unprintable")
    if BLANK in label:
        raise LabellingError("blank")
    return label


def read_source(source: Path, digest: str) -> bytes:
    """Return what an image's file holds; raise LabellingError where that is not what was shown."""
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise LabellingError("gone", file=source.name) from None
    if digest_of(content) != digest:
        raise LabellingError("changed", file=source.name)
    return content


def suffix_of(source: Path, content: bytes) -> str:
    """Return the suffix that says what an image is: that of its name where it is right."""
    form = open_with_facts(content)[1].format
    own = source.suffix.lower()
    return own if FORMAT_OF_SUFFIX.get(own) == form else next(s for s, f in FORMAT_OF_SUFFIX.items() if f == form)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digests_in(work: Work, sizes: set[int]) -> set[str]:
    """Return the digests of the work's images, of those files alone that have one of these sizes in bytes."""
    images = [path for split in SPLITS for path in list_images(work.data_folder(split))]
    same_size = [path for path in images if path.stat().st_size in sizes]
    return set(map_in_threads(lambda path: digest_of(path.read_bytes()), same_size))
