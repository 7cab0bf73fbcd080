"""A log that nobody reads stops neither answers nor the end of the service."""

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from bearcat.serving.protection import log_writer
from bearcat.serving.protection.log_writer import LogWriter
from tests.helpers.services import make_work, running
from tests.helpers.steps import ROOT

LINES = 1200  # more than a pipe of 64 KiB takes


@pytest.mark.skipif(sys.platform == "win32", reason="under Windows a signal cannot ask a process to stop")
def test_a_pipe_that_nobody_reads_stops_neither_answers_nor_the_service(tmp_path: Path):
    import fcntl  # not under Windows

    reading, writing = os.pipe()
    lines = LINES
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        lines = 150
    try:
        with running(make_work(tmp_path / "work", first={}), "--no-page", log_to=writing) as service:
            with requests.Session() as session:
                statuses = {session.get(f"{service.address}/health", timeout=10).status_code for _ in range(lines)}
            assert statuses == {200}
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(30) == 0
    finally:
        os.close(reading)
        os.close(writing)


@pytest.fixture
def logger():
    logger = logging.Logger("of a test")
    yield logger
    for handler in logger.handlers:
        logging.Handler.close(handler)


def test_lines_that_are_not_read_are_dropped_and_counted(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_writer, "MAX_QUEUED", 3)
    written, is_writing, is_read = [], threading.Event(), threading.Event()

    def write(data: bytes) -> int:
        is_writing.set()
        is_read.wait(30)
        written.append(data.decode())
        return len(data)

    handler = LogWriter(write)
    logger.addHandler(handler)
    logger.warning("first")
    assert is_writing.wait(30)
    for number in range(10):
        logger.warning("line %d", number)
    assert handler.dropped == 7
    handler.wait_until_written(0.05)  # gives up
    is_read.set()
    handler.wait_until_written(30)
    logger.warning("last")
    handler.wait_until_written(30)
    text = "".join(written)
    assert re.findall(r"WARNING (.*)", text)[:4] == ["first", "line 0", "line 1", "line 2"]
    assert re.findall(r"(\d+) lines of the log were dropped", text) == ["7"]
    assert text.endswith("WARNING last\n")


def test_a_stream_that_takes_part_of_a_line_or_nothing_gets_all_of_it(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(log_writer, "RETRY_SECONDS", 0)
    written, takes = [], iter([None, 1, None, 5, 7])

    def write(data: bytes) -> int | None:
        count = next(takes, len(data))
        written.append(data[: count or 0])
        return count

    handler = LogWriter(write, "ascii")
    logger.addHandler(handler)
    logger.warning("é")
    handler.wait_until_written(30)
    assert b"".join(written).endswith(b"WARNING \\xe9\n")


def test_a_closed_stream_is_survived(logger: logging.Logger):
    def write(data: bytes) -> int:
        raise BrokenPipeError

    handler = LogWriter(write)
    logger.addHandler(handler)
    for _ in range(3):
        logger.warning("nobody is there")
        handler.wait_until_written(30)
    assert handler.dropped >= 1


def test_lines_are_gathered_before_they_are_written(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_writer, "GATHER_SECONDS", 30)  # cut short by whoever waits
    written: list[bytes] = []

    def write(data: bytes) -> int:
        written.append(data)
        return len(data)

    handler = LogWriter(write)
    logger.addHandler(handler)
    for number in range(10):
        logger.warning("line %d", number)
    handler.wait_until_written(30)
    assert [data.count(b"line") for data in written] == [10]


def test_a_process_that_has_logged_nothing_has_no_thread_so_that_the_check_of_models_may_fork_it():
    code = """if True:
        import threading
        from bearcat.serving.server import configure_logging
        configure_logging()
        print(threading.active_count())"""
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert output == "1\n"
