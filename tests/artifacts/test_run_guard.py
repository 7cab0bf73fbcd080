"""Runs of a network that never end: ended when their time is over, and when nobody needs their result."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bearcat.artifacts import run_guard
from bearcat.artifacts.inference import OnnxEngine
from bearcat.artifacts.run_guard import JobDroppedError, RunGuard
from bearcat.core.errors import PredictionTimeoutError
from tests.helpers.evil_models import write_endless
from tests.helpers.services import SIDE

WHITE, BLACK = (np.full((1, SIDE, SIDE, 1), light, np.float32) for light in (255, 0))


@pytest.fixture
def engine(tmp_path: Path) -> OnnxEngine:
    """A model that never ends for a black image."""
    write_endless(tmp_path / "model.onnx", for_blank=False)
    return OnnxEngine(tmp_path / "model.onnx")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_guard, "PREDICTION_SECONDS", 0.2)
    monkeypatch.setattr(run_guard, "_watchdog", run_guard._Watchdog())


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("images", [1, 2])
def test_a_run_that_takes_too_long_is_ended_and_the_next_one_is_not(engine: OnnxEngine, images: int, capfd):
    guard = RunGuard()
    with pytest.raises(PredictionTimeoutError, match=r"the prediction took more than 0\.2 s"):
        guard.call(lambda: engine.logits(np.concatenate([BLACK] * images)))
    assert guard.call(lambda: engine.logits(WHITE)).shape == (1, 1, 3)
    assert capfd.readouterr().err == "", "ONNX Runtime writes past the log, whose lines are counted"


def in_thread(guard: RunGuard, job: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def call() -> None:
        try:
            guard.call(job)
        except BaseException as error:  # noqa: BLE001  the test looks at it
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread, errors


def test_dropping_a_job_ends_its_run_at_once(engine: OnnxEngine):
    guard, others = RunGuard(), RunGuard()
    thread, errors = in_thread(guard, lambda: engine.logits(BLACK))
    while guard not in run_guard._watchdog._guards:
        assert thread.is_alive()
    guard.drop()
    thread.join(30)
    assert [type(error) for error in errors] == [JobDroppedError]
    assert others.call(lambda: engine.logits(WHITE)).shape == (1, 1, 3)
    assert not run_guard._watchdog._guards


def test_a_job_that_was_dropped_starts_no_run(engine: OnnxEngine):
    guard = RunGuard()
    guard.drop()
    with pytest.raises(JobDroppedError):
        guard.call(lambda: engine.logits(BLACK))


def test_an_error_of_the_network_stays_what_it_is(engine: OnnxEngine):
    with pytest.raises(Exception, match="Got invalid dimensions"):
        RunGuard().call(lambda: engine.logits(np.zeros((1, 3, 3, 1), np.float32)))


def test_programs_that_use_the_library_get_no_watchdog(engine: OnnxEngine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_guard, "_watchdog", run_guard._Watchdog())
    engine.logits(WHITE)
    assert run_guard._watchdog._thread is None
