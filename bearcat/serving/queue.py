"""The bounded queue before the models: a thread per core predicts, a limited number of images waits."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bearcat.serving.protocol import RequestError

MAX_WAITING = 128  # images
RETRY_SECONDS = 1

T = TypeVar("T")


class WorkQueue:
    """Runs jobs in a thread pool with one thread per core, since each job keeps a core busy.

    Args:
        max_waiting: Number of jobs that may wait for a thread.
        on_change: Called with the number of running and waiting jobs whenever it changes.
    """

    def __init__(self, max_waiting: int = MAX_WAITING, on_change: Callable[[int], object] = lambda count: None):
        threads = available_cores()
        self._limit = threads + max_waiting
        self._count = 0
        self._on_change = on_change
        self._pool = ThreadPoolExecutor(threads, "predict")

    async def run(self, jobs: Sequence[Callable[[], T]]) -> list[T | BaseException]:
        """Runs all jobs of a request and returns what each returned or raised, in order.

        An idle queue accepts any number of jobs.

        Raises:
            RequestError: 503, at once, if the queue is full.
        """
        if self._count and self._count + len(jobs) > self._limit:
            raise RequestError(
                503,
                f"{self._count} images are waiting already: try again in {RETRY_SECONDS} s",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        self._add(len(jobs))
        try:
            loop = asyncio.get_running_loop()
            futures = [loop.run_in_executor(self._pool, job) for job in jobs]
            return await asyncio.gather(*futures, return_exceptions=True)
        finally:
            self._add(-len(jobs))

    def _add(self, jobs: int) -> None:
        self._count += jobs
        self._on_change(self._count)


def available_cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
