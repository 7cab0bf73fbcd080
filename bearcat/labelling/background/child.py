"""A process beside the page, as it sees itself: it ends with the page, and may have a low priority."""

import os
import sys
import threading

NICENESS = 10  # of 19


def lower_priority() -> None:
    """Lets other processes compute first; on Windows `BackgroundProcess` does that."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def end_with_page() -> None:
    """Ends this process once the page's process has closed its input or is gone."""
    threading.Thread(target=_end_with_page, args=(sys.stdin.fileno(),), daemon=True).start()


def _end_with_page(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os._exit(1)
