"""Model files made to do harm are named and left out, whatever they do; the others are served."""

import ast
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bearcat.artifacts.inference import MAX_MODEL_BYTES, OnnxEngine
from bearcat.core.errors import ArtifactError
from bearcat.serving.protection import model_check
from bearcat.serving.protection.model_check import check_files
from tests.helpers.evil_models import (
    end_second_check_at_once,
    write_endless,
    write_greedy,
    write_link_to_itself,
    write_pipe,
    write_referring,
    write_sparse,
)
from tests.helpers.services import DARK, make_work, running, write_model
from tests.helpers.steps import ROOT

NOT_ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither pipes in folders nor limits")
NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (write_pipe, "it is no file but"),
    "folder": (Path.mkdir, "it is no file but"),
    "device": (lambda file: file.symlink_to("/dev/zero"), "it is no file but"),
    "link": (write_link_to_itself, "it is a link to itself"),
    "nowhere": (lambda file: file.symlink_to("nothing"), "is not there"),
    "huge": (partial(write_sparse, size=MAX_MODEL_BYTES + 1), "has 1,073,741,825 bytes"),
}


@NOT_ON_WINDOWS
@pytest.mark.parametrize("suffix", [".onnx", ".keras"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_of_a_model_s_size_is_refused_without_being_opened(kind: str, suffix: str, tmp_path: Path):
    write, message = NO_FILES[kind]
    file = tmp_path / f"model{suffix}"
    write(file)
    (problem,) = check_files([file]).values()
    assert isinstance(problem, ArtifactError)
    assert message in str(problem)


@pytest.mark.parametrize("how", ["beside", "absolute", "in the working directory", "above"])
def test_tensors_in_other_files_are_not_read(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "folder").mkdir()
    for folder in (tmp_path, tmp_path / "folder"):
        (folder / "secret").write_bytes(b"\x01" * 64)
    monkeypatch.chdir(tmp_path)
    location = {"absolute": str(tmp_path / "secret"), "above": "../secret"}.get(how, "secret")
    file = tmp_path / "folder" / "model.onnx"
    write_referring(file, location)
    with pytest.raises(ArtifactError, match="refers to other files, which are not read"):
        OnnxEngine(file)


def check_in_new_interpreter(*paths: Path, memory: int = model_check.CHECK_MEMORY) -> list[tuple[str, str]]:
    """Checks files from a process that may fork, unlike that of the tests; returns (kind, message) of each problem.

    The time of the second file is over at once.
    """
    code = f"""if True:
        import sys
        from pathlib import Path
        from bearcat.serving.protection import model_check
        from tests.helpers.evil_models import end_second_check_at_once
        end_second_check_at_once()
        model_check.CHECK_MEMORY = {memory}
        assert model_check._can_fork() == (sys.platform == "linux")
        found = model_check.check_files([Path(one) for one in sys.argv[1:]]).values()
        print([(type(one).__name__, str(one)) for one in found])"""
    command = [sys.executable, "-c", code, *map(str, paths)]
    return ast.literal_eval(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("forks", [True, False])
def test_each_file_is_checked_though_one_never_ends(forks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = good, endless, later = [tmp_path / f"{name}.onnx" for name in ("good", "endless", "later")]
    write_model(good)
    write_endless(endless)
    write_model(later, classes=5)
    if forks:
        found = check_in_new_interpreter(*files)
    else:
        monkeypatch.setattr(model_check, "_can_fork", lambda: False)
        end_second_check_at_once(monkeypatch.setattr)
        found = [(type(one).__name__, str(one)) for one in check_files(files).values()]
    assert [kind for kind, _ in found] == ["NoneType", "UncheckedError", "ArtifactError"]
    assert "5 output classes" in found[2][1]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited under Linux only")
def test_a_model_that_asks_for_more_memory_than_is_allowed_is_refused(tmp_path: Path):
    write_greedy(tmp_path / "greedy.onnx", count=2**28)
    ((kind, _),) = check_in_new_interpreter(tmp_path / "greedy.onnx", memory=2**30)
    assert kind == "ArtifactError"


def test_a_check_that_was_stopped_says_nothing_of_the_files_left(tmp_path: Path):
    write_endless(tmp_path / "endless.onnx")
    stopped = model_check.threading.Event()
    model_check.threading.Timer(1, stopped.set).start()
    assert check_files([tmp_path / "endless.onnx"], stopped=stopped) == {}


@NOT_ON_WINDOWS
def test_a_service_with_evil_models_serves_the_good_one_names_the_others_and_stops(tmp_path: Path):
    """Takes as long as the service waits for a model that does not end."""
    work = make_work(tmp_path / "work", captcha={})
    folder = work / "App_model"
    for kind, (write, _) in NO_FILES.items():
        write(folder / f"{kind}.onnx")
    write_endless(folder / "endless.onnx")
    write_referring(folder / "referring.onnx", "/etc/hostname")
    with running(work, "--no-page") as service:
        health = service.get("/health").json()
        assert (health["status"], health["units"]) == ("ok", ["captcha"])
        assert set(health["rejected"]) == {*NO_FILES, "endless", "referring"}
        for name in {*NO_FILES, "referring"}:
            service.wait_for_log(f"ERROR model {name} rejected: ")
        service.wait_for_log("WARNING model endless is still being checked")
        write_pipe(folder / "late.onnx")
        assert service.post(data={"img": DARK}).json()["result"] == "a"
        started = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=60) == 0
        assert time.monotonic() - started < model_check.CHECK_SECONDS / 2  # not once the check has ended
        assert not re.search("Traceback", service.log())
