"""unlabelled_dataset in the steps: what pack_dataset.py packs of it, what it leaves out, and when there is no pack."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.storage import RemotePath
from bearcat.core.workspace import UNLABELLED, UNLABELLED_PACK, Work
from bearcat.data.images import InputSpec
from bearcat.data.labels.listing import list_images
from bearcat.data.tfrecord_index import INDEX, load_unlabelled_index
from bearcat.data.tfrecords import read_records
from bearcat.labelling.queue import build_queue
from tests.helpers.faults import image, make_work, run_step
from tests.helpers.packs import serialised, step
from tests.helpers.steps import read_report
from utils import Image_Processing

SPEC = InputSpec(16, 32, 1)
NOTHING_LEFT_OUT = {"labelled": [], "repeated": [], "blank": [], "damaged": []}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work with 6 training, 2 validation and 2 test images, and 3 without labels, whose names mean nothing."""
    work = make_work(tmp_path / "work")
    (work / UNLABELLED).mkdir()
    for number, name in enumerate(("a1.png", "99_b.png", "a_c_d.png")):
        image(1000 + number).save(work / UNLABELLED / name)
    return work


def packed_names(work: Path) -> list[str]:
    """Returns the names of the images in the pack of those without labels, sorted."""
    folder = work / UNLABELLED_PACK
    batches = read_records(folder, load_unlabelled_index(folder, SPEC))
    return sorted(name.decode() for batch in batches for name in batch["file"])


def has_pack(work: Path) -> bool:
    return load_unlabelled_index(work / UNLABELLED_PACK, SPEC) is not None


def test_they_are_packed_as_the_others_are_without_label_and_target(work: Path):
    other = Path(shutil.copytree(work, work.with_name("other")))
    shutil.rmtree(other / UNLABELLED)
    assert f"unlabelled_pack_dataset: 3 images without labels as {SPEC}\n" in step(work)
    folder = work / UNLABELLED_PACK
    index = load_unlabelled_index(folder, SPEC)
    assert (index.count, index.longest_label, index.kinds.sizes) == (3, 0, ((32, 16),))
    (batch,) = read_records(folder, index)
    assert set(batch["label"]) == {b""}
    assert not batch["target"].any()
    for name, pixels in zip(batch["file"], batch["image"], strict=True):
        expected = Image_Processing.extraction_image(work / UNLABELLED / name.decode(), SPEC)
        np.testing.assert_array_equal(pixels, expected)
    assert read_report(work, "pack")["unlabelled"] == {"pictures": 3} | NOTHING_LEFT_OUT
    # the labelled packs, and a work of an earlier version, are as they were
    assert UNLABELLED not in step(other)
    for split in ("train", "validation"):
        assert serialised(work / f"{split}_pack_dataset") == serialised(other / f"{split}_pack_dataset")
    assert "unlabelled" not in read_report(other, "pack")
    assert not has_pack(other)


def test_what_self_training_must_not_see_or_cannot_use_is_left_out_and_counted(work: Path):
    folder = work / UNLABELLED
    for split in ("train", "validation", "test"):
        shutil.copyfile(next((work / f"{split}_dataset").iterdir()), folder / f"of_{split}.png")
    shutil.copyfile(folder / "a1.png", folder / "again.png")
    Image.new("RGB", (32, 16), "#eee").save(folder / "empty.png")
    (folder / "cut.png").write_bytes((folder / "a1.png").read_bytes()[:60])
    (folder / "more").mkdir()
    image(7).save(folder / "more" / "1.png")
    printed = step(work)
    assert packed_names(work) == ["99_b.png", "a1.png", "a_c_d.png"]
    for line in (
        "Warning: unlabelled_dataset: 1 image in sub-folders is left out: more/1.png; move them up into unlabelled_da",
        "Left out of unlabelled_dataset, since a labelled data set has them too: 3 images, the first: of_test.png\n",
        "Left out of unlabelled_dataset, since they repeat others: 1 images, the first: again.png\n",
        f"Left out of unlabelled_dataset, since they are blank: 1 images, the first: {folder / 'empty.png'} is blank",
        "Left out of unlabelled_dataset, since they cannot be read: 1 images, the first: ",
    ):
        assert line in printed
    report = read_report(work, "pack")
    assert report["damaged"] == []
    assert report["unlabelled"]["labelled"] == ["of_test.png", "of_train.png", "of_validation.png"]
    assert report["unlabelled"]["repeated"] == ["again.png"]
    assert [len(report["unlabelled"][reason]) for reason in ("blank", "damaged")] == [1, 1]


def test_an_old_pack_never_stays(work: Path):
    step(work)
    assert has_pack(work)
    assert "3 images are not used: SELF_TRAIN = False" in step(work, "--set", "SELF_TRAIN=False")
    assert not has_pack(work)
    step(work)
    for path in (work / UNLABELLED).iterdir():
        path.write_bytes(b"damaged")
    assert "unlabelled_pack_dataset: 0 images" in step(work)
    assert not has_pack(work)
    assert not [*(work / UNLABELLED_PACK).iterdir()]
    image(7).save(work / UNLABELLED / "new.png")
    step(work)
    assert packed_names(work) == ["new.png"]
    shutil.rmtree(work / UNLABELLED)
    assert UNLABELLED not in step(work)
    assert not has_pack(work)


def test_a_file_that_packing_did_not_write_is_not_deleted(work: Path):
    (work / UNLABELLED_PACK).mkdir()
    (work / UNLABELLED_PACK / "mine.png").write_bytes(b"precious")
    outcome = run_step("pack_dataset.py", work)
    assert outcome.code == 2
    assert f"{work / UNLABELLED_PACK} holds mine.png, which packing did not write" in outcome.stderr
    assert (work / UNLABELLED_PACK / "mine.png").read_bytes() == b"precious"


def test_they_are_packed_with_frames_and_without_augmented_copies(work: Path):
    changed = ("DATA_ENHANCEMENT=1", "IMAGE_CHANNALS=3", "FRAMES=darkest")
    printed = step(work, *(option for value in changed for option in ("--set", value)))
    assert "train_pack_dataset: 12 images" in printed
    spec = InputSpec(16, 32, 3, "darkest")
    assert load_unlabelled_index(work / UNLABELLED_PACK, spec).count == 3


def test_classes_are_not_self_trained(work: Path):
    assert "3 images are not used: MODE = 'NUM_CLASSES' learns from labelled images only" in step(
        work, "--set", "MODE=NUM_CLASSES"
    )
    assert not has_pack(work)


def test_boxes_are_not_self_trained(work: Path):
    for split in ("train", "validation", "test"):
        for path in (work / f"{split}_dataset").glob("*.png"):
            path.with_suffix(".txt").write_text("0 0.5 0.5 0.4 0.4\n", encoding="utf-8")
        (work / f"{split}_dataset" / "classes.txt").write_text("bar\n", encoding="utf-8")
    printed = step(work, "--set", "MODE=EFFICIENTDET")
    assert "3 images are not used: MODE = 'EFFICIENTDET' learns from labelled images only" in printed
    assert not has_pack(work)


def test_a_pack_in_a_storage_is_removed_too(work: Path, tmp_path: Path):
    remote = ("--set", f"PACK_FOLDER='ram://bucket{tmp_path}'")
    folder = RemotePath(f"ram://bucket{tmp_path}") / work.name / UNLABELLED_PACK
    step(work, *remote)
    assert load_unlabelled_index(folder, SPEC).count == 3
    assert "unlabelled_pack_dataset: 2 files" in step(work, *remote, UNLABELLED_PACK, "--yes", script="delete_file.py")
    step(work, *remote)
    step(work, *remote, "--set", "SELF_TRAIN=False")
    assert not [*folder.glob("*")]


def test_delete_file_keeps_images_without_labels_unless_they_are_named(work: Path):
    assert UNLABELLED not in step(work, "--yes", script="delete_file.py")
    assert len(list_images(work / UNLABELLED)) == 3
    assert not list_images(work / "train_dataset")


def test_delete_file_offers_both_folders(work: Path):
    step(work)
    printed = step(work, UNLABELLED, UNLABELLED_PACK, "--yes", script="delete_file.py")
    assert "unlabelled_dataset: 3 files\nunlabelled_pack_dataset: 2 files\n" in printed
    assert not list_images(work / UNLABELLED)
    assert not (work / UNLABELLED_PACK / INDEX).exists()
    assert len(list_images(work / "train_dataset")) == 6


def test_move_path_leaves_them_where_they_are(work: Path):
    for split in ("validation", "test"):
        shutil.rmtree(work / f"{split}_dataset")
    assert "unlabelled_dataset: 3 images, which stay there\n" in step(work, script="move_path.py")
    assert len(list_images(work / UNLABELLED)) == 3
    step(work, "--undo", script="move_path.py")
    assert len(list_images(work / UNLABELLED)) == 3


def test_the_folders_are_made(work: Path):
    printed = step(work, script="init_working_space.py")
    assert f"without labels, if you have some, into {UNLABELLED}" in printed
    assert Work(work).folder(UNLABELLED_PACK).is_dir()
    assert len(list_images(work / UNLABELLED)) == 3


def test_the_labelling_page_takes_images_from_the_folder(work: Path):
    assert len(build_queue(work / UNLABELLED, Work(work)).images) == 3
