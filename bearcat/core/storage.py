"""Where packs lie: in a folder of this machine, or where a URL says (gs://bucket/…), reached by tf.io.gfile.

A RemotePath answers what the packs ask of a pathlib.Path, so that the same lines serve both. TensorFlow is imported
by what reaches out, not before.
"""

import fnmatch
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.devices import silence
from bearcat.core.errors import RecordError
from bearcat.core.files import PART, to_json, write_json

SCHEME = "://"


class NotThereError(RecordError, FileNotFoundError):
    """There is no such file or folder at a URL."""


@dataclass(frozen=True)
class RemotePath:
    """A folder or a file at a URL; what the storage refuses is a RecordError."""

    url: str

    def __truediv__(self, name: str) -> "RemotePath":
        """Return what lies in this folder under a name."""
        return RemotePath(f"{self.url.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """Return the last part of the URL."""
        return self.url.rstrip("/").rpartition("/")[2]

    def is_file(self) -> bool:
        """Tell whether there is such a file."""
        with _storage(self) as gfile:
            return gfile.exists(self.url) and not gfile.isdir(self.url)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Make the folder and those above it, where the storage has folders."""
        with _storage(self) as gfile:
            gfile.makedirs(self.url)

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yield what lies in the folder and has such a name; nothing where there is no such folder."""
        with _storage(self) as gfile:
            names = gfile.listdir(self.url) if gfile.isdir(self.url) else []
        yield from (self / name for name in sorted(names) if fnmatch.fnmatchcase(name, pattern))

    def read_text(self, encoding: str) -> str:
        """Return what a file says."""
        with _storage(self) as gfile, gfile.GFile(self.url, "rb") as file:
            return file.read().decode(encoding)

    def write_text(self, text: str) -> None:
        """Write a file as UTF-8 beside, then give it its name: not every storage shows a file only when it is whole."""
        beside = RemotePath(f"{self.url}{PART}")
        with _storage(self) as gfile, gfile.GFile(beside.url, "wb") as file:
            file.write(text.encode("utf-8"))
        beside.replace(self)

    def replace(self, target: "RemotePath") -> None:
        """Give the file another name, in the place of what has that name."""
        with _storage(self) as gfile:
            gfile.rename(self.url, target.url, overwrite=True)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the file."""
        if not missing_ok or self.is_file():
            with _storage(self) as gfile:
                gfile.remove(self.url)


Place = Path | RemotePath


def place_of(base: Path, named: str | None) -> Place:
    """Return the folder that a setting names: a URL, or a path from `base` on; `base` where it names none."""
    return RemotePath(named) if named and SCHEME in named else base / (named or "")


def save_json(file: Place, payload: object) -> None:
    """Write `payload` as indented UTF-8 JSON, so that a reader meets the old file or the new one, never a part."""
    if isinstance(file, RemotePath):
        file.write_text(to_json(payload))
    else:
        write_json(file, payload)


def reached(place: Place):
    """Return a context in which what a storage refuses TensorFlow is one message; nothing changes for a local path."""
    return _storage(place) if isinstance(place, RemotePath) else nullcontext()


@contextmanager
def _storage(path: RemotePath) -> Iterator:
    with silence() if "tensorflow" not in sys.modules else nullcontext():
        import tensorflow as tf
    # asked whether a file is there, TensorFlow says no where it cannot tell
    known = sorted(scheme for scheme in tf.io.gfile.get_registered_schemes() if scheme)
    if path.url.partition(SCHEME)[0] not in known:
        reachable = ", ".join(f"{scheme}{SCHEME}" for scheme in known)
        raise RecordError(
            f"PACK_FOLDER leads to {path}, which this TensorFlow cannot reach: it knows {reachable} and local folders"
        )
    try:
        yield tf.io.gfile
    except tf.errors.NotFoundError as error:
        raise NotThereError(f"{path} is not there: look at PACK_FOLDER ({error.message})") from None
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError):
        raise  # a damaged pack, which its readers name
    except tf.errors.OpError as error:
        raise RecordError(
            f"{path} cannot be reached ({error.message.strip()}): look at PACK_FOLDER, and who may"
        ) from None
