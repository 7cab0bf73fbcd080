"""What several tests need: a toolkit run as its users run it, and small works with real steps behind them."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import ImageFont

from benchmarks import walking

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300

# the tests' own works only, whatever the shell that runs them has set; and what scripts print is UTF-8 everywhere
for variable in ("BEARCAT_WORK", "BEARCAT_WORKS", "BEARCAT_DEBUG"):
    os.environ.pop(variable, None)
os.environ["PYTHONUTF8"] = "1"

# tests started in the background may have Ctrl-C ignored, and would hand that down to the scripts that they interrupt
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


def run_script(script: str, *arguments: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Run a script with arguments, and return what it printed."""
    return run_together([(script, *arguments)], [environment], cwd)[0]


def run_together(
    commands: list[tuple], environments: list[dict[str, str]] | None = None, cwd: Path = ROOT
) -> list[subprocess.CompletedProcess]:
    """Run scripts at the same time, each where given in an environment of its own; return what they printed.

    But for Windows they are forks of a process that has imported TensorFlow, which takes longer than most of what
    they do; `run_fresh` has them import it themselves.
    """
    environments = environments or [{}] * len(commands)
    with tempfile.TemporaryDirectory() as folder:
        printed = [(Path(folder, f"{n}.out"), Path(folder, f"{n}.err")) for n in range(len(commands))]
        processes, deadline = [], time.monotonic() + SECONDS
        try:
            for (script, *arguments), files, own in zip(commands, printed, environments, strict=True):
                words = [str(argument) for argument in arguments]
                processes.append(walking.start(script, words, *files, cwd, os.environ | own))
            for process in processes:
                process.join(max(0.0, deadline - time.monotonic()))
            codes = [process.exitcode for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.join()
        texts = [[path.read_text(encoding="utf-8") for path in files] for files in printed]
    assert None not in codes, f"{commands} took more than {SECONDS} s and printed {texts}"
    return [
        subprocess.CompletedProcess(command, code, *printed)
        for command, code, printed in zip(commands, codes, texts, strict=True)
    ]


def run_fresh(
    commands: list[tuple], environments: list[dict[str, str]] | None = None, cwd: Path = ROOT
) -> list[subprocess.CompletedProcess]:
    """Do as `run_together` in interpreters of their own, as a person does: with all that imports and exits bring."""
    environments = environments or [{}] * len(commands)
    processes = [
        subprocess.Popen(
            [sys.executable, str(ROOT / script), *map(str, arguments)],
            cwd=cwd,
            env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"} | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for (script, *arguments), own in zip(commands, environments, strict=True)
    ]
    try:
        texts = [process.communicate(timeout=SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *printed)
        for process, printed in zip(processes, texts, strict=True)
    ]


def run_well(script: str, *arguments: object, **options) -> str:
    """Run a script that must succeed; return what it printed."""
    done = run_script(script, *arguments, **options)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def run_wrongly(script: str, *arguments: object, **options) -> str:
    """Run a script that must refuse: exit code 2, one message, no traceback; return the message."""
    done = run_script(script, *arguments, **options)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"{Path(script).name}: "), done.stderr
    return done.stderr


def build_work(works: Path, name: str = "digits", pictures: int = 60, **settings: object) -> Path:
    """Make a work with generated digits in `works`, its settings changed as asked."""
    run_well("New_work.py", works, name, BEARCAT_WORKS=str(works))
    work = works / name
    config_file = work / "captcha_config.json"
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config |= {"characters": "0123", "count": pictures, "char_count": [2, 3], "width": 48, "height": 24}
    config |= {"validation_count": 12, "test_count": 12}
    config_file.write_text(json.dumps(config), encoding="utf-8")
    small = {"IMAGE_HEIGHT": 24, "IMAGE_WIDTH": 48, "CAPTCHA_LENGTH": 3, "BATCH_SIZE": 8, "MIN_EPOCH_STEPS": 2}
    with (work / "settings.py").open("a", encoding="utf-8") as file:
        file.writelines(f"{setting} = {value!r}\n" for setting, value in (small | settings).items())
    run_well("init_working_space.py", "--work", work)
    run_well("gen_sample_by_captcha.py", "--work", work)
    return work


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


@contextmanager
def serving(work: Path) -> Iterator[str]:
    """Serve a trained work from a process of its own, without the page; yield the address."""
    command = [sys.executable, "-u", str(ROOT / "app.py"), "--work", str(work), "--port", "0", "--no-page"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)), None)
            assert found, "the service did not say where it listens"
            yield found[0]
        finally:
            process.terminate()
            process.wait(timeout=30)


def read_report(work: Path, step: str) -> dict:
    """Return the report that a step left."""
    return json.loads((work / "report" / f"{step}.json").read_text(encoding="utf-8"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make test-backbones`, `make test-faults` and `make test-kills` ask for what takes minutes."""
    parser.addoption("--all-backbones", action="store_true", help="train every backbone, not one of each family")
    parser.addoption("--faults", action="store_true", help="kill every step at every moment, not a few at one each")
    parser.addoption("--many-kills", action="store_true", help="kill move_path.py 40 times on 5,000 pictures, not 4")
