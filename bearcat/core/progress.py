"""Bars with a rate and an ETA on a terminal, nothing elsewhere; and a parallel map that holds little in memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm


def show_progress(items: Iterable, total: int | None, what: str, unit: str = "images") -> Iterator:
    """Yield the items under a bar (on a terminal only)."""
    yield from tqdm(items, total=total, desc=what, unit=f" {unit}", disable=None, dynamic_ncols=True)


def map_in_threads(function: Callable, items: Iterable, ahead: int = 64) -> Iterator:
    """Yield function(item) in order, computed on all cores, at most `ahead` results in memory.

    Threads serve since Pillow decodes and resizes without holding the interpreter lock.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = deque()
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
