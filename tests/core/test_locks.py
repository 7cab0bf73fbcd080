"""Of two steps that change the same part of a work, the second is refused; a dead process holds no lock."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.cli import make_parser, open_step, run
from bearcat.core import locks
from bearcat.core.errors import WorkError
from bearcat.core.locks import CHANGES, FOLDER, WorkLock
from tests.helpers.steps import ROOT, run_script

HOLD = "import sys; from pathlib import Path; from bearcat.core.locks import WorkLock\n"
HOLD += "lock = WorkLock(Path(sys.argv[1]), sys.argv[2]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the lock of train.py."""
    command = [sys.executable, "-c", HOLD, str(tmp_path), "train"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"held"
        yield process
        process.kill()


def test_the_second_step_is_refused_and_the_first_one_named(holder: subprocess.Popen, tmp_path: Path):
    for script in ("train", "init_working_space"):
        with pytest.raises(WorkError, match=rf"train\.py \(process {holder.pid}\) is changing the checkpoints of"):
            WorkLock(tmp_path, script)
    others = [WorkLock(tmp_path, script) for script in ("pack_dataset", "test", "save_model", "cheak_file", "app")]
    assert len(others) == 5
    with pytest.raises(WorkError, match="pack_dataset"):
        WorkLock(tmp_path, "move_path")


def test_a_killed_process_holds_no_lock(holder: subprocess.Popen, tmp_path: Path):
    holder.kill()
    holder.wait()
    assert WorkLock(tmp_path, "train")


def test_an_unreadable_owner_is_called_another_step(holder: subprocess.Popen, tmp_path: Path):
    (tmp_path / FOLDER / "checkpoints.json").write_text("{", encoding="utf-8")
    with pytest.raises(WorkError, match="another step is changing"):
        WorkLock(tmp_path, "train")


def test_a_step_that_has_ended_holds_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: Path):
    run_script("New_work.py")
    monkeypatch.setattr(sys, "argv", ["move_path.py"])
    kept = []

    def main() -> None:
        kept.append(open_step(make_parser("")))
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(SystemExit, match="130"):
            run(main)


def test_every_script_with_a_lock_exists():
    assert all((ROOT / f"{script}.py").is_file() for script in CHANGES)


def test_a_refused_script_prints_one_line(works: Path):
    run_script("New_work.py")
    work = works / "simple"
    command = [sys.executable, "-c", HOLD, str(work), "gen_sample_by_captcha"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        done = run_script("move_path.py")
        process.kill()
    assert done.returncode == 2
    assert re.fullmatch(rf"move_path\.py: gen_sample_by_captcha\.py \(process {process.pid}\) .*\n", done.stderr)


def test_shards_lock_every_step_but_not_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "SHARD_SECONDS", 0)
    script = "gen_sample_by_captcha"
    first, second = (WorkLock(tmp_path, script, shard=f"{number}-of-2") for number in (1, 2))
    for other, shard in (
        (script, "1-of-2"),
        (script, ""),
        ("move_path", ""),
        ("delete_file", ""),
        ("pack_dataset", ""),
    ):
        with pytest.raises(WorkError, match=rf"{script}\.py \(process {os.getpid()}\) is changing the data"):
            WorkLock(tmp_path, other, shard=shard)
    for other, shard in ((script, "3-of-4"), ("move_path", "2-of-2")):  # shards of other jobs
        with pytest.raises(WorkError, match=rf"{script}\.py"):
            WorkLock(tmp_path, other, shard=shard)
    first.release()
    with pytest.raises(WorkError):
        WorkLock(tmp_path, "move_path")
    second.release()
    whole = WorkLock(tmp_path, "move_path")
    with pytest.raises(WorkError, match=r"move_path\.py"):
        WorkLock(tmp_path, script, shard="1-of-2")
    whole.release()
    WorkLock(tmp_path, script, shard="1-of-2").release()
