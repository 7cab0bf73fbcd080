"""The queue before the models: what counts, what is refused, and what becomes of jobs whose client has left."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from bearcat.artifacts.run_guard import JobDroppedError, stop_if_dropped
from bearcat.serving import queue
from bearcat.serving.queue import QueueFullError, WorkQueue

SECONDS = 30  # a safety net: events end every wait


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "available_cores", lambda: 1)


class Blocking:
    """A job that runs until it is released."""

    def __init__(self, work: Callable[[], object] = lambda: None):
        self.started, self.release, self.ended = threading.Event(), threading.Event(), threading.Event()
        self._work = work

    def __call__(self) -> object:
        self.started.set()
        try:
            assert self.release.wait(SECONDS)
            return self._work()
        finally:
            self.ended.set()


async def wait(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, SECONDS)


@pytest.mark.usefixtures("one_thread")
def test_every_image_of_a_job_counts():
    async def check() -> None:
        counts: list[int] = []
        work, job = WorkQueue(max_waiting=99, on_change=counts.append), Blocking()
        first = asyncio.ensure_future(work.run([job], images_each=60))
        await wait(job.started)
        with pytest.raises(QueueFullError, match="60 images are waiting already"):
            await work.run([lambda: 1], images_each=41)
        assert (await asyncio.gather(work.run([lambda: 1], images_each=40), _soon(job.release.set)))[0] == [1]
        await first
        assert (max(counts), counts[-1]) == (100, 0)

    asyncio.run(check())


async def _soon(call: Callable[[], object]) -> None:
    await asyncio.sleep(0)
    call()


def test_an_idle_queue_accepts_a_request_that_is_larger_than_itself():
    assert asyncio.run(WorkQueue(max_waiting=0).run([lambda: 1, lambda: 2], images_each=500)) == [1, 2]


@pytest.mark.usefixtures("one_thread")
def test_jobs_of_a_client_that_left_are_dropped_and_count_until_they_have_ended():
    async def check() -> None:
        counts: list[int] = []
        ran: list[int] = []
        work, job = WorkQueue(on_change=counts.append), Blocking(stop_if_dropped)
        request = asyncio.ensure_future(work.run([job, lambda: ran.append(1), lambda: ran.append(2)], images_each=10))
        await wait(job.started)
        assert counts[-1] == 30
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert counts[-1] == 10, "the job that waited no longer counts, the running one does"
        job.release.set()
        assert await work.run([lambda: "next"]) == ["next"]  # in the same thread, so the others are through
        assert (ran, counts[-1]) == ([], 0)

    asyncio.run(check())


def test_a_long_job_ends_at_its_next_step_once_its_client_has_left():
    outcomes: list[object] = []

    def step() -> None:
        try:
            stop_if_dropped()
        except JobDroppedError as error:
            outcomes.append(error)

    async def check() -> None:
        work, job = WorkQueue(), Blocking(step)
        request = asyncio.ensure_future(work.run([job]))
        await wait(job.started)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        job.release.set()
        await wait(job.ended)

    asyncio.run(check())
    assert isinstance(outcomes[0], JobDroppedError)
    stop_if_dropped()  # outside of the queue it does nothing
