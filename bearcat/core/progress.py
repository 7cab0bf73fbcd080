"""Progress bars on a terminal, and a parallel map with bounded memory."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from tqdm import tqdm

from bearcat.core.names import show_message


def show_progress(items: Iterable, total: int | None, what: str, unit: str = "images", delay: float = 0) -> Iterator:
    """Yields the items and shows a progress bar, on a terminal only, if it takes longer than `delay` seconds."""
    yield from tqdm(items, total=total, desc=what, unit=f" {unit}", disable=None, dynamic_ncols=True, delay=delay)


def write_line(message: str) -> None:
    """Prints a line at once, above a progress bar if one is shown."""
    tqdm.write(show_message(message))
    sys.stdout.flush()


def map_in_threads(function: Callable, items: Iterable, ahead: int = 64) -> Iterator:
    """Yields function(item) in order, computed on all cores with at most `ahead` results in memory.

    Threads are enough, since Pillow decodes and resizes without the interpreter lock.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: deque[Future] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
