"""Recognisers that are not trained on the set: ddddocr's two models, and tesseract in single-line mode."""

import importlib.util
import shutil
import subprocess

from bearcat.core.workspace import Work
from benchmarks.peers.recogniser import Recogniser


def has_ddddocr() -> bool:
    """Whether ddddocr is installed."""
    return importlib.util.find_spec("ddddocr") is not None


def has_tesseract() -> bool:
    """Whether tesseract is installed."""
    return shutil.which("tesseract") is not None


def ddddocr_default(work: Work, seconds: int, limit: int) -> Recogniser:
    """Loads ddddocr's default model."""
    import ddddocr

    return Recogniser(ddddocr.DdddOcr(show_ad=False).classification)


def ddddocr_beta(work: Work, seconds: int, limit: int) -> Recogniser:
    """Loads ddddocr's newer model."""
    import ddddocr

    return Recogniser(ddddocr.DdddOcr(show_ad=False, beta=True).classification)


def tesseract(work: Work, seconds: int, limit: int) -> Recogniser:
    """Starts tesseract for each image; tesserocr would avoid the start."""

    def predict(image: bytes) -> str:
        command = ["tesseract", "stdin", "stdout", "--psm", "7"]
        return subprocess.run(command, input=image, capture_output=True, check=True).stdout.decode("utf-8")

    return Recogniser(predict)
