"""Steps of the toolkit run one after the other, as a person runs them, but without waiting for imports each time."""

import atexit
import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# imported once, in a process that each step is a fork of (Windows has none: there a step imports for itself)
HEAVY = ["tensorflow", "keras", "tf2onnx", "onnxruntime", "scipy.stats", "matplotlib.figure"]
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def walk(work: Path, script: str, *options: str) -> None:
    """Run one step; stop with what it printed where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder, "printed.txt")
        step = start(script, ("--work", str(work), *options), printed, printed, ROOT, os.environ)
        step.join()
        if step.exitcode:
            raise SystemExit(f"{script} ended with {step.exitcode}:\n{printed.read_text('utf-8', 'replace')}")


def start(
    script: str, options: Sequence[str], told: Path, complained: Path, folder: Path, environment: Mapping[str, str]
) -> BaseProcess:
    """Start a script in a folder; what it prints to stdout and to stderr is added to two files, or to one.

    What a heavy package reads of an environment when it is imported, a fork takes from this process's at the first
    start; all else, and on Windows everything, from `environment`.
    """
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        context.set_forkserver_preload(HEAVY)
    files = (told, complained)
    for path in files:
        path.touch()
    step = context.Process(target=be_script, args=(script, tuple(options), files, folder, dict(environment)))
    step.start()
    return step


def be_script(
    script: str, options: tuple[str, ...], files: tuple[Path, Path], folder: Path, environment: dict[str, str]
) -> None:
    """Be a script of the toolkit: this process does nothing else."""
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
        atexit._run_exitfuncs()  # which multiprocessing leaves out; TensorFlow deletes its temporary files in one
