"""Steps of the toolkit run one after the other, as a person runs them, but without waiting for imports each time."""

import multiprocessing
import os
import runpy
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# imported once, in a process that each step is a fork of (Windows has none: there a step imports for itself)
HEAVY = ["tensorflow", "keras", "tf2onnx", "onnxruntime", "scipy.stats", "matplotlib.figure"]
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def walk(work: Path, script: str, *options: str) -> None:
    """Run one step; stop with what it printed where it fails."""
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        context.set_forkserver_preload(HEAVY)
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder, "printed.txt")
        step = context.Process(target=run_script, args=(script, ("--work", str(work), *options), printed))
        step.start()
        step.join()
        if step.exitcode:
            raise SystemExit(f"{script} ended with {step.exitcode}:\n{printed.read_text('utf-8', 'replace')}")


def run_script(script: str, options: tuple[str, ...], printed: Path) -> None:
    """Be a script of the toolkit, called with options; what it prints goes to a file."""
    with printed.open("wb") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = [script, *options]
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    runpy.run_path(str(ROOT / script), run_name="__main__")
