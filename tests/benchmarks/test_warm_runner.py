"""The scripts run in forks of one process, with their options, and a failure ends the benchmark."""

from pathlib import Path

import pytest

from bearcat.core.workspace import create_work
from benchmarks.warm_runner import run_step


def test_a_step_runs_with_its_options(tmp_path: Path):
    work = create_work(tmp_path, "mine", activate=False)
    run_step(work.path, "init_working_space.py")
    assert work.data_folder("train").is_dir()


def test_a_failing_step_ends_the_benchmark_with_its_output(tmp_path: Path):
    work = create_work(tmp_path, "mine", activate=False)
    work.make_folders()
    with pytest.raises(SystemExit) as stop:
        run_step(work.path, "pack_dataset.py", "--set", "IMAGE_CHANNALS=2")
    assert "pack_dataset.py ended with 2" in str(stop.value)
    assert "IMAGE_CHANNALS" in str(stop.value)
