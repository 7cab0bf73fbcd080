"""The bounded queue before the models: a thread per core predicts, a limited number of images waits."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from bearcat.artifacts.run_guard import RunGuard

MAX_WAITING = 128  # images; each cell of a grid is one
RETRY_SECONDS = 1

T = TypeVar("T")


class QueueFullError(Exception):
    """The queue is full: no more images are accepted at present."""


class WorkQueue:
    """Runs jobs in a thread pool with one thread per core, since each job keeps a core busy.

    Args:
        max_waiting: Number of images that may wait for a thread.
        on_change: Called with the number of images being predicted or waiting whenever it changes.
    """

    def __init__(self, max_waiting: int = MAX_WAITING, on_change: Callable[[int], object] = lambda count: None):
        threads = available_cores()
        self._limit = threads + max_waiting
        self._count = 0
        self._lock = threading.Lock()  # jobs end in other threads
        self._on_change = on_change
        self._pool = ThreadPoolExecutor(threads, "predict")

    async def run(self, jobs: Sequence[Callable[[], T]], images_each: int = 1) -> list[T | BaseException]:
        """Runs all jobs of a request and returns what each returned or raised, in order.

        An idle queue accepts any number of jobs. If the caller is cancelled, jobs that wait are dropped, and running
        ones end at the next operation of their network; until then they count.

        Args:
            jobs: The jobs.
            images_each: Number of images that each job predicts.

        Raises:
            QueueFullError: At once, if the queue is full.
        """
        if self._count and self._count + len(jobs) * images_each > self._limit:
            raise QueueFullError(f"{self._count} images are waiting already: try again in {RETRY_SECONDS} s")
        guards = [RunGuard() for _ in jobs]
        futures = [self._submit(guard, job, images_each) for guard, job in zip(guards, jobs, strict=True)]
        try:
            return await asyncio.gather(*map(asyncio.wrap_future, futures), return_exceptions=True)
        finally:
            for guard in guards:
                guard.drop()

    def _submit(self, guard: RunGuard, job: Callable[[], T], images: int) -> "Future[T]":
        self._add(images)
        future = self._pool.submit(guard.call, job)
        future.add_done_callback(lambda _: self._add(-images))  # also called for a job that is dropped
        return future

    def _add(self, images: int) -> None:
        with self._lock:
            self._count += images
            self._on_change(self._count)


def available_cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
