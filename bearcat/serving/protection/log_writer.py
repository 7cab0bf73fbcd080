"""Writes the log from a thread, so that a log that nobody reads (a full pipe, a stopped terminal) stops nothing.

Lines that find the queue full are dropped and counted.
"""

import atexit
import contextlib
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable

MAX_QUEUED = 4096  # lines that wait to be written
LINES_PER_WRITE = 64
GATHER_SECONDS = 0.05  # for which lines gather: waking the thread for each would take time from every answer
FLUSH_SECONDS = 1.0  # for the lines that still wait when the process ends
RETRY_SECONDS = 0.1  # if the stream takes nothing now
DROPPED = "%d lines of the log were dropped, since they were written faster than read"
FORMAT = "%(asctime)s %(levelname)s %(message)s"

Write = Callable[[bytes], int | None]


class LogWriter(logging.Handler):
    """Logging handler that never blocks: it queues lines, which a thread writes.

    Args:
        write: Writes bytes and returns how many it took; may block for ever.
        encoding: Of the lines.
    """

    def __init__(self, write: Write, encoding: str = "utf-8"):
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT))
        self.dropped = 0  # since the last line that says so
        self._write = write
        self._encoding = encoding
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._queued = self._done = 0  # lines ever; the thread alone changes the second
        self._hurry = threading.Event()  # set while somebody waits until all lines are written
        self._thread: threading.Thread | None = None  # from the first line on: a process with threads cannot be forked

    def emit(self, record: logging.LogRecord) -> None:
        """Queues a record, or counts it as dropped."""
        if self._lines.qsize() >= MAX_QUEUED:
            self.dropped += 1  # under the handler's lock
            return
        try:
            self._lines.put(self.format(record))
            self._queued += 1
            if not self._thread:
                # a daemon: it may be blocked for ever
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
        except Exception:  # noqa: BLE001  as every handler of logging
            self.handleError(record)

    def wait_until_written(self, seconds: float = FLUSH_SECONDS) -> None:
        """Waits until all queued lines have been written, but no longer than some seconds."""
        deadline = time.monotonic() + seconds
        self._hurry.set()
        while self._done < self._queued and time.monotonic() < deadline:
            time.sleep(0.01)
        self._hurry.clear()

    def _run(self) -> None:
        while True:
            lines = [self._lines.get()]
            if self._lines.qsize() < LINES_PER_WRITE:
                self._hurry.wait(GATHER_SECONDS)
            with contextlib.suppress(queue.Empty):
                while len(lines) < LINES_PER_WRITE:
                    lines.append(self._lines.get_nowait())
            self._write_all(lines)
            self._done += len(lines)
            if self.dropped and not self._lines.qsize():
                with self.lock or contextlib.nullcontext():
                    dropped, self.dropped = self.dropped, 0
                record = logging.LogRecord("bearcat", logging.WARNING, __file__, 0, DROPPED, (dropped,), None)
                self._write_all([self.format(record)])

    def _write_all(self, lines: list[str]) -> None:
        rest = "".join(f"{line}\n" for line in lines).encode(self._encoding, "backslashreplace")
        try:
            while rest:
                taken = self._write(rest)
                if taken is None:  # the stream does not block, and is full
                    time.sleep(RETRY_SECONDS)
                rest = rest[taken or 0 :]
        except (OSError, ValueError):
            self.dropped += len(lines)  # the terminal is closed, which must not stop the service


def write_log_to_stderr() -> LogWriter:
    """Returns a handler that writes to stderr; lines that wait are written before the process ends.

    The bytes bypass sys.stderr, whose lock a blocked thread would hold when the interpreter flushes it at the end.
    """
    handler = LogWriter(*_stderr())
    atexit.register(handler.wait_until_written)
    return handler


def _stderr() -> tuple[Write, str]:
    """Returns what writes to stderr, and its encoding."""
    stream = sys.stderr
    try:
        raw = open(stream.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115  open as long as the process
    except (AttributeError, OSError, ValueError):  # none under pythonw, or replaced by one without a descriptor

        def write(data: bytes) -> int:
            if stream:
                stream.write(data.decode())
            return len(data)

        return write, "utf-8"
    return raw.write, stream.encoding or "utf-8"
