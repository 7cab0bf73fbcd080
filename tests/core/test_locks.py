"""Of two steps that change the same, the second one is refused, and a dead process holds nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.cli import make_parser, open_step, run
from bearcat.core.errors import WorkError
from bearcat.core.locks import CHANGED, FOLDER, WorkLock
from tests.helpers.steps import ROOT, run_script

HOLD = "import sys; from pathlib import Path; from bearcat.core.locks import WorkLock\n"
HOLD += "lock = WorkLock(Path(sys.argv[1]), sys.argv[2]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def holder(tmp_path: Path):
    """Let another process hold what train.py changes; yield that process."""
    command = [sys.executable, "-c", HOLD, str(tmp_path), "train"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"held"
        yield process
        process.kill()


def test_the_second_is_refused_with_the_first_ones_process(holder: subprocess.Popen, tmp_path: Path):
    for script in ("train", "init_working_space"):
        with pytest.raises(WorkError, match=rf"train\.py \(process {holder.pid}\) is changing the checkpoints of"):
            WorkLock(tmp_path, script)
    others = [WorkLock(tmp_path, script) for script in ("pack_dataset", "test", "save_model", "cheak_file", "app")]
    assert len(others) == 5
    with pytest.raises(WorkError, match="pack_dataset"):
        WorkLock(tmp_path, "move_path")


def test_a_killed_process_holds_nothing(holder: subprocess.Popen, tmp_path: Path):
    holder.kill()
    holder.wait()
    assert WorkLock(tmp_path, "train")


def test_an_owner_that_cannot_be_read_is_named_as_another_step(holder: subprocess.Popen, tmp_path: Path):
    (tmp_path / FOLDER / "checkpoints.json").write_text("{", encoding="utf-8")
    with pytest.raises(WorkError, match="another step is changing"):
        WorkLock(tmp_path, "train")


def test_a_step_that_has_ended_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: Path):
    run_script("New_work.py")
    monkeypatch.setattr(sys, "argv", ["move_path.py"])
    kept = []

    def main() -> None:
        kept.append(open_step(make_parser("")))
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(SystemExit, match="130"):
            run(main)


def test_every_script_that_is_locked_is_there():
    assert all((ROOT / f"{script}.py").is_file() for script in CHANGED)


def test_a_script_says_so_in_one_line(works: Path):
    run_script("New_work.py")
    work = works / "simple"
    command = [sys.executable, "-c", HOLD, str(work), "gen_sample_by_captcha"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        done = run_script("move_path.py")
        process.kill()
    assert done.returncode == 2
    assert re.fullmatch(rf"move_path\.py: gen_sample_by_captcha\.py \(process {process.pid}\) .*\n", done.stderr)
