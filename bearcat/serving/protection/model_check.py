"""The check of models in a process of its own, with limits: a file from elsewhere may never end, or take all memory.

The process loads each file, runs it on a blank image and writes a line of JSON; it ends with the process that started
it. It is forked if that is safe, since a new interpreter needs time for imports; otherwise it is this module in a new
interpreter, with the files as arguments.
"""

import json
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from bearcat.artifacts.inference import Recogniser, load_recogniser
from bearcat.core.errors import ArtifactError, BearcatError
from bearcat.core.names import show_name
from bearcat.modes import MODES, Task

CHECK_SECONDS = 60  # of the largest network on a slow processor, with time to spare
CHECK_MEMORY = 8 * 2**30  # bytes; Linux only
CPU_SECONDS = 4 * CHECK_SECONDS  # of all cores, should the process outlive its parent; not on Windows
POLL_SECONDS = 0.1
LIBRARY = Path(__file__).resolve().parents[3]


class UncheckedError(ArtifactError):
    """The check of a model did not end in time."""


def check_files(
    paths: Sequence[Path], seconds: float = CHECK_SECONDS, stopped: threading.Event | None = None
) -> dict[Path, ArtifactError | None]:
    """Checks model files, one after the other.

    Args:
        paths: The files.
        seconds: Time for each of them.
        stopped: Ends the check when it is set; the files that were not checked are left out.

    Returns:
        What is wrong with each file; an UncheckedError if it took too long.
    """
    stopped = stopped or threading.Event()
    results: dict[Path, ArtifactError | None] = {}
    while len(results) < len(paths) and not stopped.is_set():
        waiting = paths[len(results) :]
        with _CheckProcess(waiting) as process:
            for path in waiting:
                answer = process.answer(time.monotonic() + seconds, stopped)
                if stopped.is_set():
                    return results
                results[path] = _problem(path, answer, seconds)
                if not answer:
                    break  # a new process goes on with the next file
    return results


def _problem(path: Path, answer: str | None, seconds: float) -> ArtifactError | None:
    """Returns what is wrong with a file by the line of its check; None stands for none in time, '' for a crash."""
    if answer is None:
        return UncheckedError(
            f"{show_name(path)} did not end its check within {seconds:g} s: load only models that you trust"
        )
    if not answer:
        return ArtifactError(
            f"{show_name(path)} ended the process of its check, which may use {CHECK_MEMORY >> 30} GiB of memory: "
            "load only models that you trust"
        )
    problem = json.loads(answer)
    return ArtifactError(problem) if problem else None


def _fork(paths: Sequence[Path]) -> tuple[Callable[[], None], IO[str]]:
    """Starts a check in a copy of this process; returns what ends it, and what it writes."""
    reader, writer = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=_check, args=(paths, writer, _wait_until_orphaned))
    process.start()
    os.close(writer)

    def end() -> None:
        process.kill()
        process.join()

    return end, os.fdopen(reader, encoding="ascii")


def _spawn(paths: Sequence[Path]) -> tuple[Callable[[], None], IO[str]]:
    """Starts a check in a new interpreter; returns what ends it, and what it writes."""
    search = [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, *map(os.path.abspath, paths)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(search)},
        stdin=subprocess.PIPE,  # ends when this process does
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
    )
    given, output = process.stdin, process.stdout
    assert given
    assert output

    def end() -> None:
        process.kill()
        process.wait()
        given.close()

    return end, output


def _can_fork() -> bool:
    """Whether no other thread can hold a lock that the copy of this process would wait for."""
    return sys.platform == "linux" and threading.active_count() == 1 and "tensorflow" not in sys.modules


class _CheckProcess:
    """A process that checks files, to be used as a context."""

    def __init__(self, paths: Sequence[Path]):
        self._end, self._output = (_fork if _can_fork() else _spawn)(paths)
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._output:
            for line in self._output:
                self._answers.put(line)
        self._answers.put("")

    def answer(self, deadline: float, stopped: threading.Event) -> str | None:
        """Returns the next line, '' if the process has ended, None if it takes too long or the check was stopped."""
        while time.monotonic() < deadline and not stopped.is_set():
            try:
                return self._answers.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
        return None

    def __enter__(self) -> "_CheckProcess":
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()
        self._reader.join()


def check_model(recogniser: Recogniser, path: Path) -> None:
    """Runs a model on a blank image.

    Raises:
        ArtifactError: Its output does not fit its card, or is not finite.
    """
    card = recogniser.card
    logits = recogniser.engine.logits(np.full((1, *card.spec.shape), 255, np.float32))
    codec = card.make_codec()
    classes = codec.probabilities(logits).shape[-1]
    expected = len(card.characters) + (MODES[card.mode].task is not Task.DETECTION)  # boxes have no blank class
    shown = show_name(path)
    if classes != expected:
        raise ArtifactError(f"{shown} has {classes} output classes, but its card says {expected}: save it again")
    if not np.isfinite(logits).all():
        raise ArtifactError(f"{shown} outputs NaN or infinity for a blank image: train it again")
    codec.decode(logits)


def problem_with(path: Path) -> str:
    """Returns what is wrong with a file, on one line; '' if it is good."""
    try:
        check_model(load_recogniser(path), path)
    except BearcatError as error:
        return show_name(str(error))
    except Exception as error:  # noqa: BLE001  a broken file can raise anything
        return show_name(f"{path}: {error!r}")
    return ""


def _limit_process() -> None:
    """Limits this process; Windows has no such limits, macOS none of memory."""
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_CORE: 0}
    limits |= {resource.RLIMIT_DATA: CHECK_MEMORY} if sys.platform == "linux" else {}
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("1000", encoding="ascii")  # where memory is short, this process goes and not the service


def _wait_until_orphaned() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)


def _check(paths: Sequence[Path], output: int, wait_for_end: Callable[[], object]) -> None:
    """Checks files in this process and writes a line for each; ends with the parent."""

    def end_with_parent() -> None:
        wait_for_end()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which then ends this process
    _limit_process()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # packages may print
        os.dup2(nowhere, stream)
    threading.Thread(target=end_with_parent, daemon=True).start()
    with os.fdopen(output, "w", encoding="ascii") as answers:
        for path in paths:
            print(json.dumps(problem_with(path)), file=answers, flush=True)


if __name__ == "__main__":
    _check([Path(argument) for argument in sys.argv[1:]], os.dup(1), sys.stdin.read)
