"""Processes beside the page: they end with it, however it ends, and say what went wrong."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bearcat.labelling.background.child import NICENESS
from bearcat.labelling.background.process import BackgroundProcess
from tests.helpers.steps import ROOT

MODULE, SECONDS = "tests.helpers.beside_page", 30
START = f"""
import sys, time
from pathlib import Path
from bearcat.labelling.background.process import BackgroundProcess
BackgroundProcess({MODULE!r}, [], Path(sys.argv[1]))
time.sleep(60)
"""


def wait_for_line(output: Path) -> list[str]:
    """Waits until the process has printed its line and returns the parts of it."""
    deadline = time.monotonic() + SECONDS
    while not (output.is_file() and (parts := output.read_text().split()[2:])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return parts


def test_a_process_has_a_low_priority_and_is_stopped(tmp_path: Path):
    process = BackgroundProcess(MODULE, [], tmp_path / "folder" / "output.txt")
    number, niceness = wait_for_line(tmp_path / "folder" / "output.txt")
    assert process.is_running
    assert not process.succeeded
    assert process.last_line() == f"{number} {niceness}"
    if hasattr(os, "nice"):
        assert int(niceness) == min(19, os.nice(0) + NICENESS)
    process.stop()
    assert not process.is_running
    assert not process.succeeded
    process.stop()  # once more does no harm


def test_a_process_ends_when_the_page_is_killed(tmp_path: Path):
    page = subprocess.Popen([sys.executable, "-c", START, str(tmp_path / "output.txt")], cwd=ROOT)
    try:
        child = psutil.Process(int(wait_for_line(tmp_path / "output.txt")[0]))
    finally:
        page.kill()
        page.wait()
    psutil.wait_procs([child], timeout=SECONDS)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_failure_is_described_by_the_last_line(tmp_path: Path):
    process = BackgroundProcess("tests.helpers.no_such_module", [], tmp_path / "output.txt")
    while process.is_running:
        time.sleep(0.05)
    assert not process.succeeded
    assert "No module named" in process.last_line()
    process.stop()
    (tmp_path / "output.txt").write_text("\n \n")
    assert process.last_line() == "it printed nothing"
