"""Readers that anyone can install and that learn nothing: ddddocr's two models, and tesseract in single-line mode."""

import importlib.util
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bearcat.core.errors import BearcatError
from bearcat.core.progress import show_progress
from bearcat.data.labels.reading import LabelledImage
from bearcat.strength.readers.matching import count_correct
from bearcat.strength.report import ReaderScore

MOST_IMAGES = 200
IMAGE_SECONDS = 10  # after which tesseract is stopped
READER_SECONDS = 120  # after which a reader gets no further image
NOTHING = ""  # what counts as read if a reader fails
MESSAGE = 200  # characters of the error of a reader

Read = Callable[[bytes], str]  # the bytes of an image file → its text


class ReaderError(BearcatError):
    """A reader cannot be tested."""


@dataclass(frozen=True)
class Reader:
    """A reader: how it is loaded, and whether it is installed."""

    load: Callable[[], Read]
    is_installed: Callable[[], bool]


def has_ddddocr() -> bool:
    """Whether ddddocr is installed."""
    return importlib.util.find_spec("ddddocr") is not None


def has_tesseract() -> bool:
    """Whether tesseract is installed."""
    return shutil.which("tesseract") is not None


def load_ddddocr() -> Read:
    """Loads ddddocr's default model."""
    import ddddocr

    return ddddocr.DdddOcr(show_ad=False).classification


def load_ddddocr_beta() -> Read:
    """Loads ddddocr's newer model."""
    import ddddocr

    return ddddocr.DdddOcr(show_ad=False, beta=True).classification


def load_tesseract() -> Read:
    """Returns a function that starts tesseract for each image; tesserocr would avoid the start."""

    def read(image: bytes) -> str:
        command = ["tesseract", "stdin", "stdout", "--psm", "7"]
        done = subprocess.run(command, input=image, capture_output=True, check=True, timeout=IMAGE_SECONDS)
        return done.stdout.decode("utf-8", errors="replace")

    return read


READERS = {
    "ddddocr": Reader(load_ddddocr, has_ddddocr),
    "ddddocr beta": Reader(load_ddddocr_beta, has_ddddocr),
    "tesseract": Reader(load_tesseract, has_tesseract),
}


def score_readers(tested: Sequence[LabelledImage], ignore_case: bool) -> tuple[list[ReaderScore], dict[str, str]]:
    """Tests the installed readers on the first MOST_IMAGES images, as far as their time allows.

    Args:
        tested: The images.
        ignore_case: Whether upper and lower case count as the same.

    Returns:
        What they read, and the names of the others, each with why it was not tested.
    """
    scores, missing = [], {}
    for name, reader in READERS.items():
        try:
            scores.append(_score(name, _load(reader), tested[:MOST_IMAGES], ignore_case))
        except ReaderError as error:
            missing[name] = str(error)
    return scores, missing


def _load(reader: Reader) -> Read:
    if not reader.is_installed():
        raise ReaderError("is not installed")
    try:
        return reader.load()
    except Exception as error:
        raise ReaderError(f"could not be loaded: {_describe(error)}") from error


def _score(name: str, read: Read, tested: Sequence[LabelledImage], ignore_case: bool) -> ReaderScore:
    texts: list[str] = []
    failures: list[Exception] = []
    deadline = time.monotonic() + READER_SECONDS
    for item in show_progress(tested, len(tested), name):
        if texts and time.monotonic() > deadline:
            break
        try:
            texts.append(read(item.path.read_bytes()))
        except Exception as error:  # noqa: BLE001  whatever fails in the program of others, it has not read the image
            failures.append(error)
            texts.append(NOTHING)
    if len(failures) == len(texts):
        raise ReaderError(f"failed on every image: {_describe(failures[-1])}")
    correct = count_correct(texts, [item.label for item in tested[: len(texts)]], ignore_case)
    return ReaderScore(name, correct, len(texts))


def _describe(error: Exception) -> str:
    """Returns the kind and the first line of an error."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:MESSAGE]
