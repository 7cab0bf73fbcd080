"""A running service with two tiny models, which read what is known beforehand, and what its process takes."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.helpers.detections import NAMES, write_detector
from tests.helpers.services import Running, make_work, running

TEXT, SIGNS = "captcha", "signs"  # the models: "a" for a dark image, "b" for a light one; two objects in any image
FOUND = [(0, (4, 4, 28, 28)), (2, (36, 36, 60, 60))]  # class and box (ymin, xmin, ymax, xmax) in 64×64 pixels
FOUND_NAMES = {NAMES[number] for number, _ in FOUND}
PAGE_SECONDS = 120  # in which the page must be loaded
SETTLE_SECONDS = 45  # in which descriptors and threads must be back: more than a time-out of the service
LOOK_SECONDS = 1.0  # between two looks at what a service takes
POOL_THREADS = 40  # of Starlette's pool, which may have grown since the start; a leak of a long run is larger


@dataclass(frozen=True)
class Use:
    """What a process takes: MB of resident memory, descriptors, and threads."""

    megabytes: float
    descriptors: int
    threads: int

    def __str__(self) -> str:
        return f"{self.megabytes:.0f} MB, {self.descriptors} descriptors, {self.threads} threads"


@contextmanager
def small_service(page: bool) -> Iterator[Running]:
    """Starts app.py with the two models, in a temporary folder; if it serves the page, yields when that is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        work = make_work(Path(folder) / "work", **{TEXT: {}})
        write_detector(work / "App_model" / f"{SIGNS}.onnx", FOUND)
        with running(work, *([] if page else ["--no-page"]), script=True) as service:
            deadline = time.monotonic() + PAGE_SECONDS
            while page and service.get("/config").status_code != 200:
                if time.monotonic() > deadline:
                    raise SystemExit(f"the page was not loaded within {PAGE_SECONDS} s:\n{service.log()[-2000:]}")
                time.sleep(0.1)
            yield service


def use_of(service: Running) -> Use:
    """Returns what a service takes now."""
    process = psutil.Process(service.process.pid)
    with process.oneshot():
        descriptors = process.num_handles() if psutil.WINDOWS else process.num_fds()
        return Use(process.memory_info().rss / 1e6, descriptors, process.num_threads())


def settled_use(service: Running, before: Use | None = None) -> Use:
    """Returns what a service takes once it has as few descriptors and threads as before, or after SETTLE_SECONDS."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        time.sleep(LOOK_SECONDS)
        use = use_of(service)
        if before is None or not left_over(before, use) or time.monotonic() > deadline:
            return use


def left_over(before: Use, after: Use) -> list[str]:
    """Names what a service holds beyond the start: descriptors, or threads beyond its pool."""
    left = ["descriptors"] if after.descriptors > before.descriptors else []
    return left + (["threads"] if after.threads > before.threads + POOL_THREADS else [])
