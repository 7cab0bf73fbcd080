"""Several processes on one socket: started, replaced where one dies, and stopped together."""

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
from pathlib import Path

from bearcat.core.errors import ArtifactError, ServiceError
from bearcat.serving.metrics import SHARED_FOLDER
from bearcat.serving.model_store import UnitFolder
from bearcat.serving.server import Service, serve, start_log

PAUSE_SECONDS = 1.0  # between two looks, and before a process that died is started anew

log = logging.getLogger("bearcat.serving.workers")


def check_workers(count: int) -> None:
    """Raise ServiceError for a number of processes that cannot be."""
    if count < 1:
        raise ServiceError(f"--workers is {count}: 1 or more is expected")
    if count > 1 and sys.platform == "win32":
        raise ServiceError(
            f"--workers is {count}: Windows shares no listening socket between processes as this needs it. "
            "Start several services with --port, behind a load balancer"
        )


def serve_with_workers(service: Service, listener: socket.socket, count: int) -> None:
    """Serve from `count` processes until SIGTERM or Ctrl-C; one that dies is replaced."""
    stop = threading.Event()
    received = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda sig, frame: (received.append(sig), stop.set()))
    with tempfile.TemporaryDirectory(prefix="bearcat-") as figures:
        os.environ[SHARED_FOLDER] = figures  # read by the processes when they import prometheus-client
        workers = [start_worker(service, listener) for _ in range(count)]
        while not stop.wait(PAUSE_SECONDS):
            for place, worker in enumerate(workers):
                if not worker.is_alive():
                    log.error("process %s ended with code %s: another one is started", worker.pid, worker.exitcode)
                    forget_gauges(Path(figures), worker.pid)
                    workers[place] = start_worker(service, listener)
        listener.close()
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
    if signal.SIGINT in received:
        raise KeyboardInterrupt


def start_worker(service: Service, listener: socket.socket) -> multiprocessing.Process:
    """Start one process; it inherits nothing but the socket, so that threads and locks are its own."""
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(service, listener, os.getpid()))
    worker.start()
    return worker


def work(service: Service, listener: socket.socket, parent: int) -> None:
    """Be one of the processes that serve."""
    start_log()
    threading.Thread(target=leave_with, args=(parent,), daemon=True).start()
    units = UnitFolder(service.folder, service.load)
    try:
        units.load_all()
    except ArtifactError as error:
        log.error("process %d has no unit yet: %s", os.getpid(), error)
    log.info("process %d serves", os.getpid())
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches all of a terminal; the first process tells of it
        serve(service, units, listener)


def leave_with(parent: int) -> None:
    """Stop this process when the one that started it is gone, so that none holds the port for ever."""
    while os.getppid() == parent:
        time.sleep(PAUSE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def forget_gauges(figures: Path, pid: int) -> None:
    """Delete the gauges of a process that died; its counts stay."""
    for file in figures.glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)
