"""The service as several processes on one socket: started, replaced if one dies, and stopped together."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

from bearcat.core.errors import ArtifactError, ServiceError
from bearcat.serving.metrics import MULTIPROCESS_FOLDER
from bearcat.serving.model_store import ModelStore
from bearcat.serving.server import ServiceConfig, configure_logging, serve

POLL_SECONDS = 1.0
MAX_FAILED_STARTS = 5  # in a row, of all workers together

log = logging.getLogger("bearcat.serving.workers")


def check_workers(count: int) -> None:
    """Checks the number of worker processes.

    Raises:
        ServiceError: It is less than 1, or more than 1 on Windows.
    """
    if count < 1:
        raise ServiceError(f"--workers is {count}: expected 1 or more")
    if count > 1 and sys.platform == "win32":
        raise ServiceError(
            f"--workers is {count}: on Windows processes cannot share a listening socket. "
            "Start several services with different --port behind a load balancer"
        )


def serve_with_workers(config: ServiceConfig, listener: socket.socket, count: int) -> None:
    """Serves from `count` processes until SIGTERM or Ctrl-C; a process that dies is replaced.

    Raises:
        ServiceError: Processes died again and again before they could answer.
    """
    stop = threading.Event()
    received = []

    def on_signal(number: int, frame: object) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    with tempfile.TemporaryDirectory(prefix="bearcat-") as metrics:
        os.environ[MULTIPROCESS_FOLDER] = metrics  # workers inherit it before they import prometheus_client
        workers = [_Worker(config, listener) for _ in range(count)]
        try:
            _replace_dead(workers, stop, lambda: _Worker(config, listener), Path(metrics))
        finally:
            listener.close()
            for worker in workers:
                worker.process.terminate()
            for worker in workers:
                worker.process.join()
    if signal.SIGINT in received:
        raise KeyboardInterrupt


def _replace_dead(
    workers: list["_Worker"], stop: threading.Event, start: Callable[[], "_Worker"], metrics: Path
) -> None:
    """Replaces workers that die, until `stop` is set.

    Raises:
        ServiceError: MAX_FAILED_STARTS workers in a row died before they could answer.
    """
    failed_starts = 0
    while not stop.wait(POLL_SECONDS):
        if any(worker.has_started.is_set() for worker in workers if worker.process.is_alive()):
            failed_starts = 0
        for index, worker in enumerate(workers):
            if worker.process.is_alive():
                continue
            failed_starts += not worker.has_started.is_set()
            pid, code = worker.process.pid, worker.process.exitcode
            if failed_starts >= MAX_FAILED_STARTS:
                raise ServiceError(
                    f"{failed_starts} workers in a row could not start, the last one with exit code {code}: see the "
                    "log above, or start with fewer --workers, if the memory is too small for all"
                )
            log.error("worker %s exited with code %s: starting another", pid, code)
            _delete_gauges(metrics, pid)
            workers[index] = start()


class _Worker:
    """A process that serves."""

    def __init__(self, config: ServiceConfig, listener: socket.socket):
        # spawned, so that threads and locks of this process are not inherited
        context = multiprocessing.get_context("spawn")
        self.has_started = context.Event()
        self.process: BaseProcess = context.Process(
            target=_work, args=(config, listener, os.getpid(), self.has_started)
        )
        self.process.start()


def _work(config: ServiceConfig, listener: socket.socket, parent: int, has_started: Event) -> None:
    configure_logging()
    threading.Thread(target=_stop_with, args=(parent,), daemon=True).start()
    models = ModelStore(config.folder, config.load)
    try:
        models.load_all()
    except ArtifactError as error:
        log.error("worker %d has no model yet: %s", os.getpid(), error)
    log.info("worker %d started", os.getpid())
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches every process; only the parent reports it
        serve(config, models, listener, has_started.set)


def _stop_with(parent: int) -> None:
    """Stops this process once its parent is gone, so that no orphan holds the port."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _delete_gauges(metrics: Path, pid: int | None) -> None:
    """Deletes the gauges of a process that died; its counters stay."""
    for file in metrics.glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)
