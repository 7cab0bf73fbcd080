"""What all scripts share: the work, notes about old settings, exit codes and messages."""

import sys
from pathlib import Path

import pytest

from bearcat.cli import INTERRUPTED, USER_MISTAKE, make_parser, open_step, run
from bearcat.core.errors import DataError
from tests.helpers.faults import make_work


def end_of(main) -> object:
    """Runs a script's main(); returns its exit code."""
    with pytest.raises(SystemExit) as end:
        run(main)
    return end.value.code


def fail(error: BaseException):
    """A main() that raises an error."""

    def main() -> None:
        raise error

    return main


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process be a script that locks nothing."""
    monkeypatch.setattr(sys, "argv", ["step.py"])
    monkeypatch.delenv("BEARCAT_DEBUG", raising=False)


def test_the_exit_code_is_what_main_returns():
    assert end_of(lambda: None) is None
    assert end_of(lambda: 3) == 3


def test_a_user_s_mistake_is_one_message(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    assert end_of(fail(DataError("there are no images"))) == USER_MISTAKE
    assert capsys.readouterr().err == "step.py: there are no images\n"
    monkeypatch.setenv("BEARCAT_DEBUG", "1")
    assert end_of(fail(DataError("there are no images"))) == USER_MISTAKE
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_says_how_to_resume(capsys: pytest.CaptureFixture):
    assert end_of(fail(KeyboardInterrupt())) == INTERRUPTED
    assert capsys.readouterr().err == "step.py: stopped; run the same command to resume\n"


def test_a_full_disk_is_the_user_s_to_solve_and_a_bug_is_not(capsys: pytest.CaptureFixture):
    assert end_of(fail(MemoryError())) == USER_MISTAKE
    assert "BATCH_SIZE" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        run(fail(ZeroDivisionError()))


def test_an_old_value_is_mentioned_once_and_works(tmp_path: Path, works: Path, capsys: pytest.CaptureFixture):
    work = make_work(tmp_path / "work", WEIGHTS="base")
    step = open_step(make_parser(""), ["--work", str(work), "--set", "SEED=4"])
    assert (step.work.path, step.settings.WEIGHTS, step.settings.SEED) == (work, "pretrained", 4)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"Work: {work}"
    assert [line for line in printed if "WEIGHTS" in line] == printed[1:]
    assert len(printed) == 2
