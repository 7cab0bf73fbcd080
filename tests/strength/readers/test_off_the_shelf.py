"""Readers that anyone can install, with false ones in their place: none of them is installed here."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.data.labels.reading import LabelledImage
from bearcat.strength.readers import off_the_shelf
from bearcat.strength.readers.off_the_shelf import (
    IMAGE_SECONDS,
    READERS,
    Reader,
    has_ddddocr,
    has_tesseract,
    load_ddddocr,
    load_ddddocr_beta,
    load_tesseract,
    score_readers,
)
from bearcat.strength.report import ReaderScore


@pytest.fixture
def tested(tmp_path: Path) -> list[LabelledImage]:
    """Four image files, of which each holds its label."""
    items = [LabelledImage(tmp_path / f"{number}.png", label) for number, label in enumerate(("ab", "cd", "ef", "gh"))]
    for item in items:
        item.path.write_text(item.label)
    return items


def use(monkeypatch: pytest.MonkeyPatch, **reads) -> None:
    readers = {name: Reader(lambda read=read: read, lambda: True) for name, read in reads.items()}
    monkeypatch.setattr(off_the_shelf, "READERS", readers)


def test_each_installed_reader_is_scored(tested: list[LabelledImage], monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, good=lambda image: image.decode().upper(), spaced=lambda image: f" {image.decode()[0]} b\n")
    off_the_shelf.READERS["missing"] = Reader(lambda: pytest.fail("it is not installed"), lambda: False)
    scores = [ReaderScore("good", 4, 4), ReaderScore("spaced", 1, 4)]
    assert score_readers(tested, ignore_case=True) == (scores, {"missing": "is not installed"})
    scores[0] = ReaderScore("good", 0, 4)
    assert score_readers(tested, ignore_case=False)[0] == scores


def test_a_reader_that_fails_has_not_read_the_image(tested: list[LabelledImage], monkeypatch: pytest.MonkeyPatch):
    def read(image: bytes) -> str:
        if image == b"cd":
            raise subprocess.TimeoutExpired("tesseract", 10)
        return image.decode()

    use(monkeypatch, failing=read)
    tested[3].path.unlink()
    assert score_readers(tested, ignore_case=True) == ([ReaderScore("failing", 2, 4)], {})


def test_a_reader_that_cannot_be_loaded_is_left_out(tested: list[LabelledImage], monkeypatch: pytest.MonkeyPatch):
    def load():
        raise TypeError("unexpected keyword argument 'beta'\nmore")

    use(monkeypatch, good=bytes.decode)
    off_the_shelf.READERS["broken"] = Reader(load, lambda: True)
    missing = {"broken": "could not be loaded: TypeError: unexpected keyword argument 'beta'"}
    assert score_readers(tested, ignore_case=True) == ([ReaderScore("good", 4, 4)], missing)


def test_a_reader_that_fails_on_every_image_is_left_out(tested: list[LabelledImage], monkeypatch: pytest.MonkeyPatch):
    def read(image: bytes) -> str:
        raise OSError("no language data")

    use(monkeypatch, tesseract=read)
    missing = {"tesseract": "failed on every image: OSError: no language data"}
    assert score_readers(tested, ignore_case=True) == ([], missing)


def test_images_and_time_are_limited(tested: list[LabelledImage], monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, reader=bytes.decode)
    monkeypatch.setattr(off_the_shelf, "MOST_IMAGES", 3)
    assert score_readers(tested, ignore_case=True)[0] == [ReaderScore("reader", 3, 3)]
    monkeypatch.setattr(off_the_shelf, "READER_SECONDS", -1)
    assert score_readers(tested, ignore_case=True)[0] == [ReaderScore("reader", 1, 1)]


def test_without_readers_there_are_no_scores(tested: list[LabelledImage], monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch)
    assert score_readers(tested, ignore_case=True) == ([], {})


def test_ddddocr_is_loaded_without_its_advertisement(monkeypatch: pytest.MonkeyPatch):
    made = []

    class DdddOcr:
        def __init__(self, **options):
            made.append(options)

        def classification(self, image: bytes) -> str:
            return image.decode()

    monkeypatch.setitem(sys.modules, "ddddocr", SimpleNamespace(DdddOcr=DdddOcr))
    assert load_ddddocr()(b"ab") == load_ddddocr_beta()(b"ab") == "ab"
    assert made == [{"show_ad": False}, {"show_ad": False, "beta": True}]


def test_tesseract_reads_one_line_and_is_stopped_in_time(monkeypatch: pytest.MonkeyPatch):
    called = {}

    def run_false(command: list[str], **options):
        called.update(options, command=command)
        return SimpleNamespace(stdout=b"ab\xff\n")

    monkeypatch.setattr(off_the_shelf.subprocess, "run", run_false)
    assert load_tesseract()(b"image") == "ab\ufffd\n"
    assert called["command"] == ["tesseract", "stdin", "stdout", "--psm", "7"]
    assert (called["input"], called["timeout"], called["check"]) == (b"image", IMAGE_SECONDS, True)


def test_readers_are_looked_for(monkeypatch: pytest.MonkeyPatch):
    assert list(READERS) == ["ddddocr", "ddddocr beta", "tesseract"]
    monkeypatch.setattr(off_the_shelf.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(off_the_shelf.importlib.util, "find_spec", lambda name: None)
    assert has_tesseract()
    assert not has_ddddocr()
