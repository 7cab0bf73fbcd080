"""What the measurements of training steps share: things timed in turns, ratios of them, and a process for each."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import psutil


def in_own_process(function: Callable, *arguments):
    """Call a function in a fresh process and return what it returns: TensorFlow starts once in each, memory at 0."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def time_in_turns(
    tasks: Mapping[str, Callable[[], object]], rounds: int, steps: int, settling: int = 3
) -> dict[str, list[float]]:
    """Return name → seconds a step in each round; A B C B C A …, so that what else the machine does meets all alike.

    `settling` steps at the beginning of each turn are not counted.
    """
    seconds, names = {name: [] for name in tasks}, list(tasks)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            step = tasks[name]
            for _ in range(settling):
                step()
            started = time.perf_counter()
            for _ in range(steps):
                step()
            seconds[name].append((time.perf_counter() - started) / steps)
    return seconds


def ratios(seconds: list[float], base: list[float]) -> tuple[float, float, float]:
    """Return how many times as long as `base` something takes, each round held to its own: the quartiles of that."""
    held = [one / other for one, other in zip(seconds, base, strict=True)]
    return tuple(np.percentile(held, (25, 50, 75)).tolist())


def peak_bytes() -> int:
    """Return the most memory that this process has held so far."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return info.peak_wset
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
