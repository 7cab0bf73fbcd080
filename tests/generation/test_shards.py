"""Shards of a job: their notation, their items, and captchas that several processes generate together."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.generation.generate import generate
from bearcat.generation.shards import WHOLE, Shard
from tests.helpers.captchas import SMALL, bytes_in
from tests.helpers.faults import contents, make_work, run_step
from tests.helpers.steps import run_ok, run_together

FOUR = [Shard(number, 4) for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("text", ["5/4", "0/4", "x", "1/0", "1/4/4", "-1/4", "", "1/10000", "4"])
def test_a_shard_that_does_not_exist_is_refused(tmp_path: Path, text: str):
    work = make_work(tmp_path / "work")
    before = contents(work)
    outcome = run_step("gen_sample_by_captcha.py", work, f"--shard={text}")
    assert outcome.code == 2, outcome
    assert outcome.stderr.count("\n") == 1
    assert f"--shard {text}: i/n is expected" in outcome.stderr
    assert contents(work) == before


def test_shards_divide_the_items():
    items = list(range(10))
    shards = [shard.of(items) for shard in FOUR]
    assert sorted(item for shard in shards for item in shard) == items
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert WHOLE.of(items) == items
    assert Shard.parse(" 2/4 ") == Shard(2, 4)


def test_the_shards_together_are_what_one_process_generates(tmp_path: Path):
    config = replace(SMALL, count=23)
    assert generate(config, "train", tmp_path / "one", 3) == (23, 0)
    made = [generate(config, "train", tmp_path / f"{shard.number}", 3, shard) for shard in FOUR]
    assert sorted(made) == [(5, 0), (6, 0), (6, 0), (6, 0)]
    folders = [bytes_in(tmp_path / f"{number}") for number in (1, 2, 3, 4)]
    assert sum(map(len, folders)) == 23
    assert {name: data for folder in folders for name, data in folder.items()} == bytes_in(tmp_path / "one")
    assert generate(config, "train", tmp_path / "1", 3, WHOLE) == (17, 0)
    assert bytes_in(tmp_path / "1") == bytes_in(tmp_path / "one")


def test_two_processes_generate_into_one_work(tmp_path: Path):
    work = make_work(tmp_path / "work")
    one = Path(shutil.copytree(work, tmp_path / "one"))
    run_ok("gen_sample_by_captcha.py", "--work", one)
    shards = run_together([("gen_sample_by_captcha.py", "--work", work, "--shard", f"{number}/2") for number in (1, 2)])
    assert [shard.returncode for shard in shards] == [0, 0], shards
    assert contents(work) == contents(one)
