"""Runs the scripts in forks of a process that has already imported TensorFlow, so that no step waits for imports."""

import atexit
import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from bearcat.core.devices import choose_kernels
from bearcat.core.telemetry import switch_off_telemetry

ROOT = Path(__file__).resolve().parent.parent
# imported once, in the fork server; Windows has no forks, so there every script imports for itself
PRELOADED = ["tensorflow", "keras", "tf2onnx", "onnxruntime", "scipy.stats", "matplotlib.figure"]
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def run_step(work: Path, script: str, *options: str) -> None:
    """Runs one script on a work; exits with its output if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output.txt")
        process = start_script(script, ("--work", str(work), *options), output, output, ROOT, os.environ)
        process.join()
        if process.exitcode:
            raise SystemExit(f"{script} ended with {process.exitcode}:\n{output.read_text('utf-8', 'replace')}")


def start_script(
    script: str, options: Sequence[str], stdout: Path, stderr: Path, folder: Path, environment: Mapping[str, str]
) -> BaseProcess:
    """Starts a script in a folder and returns its process.

    Variables that the preloaded packages read on import come from this process at the first start; all others, and
    on Windows all, come from `environment`.

    Args:
        script: File name, relative to the project's root.
        options: Its command line.
        stdout, stderr: Files that the output is appended to; may be the same.
        folder: Working directory of the script.
        environment: Its environment variables.
    """
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        choose_kernels()
        switch_off_telemetry()
        context.set_forkserver_preload(PRELOADED)
    files = (stdout, stderr)
    for path in files:
        path.touch()
    process = context.Process(target=_become_script, args=(script, tuple(options), files, folder, dict(environment)))
    process.start()
    return process


def _become_script(
    script: str, options: tuple[str, ...], files: tuple[Path, Path], folder: Path, environment: dict[str, str]
) -> None:
    for path, stream in zip(files, (sys.stdout, sys.stderr), strict=True):
        with path.open("ab") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    path = ROOT / script
    sys.argv = [str(path), *options]
    sys.path.insert(0, str(path.parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # multiprocessing skips them, and TensorFlow deletes its temporary files in one
