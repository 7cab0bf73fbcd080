"""A work's folder for click captchas."""

from pathlib import Path

import pytest

from tests.helpers.captchas import write_click


@pytest.fixture
def work(tmp_path: Path, latin_font: Path) -> Path:
    """A folder with a configuration of kind "click", with Pillow's own font."""
    write_click(tmp_path, fonts=[str(latin_font)])
    return tmp_path
