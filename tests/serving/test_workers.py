"""Several processes on one socket: those that cannot start end the service, one that dies is replaced."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bearcat.serving import workers
from bearcat.serving.workers import MAX_FAILED_STARTS, _replace_dead
from tests.helpers.services import DARK, make_work, running
from tests.helpers.steps import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="under Windows processes cannot share a socket")
# a configuration that ends every process that reads it
SCRIPT = """
import os
from bearcat.cli import run
from bearcat.serving import workers
from bearcat.serving.server import configure_logging, listen
class Deadly:
    def __reduce__(self):
        return os._exit, (3,)
workers.POLL_SECONDS = 0.05
configure_logging()
run(lambda: workers.serve_with_workers(Deadly(), listen("127.0.0.1", 0), 2))
"""


def test_workers_that_cannot_start_end_the_service_with_a_message():
    ended = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert f"{MAX_FAILED_STARTS} workers in a row could not start, the last one with exit code 3" in ended.stderr
    assert ended.stderr.count("starting another") < MAX_FAILED_STARTS
    assert "Traceback" not in ended.stderr


class Dying:
    """A worker that has answered requests and dies after some looks at it."""

    def __init__(self, has_started: bool):
        self.looks = 0
        self.process = self
        self.has_started = threading.Event()
        self.pid, self.exitcode = 1, -9
        if has_started:
            self.has_started.set()

    def is_alive(self) -> bool:
        self.looks += 1
        return self.looks < 3


def test_workers_that_have_answered_are_replaced_however_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "POLL_SECONDS", 0)
    started, stop = [], threading.Event()

    def start() -> Dying:
        started.append(Dying(has_started=len(started) % 2 == 0))  # every other one can start
        if len(started) == 10 * MAX_FAILED_STARTS:
            stop.set()
        return started[-1]

    _replace_dead([Dying(True)], stop, start, tmp_path)
    assert len(started) == 10 * MAX_FAILED_STARTS


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path):
    with running(make_work(tmp_path / "work", first={}), "--no-page", "--workers", 2) as service:
        killed = re.findall(r"\d+", service.wait_for_log(r"worker \d+ started"))[0]
        os.kill(int(killed), signal.SIGKILL)
        service.wait_for_log(f"worker {killed} exited with code -9: starting another")
        assert service.post(data={"img": DARK}).json()["result"] == "a"
