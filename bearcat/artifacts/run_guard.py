"""Limits for the runs of ONNX Runtime in a service: each ends in time, and early if nobody needs its result.

A run ends before its next operation, or before the next turn of a loop; an operation that has begun is finished.
"""

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import onnxruntime

from bearcat.core.errors import PredictionTimeoutError

PREDICTION_SECONDS = 60  # of an image or a batch of cells: the largest networks need less on a slow processor
FATAL = 4  # severity: other errors are raised, and ONNX Runtime would write them to stderr past the log's limits

T = TypeVar("T")


class JobDroppedError(Exception):
    """Nobody needs the result of a job any more."""


class RunGuard:
    """Limits the runs of one job, and ends them when the job is dropped."""

    def __init__(self) -> None:
        self.dropped = False
        self._lock = threading.Lock()
        self._options: Any = None  # of the run that goes on
        self._deadline = 0.0
        self._late = False

    def call(self, job: Callable[[], T]) -> T:
        """Calls a job whose runs are limited.

        Raises:
            PredictionTimeoutError: A run took too long.
            JobDroppedError: The job was dropped.
        """
        token = _current.set(self)
        try:
            return job()
        finally:
            _current.reset(token)

    def drop(self) -> None:
        """Ends the job's run, and lets it start no other."""
        with self._lock:
            self.dropped = True
            if self._options:
                self._options.terminate = True

    def run(self, session: onnxruntime.InferenceSession, inputs: dict[str, Any], options: Any) -> list[Any]:
        """Runs a session with limits; see `run_session`."""
        options.log_severity_level = FATAL
        with self._lock:
            if self.dropped:
                raise JobDroppedError
            self._options, self._late = options, False
            self._deadline = time.monotonic() + PREDICTION_SECONDS
        _watchdog.add(self)
        try:
            return session.run(None, inputs, options)
        except Exception:
            if self.dropped:
                raise JobDroppedError from None
            if self._late:
                raise PredictionTimeoutError(f"the prediction took more than {PREDICTION_SECONDS:g} s") from None
            raise
        finally:
            _watchdog.discard(self)
            with self._lock:
                self._options = None

    def end_if_late(self, now: float) -> float:
        """Ends the run if its time is over; returns the seconds that it has left, infinity if it is over."""
        with self._lock:
            if not self._options or self._late:
                return float("inf")
            self._late = now >= self._deadline
            if not self._late:
                return self._deadline - now
            self._options.terminate = True
            return float("inf")


_current: contextvars.ContextVar[RunGuard | None] = contextvars.ContextVar("guard", default=None)


def run_session(session: onnxruntime.InferenceSession, inputs: dict[str, Any], shrink: bool) -> list[Any]:
    """Runs a session on one thread, with the limits of the job that calls it, if there is one.

    Args:
        session: The session.
        inputs: Its inputs.
        shrink: Whether ONNX Runtime gives back the memory that it took; it would keep as much as the largest batch
            needed.
    """
    options = onnxruntime.RunOptions()  # of this run alone, since it can be ended
    if shrink:
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    guard = _current.get()
    return guard.run(session, inputs, options) if guard else session.run(None, inputs, options)


def stop_if_dropped() -> None:
    """Ends the job of this thread if nobody needs its result any more; elsewhere it does nothing.

    Jobs that take long call it between their steps.

    Raises:
        JobDroppedError: The job was dropped.
    """
    guard = _current.get()
    if guard and guard.dropped:
        raise JobDroppedError


class _Watchdog:
    """Ends runs that take too long, in one thread, which starts with the first run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guards: set[RunGuard] = set()
        self._thread: threading.Thread | None = None

    def add(self, guard: RunGuard) -> None:
        with self._lock:
            self._guards.add(guard)
            if not self._thread:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()

    def discard(self, guard: RunGuard) -> None:
        with self._lock:
            self._guards.discard(guard)

    def _watch(self) -> None:
        while True:
            with self._lock:
                guards = list(self._guards)
            now = time.monotonic()
            # a run that starts meanwhile has all of its time
            time.sleep(min([PREDICTION_SECONDS, *(guard.end_if_late(now) for guard in guards)]))


_watchdog = _Watchdog()
