"""Fixtures that several tests share: small works, and works that have passed through every step."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import ImageFont

from tests.helpers.steps import build_work, run_well

# the tests' own works only, whatever the shell that runs them has set; and what scripts print is UTF-8 everywhere
for variable in ("BEARCAT_WORK", "BEARCAT_WORKS", "BEARCAT_DEBUG"):
    os.environ.pop(variable, None)


os.environ["PYTHONUTF8"] = "1"


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def float32_after() -> Iterator[None]:
    """Leave the next test of this process the precision that Keras begins with, whatever this one trained in."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A works folder of the test's own, as the only place where works are sought."""
    folder = tmp_path / "works"
    folder.mkdir()
    monkeypatch.setenv("BEARCAT_WORKS", str(folder))
    monkeypatch.delenv("BEARCAT_WORK", raising=False)
    return folder


@pytest.fixture(scope="session")
def latin_font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A font file that is there wherever Pillow is: its own, with letters and digits."""
    path = tmp_path_factory.mktemp("fonts") / "latin.ttf"
    path.write_bytes(ImageFont.load_default(20).path.getvalue())
    return path


@pytest.fixture
def digits(works: Path) -> Path:
    """A work with generated digits, not yet packed."""
    return build_work(works)


@pytest.fixture(scope="session", params=["ORDINARY", "CTC"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work of each mode that has walked the road up to test.py. Tests must leave it as it is."""
    # all of xdist's processes share what the first of them made
    base = tmp_path_factory.getbasetemp()
    works = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
    works.mkdir(exist_ok=True)
    work = works / request.param.lower()
    with FileLock(works / f"{work.name}.lock"):
        if not (work / "report" / "test.json").exists():
            build_work(works, work.name, MODE=request.param, EPOCHS=2)
            for script in ("cheak_file.py", "pack_dataset.py", "train.py", "save_model.py", "test.py"):
                run_well(script, "--work", work)
    return work


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make test-backbones`, `make test-faults` and `make test-kills` ask for what takes minutes."""
    parser.addoption("--all-backbones", action="store_true", help="train every backbone, not one of each family")
    parser.addoption("--faults", action="store_true", help="kill every step at every moment, not a few at one each")
    parser.addoption("--many-kills", action="store_true", help="kill move_path.py 40 times on 5,000 images, not 4")
