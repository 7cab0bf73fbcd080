"""Fixtures of the tests of boxes: a work without a model, and a folder of images."""

from pathlib import Path

import pytest

from bearcat.core.workspace import Work
from tests.helpers.box_labelling import MODE, noise
from tests.helpers.services import make_work
from tests.helpers.steps import change_settings


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work without a model."""
    work = Work(make_work(tmp_path / "work"))
    change_settings(work.path, MODE=MODE)
    return work


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images."""
    folder = tmp_path / "new"
    folder.mkdir()
    for seed in (1, 2, 3):
        noise(seed).save(folder / f"{seed}.png")
    return folder
