"""Folders of packs: on this machine, or at a URL such as gs://bucket/packs that tf.io.gfile can reach.

A `RemotePath` has the methods of pathlib.Path that packs need. TensorFlow is imported on first access only.
"""

import fnmatch
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearcat.core.devices import silence
from bearcat.core.errors import RecordError
from bearcat.core.files import PART, to_json, write_json

SCHEME = "://"


class NotThereError(RecordError, FileNotFoundError):
    """There is no such file or folder at a URL."""


@dataclass(frozen=True)
class RemotePath:
    """A folder or a file at a URL; methods raise RecordError if the storage refuses access."""

    url: str

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        return self.url.rstrip("/").rpartition("/")[2]

    def is_file(self) -> bool:
        with _storage(self) as gfile:
            return gfile.exists(self.url) and not gfile.isdir(self.url)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Creates the folder and its parents, if the storage has folders."""
        with _storage(self) as gfile:
            gfile.makedirs(self.url)

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yields the folder's entries whose name matches a pattern; none if there is no such folder."""
        with _storage(self) as gfile:
            names = gfile.listdir(self.url) if gfile.isdir(self.url) else []
        names = sorted(name.rstrip("/") for name in names)
        yield from (self / name for name in names if fnmatch.fnmatchcase(name, pattern))

    def read_text(self, encoding: str) -> str:
        with _storage(self) as gfile, gfile.GFile(self.url, "rb") as file:
            return file.read().decode(encoding)

    def write_text(self, text: str) -> None:
        """Writes UTF-8 to a temporary file and renames it: some storages show a file before it is complete."""
        part = f"{self.url}{PART}"
        with _storage(self) as gfile:
            with gfile.GFile(part, "wb") as file:
                file.write(text.encode("utf-8"))
            gfile.rename(part, self.url, overwrite=True)

    def remove(self) -> None:
        """Deletes a file, or a folder with its contents; does nothing if there is neither."""
        with _storage(self) as gfile:
            if gfile.isdir(self.url):
                gfile.rmtree(self.url)
            elif gfile.exists(self.url):
                gfile.remove(self.url)


Place = Path | RemotePath


def place_of(base: Path, named: str | None) -> Place:
    """Returns the folder that a setting names: a URL, or a path relative to `base`; `base` for None."""
    return RemotePath(named) if named and SCHEME in named else base / (named or "")


def save_json(file: Place, payload: object) -> None:
    """Writes indented UTF-8 JSON; a reader sees either the old file or the complete new one."""
    if isinstance(file, RemotePath):
        file.write_text(to_json(payload))
    else:
        write_json(file, payload)


def remove(place: Place) -> None:
    """Deletes a file, or a folder with its contents; does nothing if there is neither."""
    if isinstance(place, RemotePath):
        place.remove()
    elif place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def reached(place: Place) -> AbstractContextManager[Any]:
    """A context in which a storage's errors become one message; does nothing for a local path."""
    return _storage(place) if isinstance(place, RemotePath) else nullcontext()


@contextmanager
def _storage(path: RemotePath) -> Iterator[Any]:
    with silence() if "tensorflow" not in sys.modules else nullcontext():
        import tensorflow as tf
    # TensorFlow answers "there is no such file" for schemes that it does not know
    known = sorted(scheme for scheme in tf.io.gfile.get_registered_schemes() if scheme)
    if path.url.partition(SCHEME)[0] not in known:
        reachable = ", ".join(f"{scheme}{SCHEME}" for scheme in known)
        raise RecordError(
            f"PACK_FOLDER is {path}, which this TensorFlow cannot reach: it knows {reachable} and local folders"
        )
    try:
        yield tf.io.gfile
    except tf.errors.NotFoundError as error:
        raise NotThereError(f"{path} does not exist: check PACK_FOLDER ({error.message})") from None
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError):
        raise  # a damaged pack, which its readers report
    except tf.errors.OpError as error:
        raise RecordError(
            f"{path} cannot be reached ({error.message.strip()}): check PACK_FOLDER and your permissions"
        ) from None
