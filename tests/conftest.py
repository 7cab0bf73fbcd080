"""Fixtures that several tests share: folders of works, small works, and trained ones."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import ImageFont

from bearcat.core.workspace import set_active_work
from tests.helpers.slow_files import SLOW_FILES, count_processes
from tests.helpers.steps import build_work, change_settings, run_ok

PLACES = {Path(__file__).parent / file: place for place, file in enumerate(SLOW_FILES)}

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


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """A function that has the first of xdist's processes make a folder, which tests share and must not change."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)

    def make_once(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with FileLock(shared / f"{name}.lock"):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return make_once


@pytest.fixture(scope="session")
def copy_digits(make_once: Callable[..., Path]) -> Callable[..., Path]:
    """A function that copies a work with generated digits, with some settings changed: as build_work, in no time."""
    built = make_once("built", build_work) / "digits"

    def copy_digits(works: Path, name: str = "digits", **settings: object) -> Path:
        work = shutil.copytree(built, works / name)
        change_settings(work, **settings)
        return work

    return copy_digits


@pytest.fixture
def digits(works: Path, copy_digits: Callable[..., Path]) -> Path:
    """A work with generated digits, not yet packed; it is the active one."""
    work = copy_digits(works)
    set_active_work(work)
    return work


@pytest.fixture(scope="session", params=["ORDINARY", "CTC"])
def trained(request: pytest.FixtureRequest, make_once: Callable[..., Path], copy_digits: Callable[..., Path]) -> Path:
    """A work of each mode after all steps up to test.py; tests must not change it."""
    name = request.param.lower()

    def train(folder: Path) -> None:
        # one of them is compared with its int8 form
        quantize = "auto" if request.param == "CTC" else False
        work = copy_digits(folder, name, MODE=request.param, EPOCHS=2, QUANTIZE=quantize)
        for script in ("cheak_file.py", "pack_dataset.py", "train.py", "save_model.py", "test.py"):
            run_ok(script, "--work", work)

    return make_once(f"trained-{name}", train) / name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of `make test-fast`, and of those targets that take minutes."""
    parser.addoption("--fast", action="store_true", help="leave out the files of tests/helpers/slow_files.py")
    parser.addoption("--all-backbones", action="store_true", help="train every backbone, not one of each family")
    parser.addoption(
        "--faults", action="store_true", help="kill every step at every moment, not a few steps at one each"
    )
    parser.addoption("--many-kills", action="store_true", help="kill move_path.py 40 times on 5,000 images, not 4")


def pytest_xdist_auto_num_workers() -> int:
    """Returns the number that `-n auto` stands for."""
    return count_processes()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Does not even import the slow files in a fast run."""
    return True if config.getoption("--fast") and collection_path in PLACES else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the slow files; the tests of a file stay in their order."""
    items.sort(key=lambda item: PLACES.get(item.path, len(PLACES)))
