"""A process beside the page, as the page sees it."""

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bearcat.core.workspace import ROOT

LOW_PRIORITY = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)  # of Windows
LINE = 300  # characters of a message
STOP_SECONDS = 10


class BackgroundProcess:
    """A Python module that runs in a process of its own. It ends with this process, however that ends.

    Args:
        module: A module that calls `child.end_with_parent`.
        arguments: Its command line.
        output: File for what it prints.
        is_urgent: Whether its priority is that of the page; on systems other than Windows it sees to that itself.
    """

    def __init__(self, module: str, arguments: Sequence[str], output: Path, is_urgent: bool = False):
        output.parent.mkdir(parents=True, exist_ok=True)
        self._output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                creationflags=0 if is_urgent else LOW_PRIORITY,
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def succeeded(self) -> bool:
        """Whether it has ended without an error."""
        return self._process.poll() == 0

    def wait(self) -> None:
        """Waits until it has ended."""
        self._process.wait()

    def last_line(self) -> str:
        """Returns the last line that it printed, which says what went wrong."""
        lines = self._output.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip()[:LINE] for line in reversed(lines) if line.strip()), "it printed nothing")

    def stop(self) -> None:
        """Kills it if it still runs: what it writes is not needed any more."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        if self._process.stdin:
            self._process.stdin.close()
