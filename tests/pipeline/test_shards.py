"""Several make one data set or one pack together: what comes out is what one would have made, whatever was killed."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.core import locks
from bearcat.core.errors import SettingsError, WorkError
from bearcat.core.locks import WorkLock
from bearcat.core.storage import Place, RemotePath
from bearcat.core.workspace import Work
from bearcat.data import tfrecords as records
from bearcat.data.tfrecord_index import load_pack_index
from bearcat.generation.generate import generate
from bearcat.generation.shards import WHOLE, Shard
from bearcat.settings_rules import load_settings
from bearcat.training.learning_curve import curve_folder
from bearcat.training.sources import PackedImages
from tests.generation.test_generate import SMALL, bytes_in
from tests.helpers.faults import contents, image, make_work, run_step
from tests.helpers.steps import ROOT, SECONDS, read_report, run_together, run_well

SPLITS = ("train", "validation")
ENHANCED = ("--set", "DATA_ENHANCEMENT=2")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work with 6 images to train on and 2 to validate, not packed."""
    return make_work(tmp_path / "work")


def step(work: Path, *arguments: str, script: str = "pack_dataset.py") -> str:
    """Run a script that must succeed in this process; return what it said."""
    outcome = run_step(script, work, *arguments)
    assert outcome.code == 0, outcome
    return outcome.said


def refused(work: Path, *arguments: str, script: str = "pack_dataset.py") -> str:
    """Run a script that must refuse with one message and change nothing; return the message."""
    before = contents(work)
    outcome = run_step(script, work, *arguments)
    assert outcome.code == 2, outcome
    assert outcome.complaint.count("\n") == 1
    assert contents(work) == before
    return outcome.complaint


def pack_in_shares(work: Path, count: int, *arguments: str) -> str:
    """Pack a work share by share, and join them; return what the last step said."""
    step(work, "--vocabulary-only", *arguments)
    for number in range(1, count + 1):
        step(work, "--shard", f"{number}/{count}", *arguments)
    return step(work, "--join", str(count), *arguments)


def in_one(work: Path, *arguments: str) -> Path:
    """Return a copy of a work that is packed by one process."""
    copy = Path(shutil.copytree(work, work.with_name("one"), ignore=shutil.ignore_patterns(".locks")))
    step(copy, *arguments)
    return copy


def serialised(folder: Place) -> list[bytes]:
    """Return a pack's records to the byte, sorted."""
    import tensorflow as tf

    index = load_pack_index(folder)
    found = sorted(tf.data.TFRecordDataset([str(folder / name) for name in index.shards]).as_numpy_iterator())
    assert len(found) == index.count
    return found


def assert_the_same(work: Path, one: Path, named: str | None = None) -> None:
    """Hold two works to the same vocabulary, and to packs of the same records."""
    assert (work / "num_classes.json").read_bytes() == (one / "num_classes.json").read_bytes()
    for split in SPLITS:
        folder, other = Work(work).pack_folder(split, named), Work(one).pack_folder(split)
        assert serialised(folder) == serialised(other)
        assert replace(load_pack_index(folder), shards=[]) == replace(load_pack_index(other), shards=[])


@pytest.mark.parametrize("script", ["pack_dataset.py", "gen_sample_by_captcha.py"])
@pytest.mark.parametrize("text", ["5/4", "0/4", "x", "1/0", "1/4/4", "-1/4", "", "1/10000", "4"])
def test_a_share_that_there_is_not_is_refused(work: Path, script: str, text: str):
    assert f"--shard {text}: i/n is expected" in refused(work, f"--shard={text}", script=script)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1/4", "10000"])
def test_a_number_of_shares_that_is_none_is_refused(work: Path, text: str):
    assert f"{text!r} is no number of shares" in refused(work, f"--join={text}")


def test_shares_have_everything_once():
    items = list(range(10))
    shares = [shard.of(items) for shard in Shard.all_of(4)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert WHOLE.of(items) == items
    assert Shard.parse(" 2/4 ") == Shard(2, 4)


def test_four_processes_at_once_pack_the_records_of_one(digits: Path):
    one = in_one(digits)
    run_well("pack_dataset.py", "--work", digits, "--vocabulary-only")
    assert not [*digits.glob("*_pack_dataset/*")]
    shares = run_together([("pack_dataset.py", "--work", digits, "--shard", f"{number}/4") for number in (1, 2, 3, 4)])
    assert [share.returncode for share in shares] == [0, 0, 0, 0], shares
    assert not [*digits.glob("*_pack_dataset/pack.json")]
    run_well("pack_dataset.py", "--work", digits, "--join", 4)
    assert_the_same(digits, one)
    report, expected = read_report(digits, "pack"), read_report(one, "pack")
    assert report.pop("shares") == 4
    assert report | {"seconds": 0} == expected | {"seconds": 0}


def test_what_is_damaged_or_enhanced_comes_out_as_from_one(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 4)
    whole = (work / "train_dataset" / "00_train0.png").read_bytes()
    (work / "train_dataset" / "00_cut.png").write_bytes(whole[:60])
    one = in_one(work, *ENHANCED)
    said = pack_in_shares(work, 2, *ENHANCED)
    assert_the_same(work, one)
    assert len(load_pack_index(work / "train_pack_dataset").shards) > 2
    assert bytes_in(work / "train_enhance_dataset") == bytes_in(one / "train_enhance_dataset")
    assert said.count("Left out: ") == 1
    damaged, expected = (read_report(made, "pack")["damaged"] for made in (work, one))
    assert [line.replace(str(work), str(one)) for line in damaged] == expected
    assert len(damaged) == 1


def test_more_shares_than_images_are_packed_as_well(work: Path):
    one = in_one(work)
    pack_in_shares(work, 9)
    assert_the_same(work, one)


def test_images_that_are_all_damaged_are_told_when_they_are_joined(work: Path):
    for file in (work / "validation_dataset").iterdir():
        file.write_bytes(b"none")
    step(work, "--vocabulary-only")
    step(work, "--shard", "1/1")
    assert "not one image for" in run_step("pack_dataset.py", work, "--join", "1").complaint
    assert not (work / "validation_pack_dataset" / "pack.json").exists()


def test_the_pack_of_before_stays_until_all_parts_are_there(work: Path):
    step(work)
    before = {split: serialised(work / f"{split}_pack_dataset") for split in SPLITS}
    image(7).save(work / "train_dataset" / "01_new.png")
    step(work, "--vocabulary-only")
    step(work, "--shard", "1/3")
    assert {split: serialised(work / f"{split}_pack_dataset") for split in SPLITS} == before
    assert "lacks part 2/3, 3/3: run python pack_dataset.py --shard 2/3" in refused(work, "--join", "3")
    step(work, "--shard", "2/3")
    step(work, "--shard", "3/3")
    next((work / "train_pack_dataset").glob("pack-2-of-3-*")).unlink()
    assert "lacks part 2/3: " in refused(work, "--join", "3")
    step(work, "--shard", "2/3")
    step(work, "--join", "3")
    after = contents(work)
    assert_the_same(work, in_one(work))
    assert not [name for name in after if "pack-00000" in name or ".pack-" in name]
    step(work, "--join", "3")
    assert contents(work) == after


def new_image(work: Path) -> None:
    image(7).save(work / "train_dataset" / "01_new.png")


def new_label(work: Path) -> None:
    (work / "train_dataset" / "00_train0.png").rename(work / "train_dataset" / "01_train0.png")


def nothing(work: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "setting", "what"),
    [
        (new_image, "SEED=0", "set of images and labels"),
        (new_label, "SEED=0", "set of images and labels"),
        (nothing, "SEED=1", "SEED"),
        (nothing, "DATA_ENHANCEMENT=1", "DATA_ENHANCEMENT"),
        (nothing, "IMAGE_WIDTH=40", "input size"),
    ],
)
def test_parts_that_do_not_fit_one_another_are_not_joined(work: Path, change, setting: str, what: str):
    step(work, "--vocabulary-only")
    step(work, "--shard", "1/2")
    change(work)
    step(work, "--shard", "2/2", "--set", setting)
    message = refused(work, "--join", "2", "--set", setting)
    assert f"part-1-of-2.json was made with another {what}: run python pack_dataset.py --shard 1/2" in message
    step(work, "--shard", "1/2", "--set", setting)
    step(work, "--join", "2", "--set", setting)


def test_parts_of_another_vocabulary_are_not_joined(work: Path):
    step(work, "--vocabulary-only")
    step(work, "--shard", "1/1")
    image(7).save(work / "train_dataset" / "9_new.png")
    assert "'9', not in the vocabulary" in refused(work, "--shard", "1/1")
    step(work, "--vocabulary-only", "--extend")
    assert "was made with another vocabulary, set of images and labels" in refused(work, "--join", "1")
    step(work, "--shard", "1/1")
    step(work, "--join", "1")
    assert load_pack_index(work / "train_pack_dataset").characters == ["0", "1", "2", "9"]


def test_a_part_that_is_no_part_is_named(work: Path):
    step(work, "--vocabulary-only")
    step(work, "--shard", "1/1")
    for text in ("{", "[]", '{"count": 1}'):
        (work / "train_pack_dataset" / "part-1-of-1.json").write_text(text, encoding="utf-8")
        assert "part-1-of-1.json is damaged or of another version" in refused(work, "--join", "1")


def test_what_does_not_go_together_is_refused(work: Path):
    for way in (("--shard", "1/2"), ("--join", "2")):
        assert "which all shares must have: python pack_dataset.py --vocabulary-only" in refused(work, *way)
        assert "--renew and --extend go with --vocabulary-only" in refused(work, "--renew", *way)
        assert "packs nothing that could be shared" in refused(work, *way, "--set", "MODE=EFFICIENTDET")
    assert "--beam-options go with --beam" in refused(work, "--beam-options=--runner=FlinkRunner")


@pytest.mark.parametrize("moment", [1, 2, 3, 5, 6, 8, 9, 10, 12])
def test_a_share_or_a_join_that_was_killed_completes_with_the_same_bytes(
    work: Path, moment: int, request: pytest.FixtureRequest
):
    if moment not in (3, 6) and not request.config.getoption("--faults"):
        pytest.skip("make test-faults runs it")
    step(work)  # a pack of before
    image(7).save(work / "train_dataset" / "01_new.png")
    untouched = Path(shutil.copytree(work, work.with_name("untouched"), ignore=shutil.ignore_patterns(".locks")))
    pack_in_shares(untouched, 2)
    step(work, "--vocabulary-only")
    step(work, "--shard", "1/2")
    for arguments in (("--shard", "2/2"), ("--join", "2")):
        before = {split: serialised(work / f"{split}_pack_dataset") for split in SPLITS}
        line = [str(ROOT / "pack_dataset.py"), "--work", str(work), *arguments]
        killer = [sys.executable, str(ROOT / "tests" / "helpers" / "killed.py"), str(moment), str(work)]
        killed = subprocess.run([*killer, *line], capture_output=True, timeout=SECONDS, check=False).returncode != 0
        assert killed or moment > 8, "a share changes the disk more often"
        left = {split: serialised(work / f"{split}_pack_dataset") for split in SPLITS}  # always whole packs
        assert left == before or arguments[0] == "--join"
        step(work, *arguments)
    assert contents(work) == contents(untouched)


def test_packs_lie_in_a_storage_as_they_would_in_the_work(work: Path, tmp_path: Path):
    named = f"ram://bucket{tmp_path}"
    remote = ("--set", f"PACK_FOLDER='{named}'")
    one = in_one(work)
    expected = contents(work).keys() | {"num_classes.json"}
    said = step(work, *remote)
    assert "train_pack_dataset: 6 images" in said
    assert_the_same(work, one, named)
    assert contents(work).keys() == expected
    pack_in_shares(work, 2, *remote)
    assert_the_same(work, one, named)
    folder = RemotePath(named) / work.name / "train_pack_dataset"
    assert sorted(path.name.partition("-of-")[0] for path in folder.glob("*")) == [
        "pack-1", "pack-2", "pack.json", "part-1", "part-2"
    ]  # fmt: skip
    hold_to_train_alike(work, one, remote)
    assert "train_pack_dataset: 5 files" in step(work, *remote, "train_pack_dataset", "--yes", script="delete_file.py")
    assert not [*folder.glob("*")]
    complaint = run_step("train.py", work, *remote).complaint
    assert f"{folder} holds no pack" in complaint


def hold_to_train_alike(work: Path, one: Path, remote: tuple[str, str]) -> None:
    """Hold what a training gets from a storage to what it gets from the disk."""
    from bearcat.artifacts.card import Card

    found = []
    for made, overrides in ((work, remote[1:]), (one, ())):
        settings = load_settings(ROOT / "settings.py", made / "settings.py", overrides)
        source = PackedImages(Work(made), settings)
        batches, validation = source.batches(Card.from_settings(settings, source.vocabulary), seed=0, strength=None)
        assert next(batches.as_numpy_iterator())[0].shape == (4, 16, 32, 1)
        pairs = (pair for batch in validation.as_numpy_iterator() for pair in zip(*batch, strict=True))
        found.append(sorted((image.tobytes(), target.tobytes()) for image, target in pairs))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_packs_lie_in_a_folder_of_the_disk_that_a_setting_names(work: Path, tmp_path: Path):
    one = in_one(work)
    named = str(tmp_path / "elsewhere" / "packs")
    step(work, "--set", f"PACK_FOLDER={named}")
    assert_the_same(work, one, named)
    assert not [*work.glob("*_pack_dataset")]
    for split in SPLITS:
        assert bytes_in(Path(named) / work.name / f"{split}_pack_dataset") == bytes_in(one / f"{split}_pack_dataset")


def test_a_storage_that_cannot_be_reached_is_one_message(work: Path):
    outcome = run_step("pack_dataset.py", work, "--set", "PACK_FOLDER='nowhere://bucket'")
    assert outcome.code == 2
    assert "which this TensorFlow cannot reach" in outcome.complaint


def test_a_curve_needs_packs_in_the_work(work: Path):
    with pytest.raises(SettingsError, match="PACK_FOLDER=None"):
        curve_folder(Work(work), {"PACK_FOLDER": "gs://bucket"})


def test_shares_of_the_captchas_are_together_what_one_makes(tmp_path: Path):
    config = replace(SMALL, count=23)
    assert generate(config, "train", tmp_path / "one", 3) == (23, 0)
    made = [generate(config, "train", tmp_path / f"{shard.number}", 3, shard) for shard in Shard.all_of(4)]
    assert sorted(made) == [(5, 0), (6, 0), (6, 0), (6, 0)]
    folders = [bytes_in(tmp_path / f"{number}") for number in (1, 2, 3, 4)]
    assert sum(map(len, folders)) == 23
    assert {name: data for folder in folders for name, data in folder.items()} == bytes_in(tmp_path / "one")
    assert generate(config, "train", tmp_path / "1", 3, WHOLE) == (17, 0)
    assert bytes_in(tmp_path / "1") == bytes_in(tmp_path / "one")


def test_two_processes_generate_into_one_work(tmp_path: Path):
    work = make_work(tmp_path / "work")
    one = Path(shutil.copytree(work, tmp_path / "one"))
    step(one, script="gen_sample_by_captcha.py")
    shares = run_together([("gen_sample_by_captcha.py", "--work", work, "--shard", f"{number}/2") for number in (1, 2)])
    assert [share.returncode for share in shares] == [0, 0], shares
    assert contents(work) == contents(one)


def test_shares_lock_each_other_not_but_every_whole_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "GATE_SECONDS", 0)
    first, second = (WorkLock(tmp_path, "pack_dataset", part=f"{number}-of-2") for number in (1, 2))
    for script, part in (("pack_dataset", "1-of-2"), ("pack_dataset", ""), ("move_path", ""), ("delete_file", "")):
        with pytest.raises(WorkError, match=rf"pack_dataset\.py \(process {os.getpid()}\) is changing the data"):
            WorkLock(tmp_path, script, part=part)
    for script, part in (("pack_dataset", "3-of-4"), ("gen_sample_by_captcha", "2-of-2")):  # parts of other jobs
        with pytest.raises(WorkError, match=r"pack_dataset\.py"):
            WorkLock(tmp_path, script, part=part)
    first.let_go()
    with pytest.raises(WorkError):
        WorkLock(tmp_path, "move_path")
    second.let_go()
    whole = WorkLock(tmp_path, "move_path")
    with pytest.raises(WorkError, match=r"move_path\.py"):
        WorkLock(tmp_path, "pack_dataset", part="1-of-2")
    whole.let_go()
    WorkLock(tmp_path, "pack_dataset", part="1-of-2").let_go()


def test_beam_packs_the_records_of_one_process(work: Path):
    pytest.importorskip("apache_beam", reason="needs Apache Beam: pip install -r requirements-beam.txt")
    one = in_one(work)
    run_well("pack_dataset.py", "--work", work, "--beam", 3)
    assert_the_same(work, one)
    assert read_report(work, "pack")["shares"] == 3
    assert "Unexpected pipeline runner" in refused(work, "--beam", "2", "--beam-options=--runner=Nobody")


def test_beam_that_is_not_installed_is_one_message(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert "pip install -r requirements-beam.txt" in refused(work, "--beam", "2")
