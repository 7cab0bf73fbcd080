"""Timing of training steps: interleaved rounds, ratios of them, and fresh processes."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import psutil


def run_in_new_process(function: Callable, *arguments):
    """Calls a function in a new process, in which TensorFlow is not started yet, and returns its result."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def time_interleaved(
    tasks: Mapping[str, Callable[[], object]], rounds: int, steps: int, warm_up: int = 3
) -> dict[str, list[float]]:
    """Times several tasks in turns, so that other load on the machine affects all of them.

    Args:
        tasks: Name → one step. The order rotates: A B C, B C A, …
        rounds: Turns of each task.
        steps: Steps per turn that are timed.
        warm_up: Steps at the beginning of each turn that are not timed.

    Returns:
        Name → seconds per step of each round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    names = list(tasks)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            step = tasks[name]
            for _ in range(warm_up):
                step()
            started = time.perf_counter()
            for _ in range(steps):
                step()
            seconds[name].append((time.perf_counter() - started) / steps)
    return seconds


def ratios(seconds: list[float], reference: list[float]) -> tuple[float, float, float]:
    """Returns the quartiles of the ratios of two timings, round by round."""
    by_round = [one / other for one, other in zip(seconds, reference, strict=True)]
    low, median, high = np.percentile(by_round, (25, 50, 75)).tolist()
    return low, median, high


def peak_bytes() -> int:
    """Returns the peak memory of this process so far."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return info.peak_wset
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
