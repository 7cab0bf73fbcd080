"""A process beside another one, as it sees itself: it ends with its parent, and may have a low priority."""

import os
import sys
import threading

NICENESS = 10  # of 19


def lower_priority() -> None:
    """Lets other processes compute first; on Windows `BackgroundProcess` does that."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def end_with_parent() -> None:
    """Ends this process once the one that started it has closed its input or is gone."""
    threading.Thread(target=_end_with_parent, args=(sys.stdin.fileno(),), daemon=True).start()


def _end_with_parent(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os._exit(1)
