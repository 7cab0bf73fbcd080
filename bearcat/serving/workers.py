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
from multiprocessing.process import BaseProcess
from pathlib import Path

from bearcat.core.errors import ArtifactError, ServiceError
from bearcat.serving.metrics import MULTIPROCESS_FOLDER
from bearcat.serving.model_store import ModelStore
from bearcat.serving.server import ServiceConfig, configure_logging, serve

POLL_SECONDS = 1.0

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
    """Serves from `count` processes until SIGTERM or Ctrl-C; a process that dies is replaced."""
    stop = threading.Event()
    received = []

    def on_signal(number: int, frame: object) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    with tempfile.TemporaryDirectory(prefix="bearcat-") as metrics:
        os.environ[MULTIPROCESS_FOLDER] = metrics  # workers inherit it before they import prometheus_client
        workers = [_start_worker(config, listener) for _ in range(count)]
        while not stop.wait(POLL_SECONDS):
            for index, worker in enumerate(workers):
                if not worker.is_alive():
                    log.error("worker %s exited with code %s: starting another", worker.pid, worker.exitcode)
                    _delete_gauges(Path(metrics), worker.pid)
                    workers[index] = _start_worker(config, listener)
        listener.close()
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
    if signal.SIGINT in received:
        raise KeyboardInterrupt


def _start_worker(config: ServiceConfig, listener: socket.socket) -> BaseProcess:
    # spawned, so that threads and locks of this process are not inherited
    worker = multiprocessing.get_context("spawn").Process(target=_work, args=(config, listener, os.getpid()))
    worker.start()
    return worker


def _work(config: ServiceConfig, listener: socket.socket, parent: int) -> None:
    configure_logging()
    threading.Thread(target=_stop_with, args=(parent,), daemon=True).start()
    models = ModelStore(config.folder, config.load)
    try:
        models.load_all()
    except ArtifactError as error:
        log.error("worker %d has no model yet: %s", os.getpid(), error)
    log.info("worker %d started", os.getpid())
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches every process; only the parent reports it
        serve(config, models, listener)


def _stop_with(parent: int) -> None:
    """Stops this process once its parent is gone, so that no orphan holds the port."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _delete_gauges(metrics: Path, pid: int | None) -> None:
    """Deletes the gauges of a process that died; its counters stay."""
    for file in metrics.glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)
