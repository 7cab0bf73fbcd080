"""Readers that nobody trains: ddddocr's two models, and tesseract's program told that an image is one line."""

import importlib.util
import shutil
import subprocess

from bearcat.core.workspace import Work
from benchmarks.peers.readers import Reader


def has_ddddocr() -> bool:
    """Tell whether ddddocr is installed."""
    return importlib.util.find_spec("ddddocr") is not None


def has_tesseract() -> bool:
    """Tell whether tesseract is installed."""
    return shutil.which("tesseract") is not None


def ddddocr_first(work: Work, seconds: int, limit: int) -> Reader:
    """Return the model that ddddocr takes unless told otherwise."""
    import ddddocr

    return Reader(ddddocr.DdddOcr(show_ad=False).classification)


def ddddocr_beta(work: Work, seconds: int, limit: int) -> Reader:
    """Return ddddocr's newer model."""
    import ddddocr

    return Reader(ddddocr.DdddOcr(show_ad=False, beta=True).classification)


def tesseract(work: Work, seconds: int, limit: int) -> Reader:
    """Return tesseract's program, started for each image; tesserocr would save its start."""

    def read(image: bytes) -> str:
        command = ["tesseract", "stdin", "stdout", "--psm", "7"]
        return subprocess.run(command, input=image, capture_output=True, check=True).stdout.decode("utf-8")

    return Reader(read)
