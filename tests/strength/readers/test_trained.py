"""The process of a trial with labels: its steps, with false ones; tests/pipeline/test_strength.py has the real ones."""

import json
from pathlib import Path

import pytest

from bearcat.core.files import write_json
from bearcat.core.workspace import Work
from bearcat.strength.readers import trained


def test_the_time_is_noted_before_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work, ran, now = Work(tmp_path), [], [100.0]

    def run_step(script: str, path: str, settings: list[str], options: list[str] = ()) -> None:
        ran.append((script, *options))
        assert (path, settings) == (str(tmp_path), ["LR=0.01"])
        now[0] += 10
        if script == "test.py":
            write_json(work.report_file("test"), {"exact": 2 / 3, "images": 300})

    work.folder("report").mkdir()
    monkeypatch.setattr(trained, "end_with_parent", lambda: None)
    monkeypatch.setattr(trained, "run_step", run_step)
    monkeypatch.setattr(trained.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(trained.time, "process_time", lambda: 2 * now[0])
    monkeypatch.setattr(trained.sys, "argv", ["trained", str(tmp_path), "LR=0.01"])
    trained.main()
    steps = [("cheak_file.py", "--apply"), ("pack_dataset.py", "--through", "save_model"), ("test.py",)]
    assert ran == steps
    measured = json.loads(work.report_file("trial").read_text(encoding="utf-8"))
    assert measured == {"correct": 200, "images": 300, "seconds": 20.0, "cpu_seconds": 240.0}
