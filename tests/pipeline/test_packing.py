"""pack_dataset.py with PACK_FOLDER: packs in another folder or in a storage are those of the work."""

import sys
from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.storage import RemotePath
from bearcat.core.workspace import Work
from bearcat.settings_rules import load_settings
from bearcat.training.learning_curve.trainings import curve_folder
from bearcat.training.sources import PackedImages
from tests.helpers.captchas import bytes_in
from tests.helpers.faults import contents, image, make_work, run_step
from tests.helpers.packs import assert_same_packs, packed_copy, serialised, step
from tests.helpers.steps import ROOT


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work with 6 training and 2 validation images, not packed."""
    return make_work(tmp_path / "work")


def test_packs_in_a_storage_equal_packs_in_the_work(work: Path, tmp_path: Path):
    named = f"ram://bucket{tmp_path}"
    remote = ("--set", f"PACK_FOLDER='{named}'")
    other = packed_copy(work)
    expected = contents(work).keys() | {"num_classes.json"}
    assert "train_pack_dataset: 6 images" in step(work, *remote)
    assert_same_packs(work, other, named)
    assert contents(work).keys() == expected
    step(work, *remote)
    assert_same_packs(work, other, named)
    folder = RemotePath(named) / work.name / "train_pack_dataset"
    assert [path.name.partition("-")[0] for path in folder.glob("*")] == ["pack", "pack.json"]
    assert_same_training_data(work, other, remote)
    assert "train_pack_dataset: 2 files" in step(work, *remote, "train_pack_dataset", "--yes", script="delete_file.py")
    assert not [*folder.glob("*")]
    assert f"{folder} holds no pack" in run_step("train.py", work, *remote).stderr


def test_a_failure_leaves_the_pack_in_a_storage_as_it_was(work: Path, tmp_path: Path):
    named = f"ram://bucket{tmp_path}"
    remote = ("--set", f"PACK_FOLDER='{named}'")
    step(work, *remote)
    folder = Work(work).pack_folder("train", named)
    before = serialised(folder)
    for file in (work / "train_dataset").iterdir():
        file.write_bytes(b"damaged")
    assert "no image for" in run_step("pack_dataset.py", work, *remote).stderr
    assert serialised(folder) == before
    image(7).save(work / "train_dataset" / "01_new.png")
    step(work, *remote)
    assert len(serialised(folder)) == 1
    assert len([*folder.glob("*")]) == 2


def assert_same_training_data(work: Path, other: Path, remote: tuple[str, str]) -> None:
    """Asserts that a training gets the same data from a storage as from the disk."""
    from bearcat.artifacts.card import Card

    found = []
    for made, overrides in ((work, remote[1:]), (other, ())):
        settings = load_settings(ROOT / "settings.py", made / "settings.py", overrides)
        source = PackedImages(Work(made), settings)
        batches, validation = source.batches(Card.from_settings(settings, source.vocabulary), seed=0, strength=None)
        assert next(batches.as_numpy_iterator())[0].shape == (4, 16, 32, 1)
        pairs = (pair for batch in validation.as_numpy_iterator() for pair in zip(*batch, strict=True))
        found.append(sorted((image.tobytes(), target.tobytes()) for image, target in pairs))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_packs_in_another_folder_equal_packs_in_the_work(work: Path, tmp_path: Path):
    other = packed_copy(work)
    named = str(tmp_path / "elsewhere" / "packs")
    step(work, "--set", f"PACK_FOLDER={named}")
    assert_same_packs(work, other, named)
    assert not [*work.glob("*_pack_dataset")]
    for split in ("train", "validation"):
        assert bytes_in(Path(named) / work.name / f"{split}_pack_dataset") == bytes_in(other / f"{split}_pack_dataset")


def test_a_storage_that_cannot_be_reached_is_one_message(work: Path):
    outcome = run_step("pack_dataset.py", work, "--set", "PACK_FOLDER='nowhere://bucket'")
    assert outcome.code == 2
    assert "which this TensorFlow cannot reach" in outcome.stderr


def test_a_curve_needs_packs_in_the_work(work: Path):
    with pytest.raises(SettingsError, match="PACK_FOLDER=None"):
        curve_folder(Work(work), {"PACK_FOLDER": "gs://bucket"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--beam-options=--runner=FlinkRunner"], "--beam-options need --beam"),
        (["--beam", "--set", "MODE=EFFICIENTDET"], "packs nothing"),
        (["--shard", "1/2"], "unrecognized arguments: --shard 1/2"),
        (["--beam", "--renew", "--extend"], "not allowed with"),
    ],
)
def test_options_that_do_not_apply_are_refused(work: Path, arguments: list[str], message: str):
    before = contents(work)
    outcome = run_step("pack_dataset.py", work, *arguments)
    assert outcome.code == 2
    assert message in outcome.stderr
    assert contents(work) == before


def test_without_beam_one_message_says_what_to_install(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    before = contents(work)
    outcome = run_step("pack_dataset.py", work, "--beam")
    assert outcome.code == 2
    assert outcome.stderr.count("\n") == 1
    assert "pip install -r requirements-beam.txt" in outcome.stderr
    assert contents(work) == before
