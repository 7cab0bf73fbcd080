"""Fixtures that several tests share: folders of works, small works, and trained ones."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import ImageFont

from tests.helpers.steps import build_work, run_ok

# no works of whoever runs the tests; and UTF-8 in what scripts print, on every system
for variable in ("BEARCAT_WORK", "BEARCAT_WORKS", "BEARCAT_DEBUG"):
    os.environ.pop(variable, None)
os.environ["PYTHONUTF8"] = "1"

# tests that are started in the background may ignore Ctrl-C, and so would the scripts that they interrupt
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def float32_after() -> Iterator[None]:
    """Resets the precision after each test: a training changes it for the whole process."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the only one in which works are looked for."""
    folder = tmp_path / "works"
    folder.mkdir()
    monkeypatch.setenv("BEARCAT_WORKS", str(folder))
    monkeypatch.delenv("BEARCAT_WORK", raising=False)
    return folder


@pytest.fixture(scope="session")
def latin_font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The font that Pillow brings along, with letters and digits."""
    path = tmp_path_factory.mktemp("fonts") / "latin.ttf"
    path.write_bytes(ImageFont.load_default(20).path.getvalue())
    return path


@pytest.fixture
def digits(works: Path) -> Path:
    """A work with generated digits, not yet packed."""
    return build_work(works)


@pytest.fixture(scope="session", params=["ORDINARY", "CTC"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work of each mode after all steps up to test.py; tests must not change it."""
    # made once by the first of xdist's processes
    base = tmp_path_factory.getbasetemp()
    works = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
    works.mkdir(exist_ok=True)
    work = works / request.param.lower()
    with FileLock(works / f"{work.name}.lock"):
        if not (work / "report" / "test.json").exists():
            build_work(works, work.name, MODE=request.param, EPOCHS=2)
            for script in ("cheak_file.py", "pack_dataset.py", "train.py", "save_model.py", "test.py"):
                run_ok(script, "--work", work)
    return work


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of `make test-backbones`, `make test-faults` and `make test-kills`, which take minutes."""
    parser.addoption("--all-backbones", action="store_true", help="train every backbone, not one of each family")
    parser.addoption(
        "--faults", action="store_true", help="kill every step at every moment, not a few steps at one each"
    )
    parser.addoption("--many-kills", action="store_true", help="kill move_path.py 40 times on 5,000 images, not 4")
