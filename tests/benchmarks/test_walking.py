"""The benchmarks walk the steps as a person does, in forks of one process."""

from pathlib import Path

import pytest

from bearcat.core.workspace import create_work
from benchmarks import walking


def test_a_step_is_walked_with_its_options(tmp_path: Path):
    work = create_work(tmp_path, "mine", activate=False)
    walking.walk(work.path, "init_working_space.py")
    assert work.data_folder("train").is_dir()


def test_a_step_that_fails_ends_the_benchmark_with_what_it_said(tmp_path: Path):
    work = create_work(tmp_path, "mine", activate=False)
    work.make_folders()
    with pytest.raises(SystemExit) as stop:
        walking.walk(work.path, "pack_dataset.py", "--set", "IMAGE_CHANNALS=2")
    assert "pack_dataset.py ended with 2" in str(stop.value)
    assert "IMAGE_CHANNALS" in str(stop.value)
