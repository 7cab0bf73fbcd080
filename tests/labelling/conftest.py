"""Fixtures of the labelling tests: a work without a model, a folder of images, a browser's window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bearcat.core.workspace import Work
from bearcat.data.labels.reading import label_of_name
from bearcat.labelling.app import make_labelling_app
from bearcat.labelling.start import next_commands, open_labelling
from tests.helpers.labelling import ORIGIN
from tests.helpers.services import make_work, png
from utils import Predict_Image


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work without a model."""
    return Work(make_work(tmp_path / "work"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images, a duplicate, a damaged image, and files that are ignored."""
    folder = tmp_path / "new"
    (folder / "sub").mkdir(parents=True)
    for name, light in {"a.png": 10, "b.png": 250, "c": 126, "d.jpg": 200}.items():
        (folder / name).write_bytes(png(light))
    (folder / "again.png").write_bytes(png(250))
    (folder / "broken.png").write_bytes(png()[:40])
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    (folder / ".hidden.png").write_bytes(png(7))
    (folder / "sub" / "deep.png").write_bytes(png(8))
    return folder


@pytest.fixture
def client(folder: Path, work: Work) -> Iterator[TestClient]:
    """A browser's window on the page, with all images opened."""
    session = open_labelling(folder, work, "CTC", "captcha", Predict_Image, label_of_name)
    app = make_labelling_app(session, lambda: next_commands(work, session.symbols))
    with TestClient(app, base_url=ORIGIN["origin"], headers=ORIGIN) as client:
        while client.get("/state").json()["opened"] < 1:
            pass
        yield client
