"""The bounded queue before the units: so many threads recognise, so many requests wait, the next one is sent away."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bearcat.serving.protocol import RequestError

MOST_WAITING = 128  # images
RETRY_SECONDS = 1


class WorkQueue:
    """Runs jobs in a pool of threads, one a core, since each keeps its core busy.

    `watch` is called with the number of jobs that are there whenever it changes.
    """

    def __init__(self, most_waiting: int = MOST_WAITING, watch: Callable[[int], object] = lambda count: None):
        self.threads = cores()
        self.most = self.threads + most_waiting
        self.count = 0
        self._watch = watch
        self._pool = ThreadPoolExecutor(self.threads, "recognise")

    async def run(self, jobs: list[Callable[[], object]]) -> list[object]:
        """Return what each job returned or raised; raise RequestError 503 at once where the queue is full.

        An idle service takes as many jobs as one request brings.
        """
        if self.count and self.count + len(jobs) > self.most:
            raise RequestError(
                503,
                f"{self.count} images are waiting already: ask again in {RETRY_SECONDS} s",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        self._change(len(jobs))
        try:
            loop = asyncio.get_running_loop()
            futures = [loop.run_in_executor(self._pool, job) for job in jobs]
            return await asyncio.gather(*futures, return_exceptions=True)
        finally:
            self._change(-len(jobs))

    def _change(self, by: int) -> None:
        self.count += by
        self._watch(self.count)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
