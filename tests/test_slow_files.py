"""A fast run leaves out what is listed as slow, and nothing that it imports takes long."""

import subprocess
import sys

import psutil
import pytest

from tests.helpers import slow_files
from tests.helpers.slow_files import BYTES_PER_PROCESS, SLOW_FILES, count_processes
from tests.helpers.steps import ROOT

# collects the tests of a fast run as pytest does, and prints what of TensorFlow and gradio this imports
COLLECT = """
import sys, pytest
code = pytest.main(["--fast", "--collect-only", "-qq", "-n", "0"])
print("imported:", sorted({"tensorflow", "keras", "gradio"} & sys.modules.keys()))
sys.exit(code)
"""


def test_every_slow_file_exists_once():
    assert [file for file in SLOW_FILES if not (ROOT / "tests" / file).is_file()] == []
    assert len(set(SLOW_FILES)) == len(SLOW_FILES)


def test_a_fast_run_collects_no_slow_file_and_imports_no_large_package():
    done = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = {line.partition(":")[0].removeprefix("tests/") for line in done.stdout.splitlines()}
    assert "core/test_names.py" in collected
    assert not collected & set(SLOW_FILES)
    assert done.stdout.splitlines()[-1] == "imported: []", "list the file that does in tests/helpers/slow_files.py"


@pytest.mark.parametrize(
    ("cores", "memory", "processes"), [(2, 24, 3), (8, 24, 8), (2, 4, 1), (1, 1, 1), (None, 24, 2)]
)
def test_there_are_as_many_processes_as_fit(cores: int, memory: int, processes: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slow_files.os, "cpu_count", lambda: cores)
    free = type("Free", (), {"available": memory * 2**30})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert count_processes() == processes
    assert BYTES_PER_PROCESS * processes <= max(memory * 2**30, BYTES_PER_PROCESS)
