"""Packs: records come back as they were written; packs that are damaged or do not fit are refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bearcat.core.errors import RecordError
from bearcat.data import tfrecord_index
from bearcat.data.codecs import Task
from bearcat.data.images import InputSpec
from bearcat.data.online_augmentation import augment_batch
from bearcat.data.tfrecord_index import TFRecordIndex, check_pack, load_index
from bearcat.data.tfrecords import Record, read_records, write_pack
from bearcat.data.vocabulary import Vocabulary
from bearcat.training.text_pipeline import training_batches, validation_batches
from tests.helpers.records import EMPTY_INDEX, SPEC, make_records


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, TFRecordIndex]:
    """A pack of 20 records in 3 shards."""
    monkeypatch.setattr(tfrecord_index, "RECORDS_PER_SHARD", 8)
    folder = tmp_path / "train_pack_dataset"
    return folder, write_pack(folder, make_records(20), 20, EMPTY_INDEX)


def test_records_come_back_pixel_for_pixel(pack):
    folder, index = pack
    assert len(index.shards) == 3
    assert load_index(folder) == index
    batches = list(read_records(folder, index, batch_size=6))
    read = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    order = np.argsort(read["image"][:, 0, 0, 0])
    for position, record in zip(order, make_records(20), strict=True):
        assert np.array_equal(read["image"][position], record.image)
        assert read["label"][position].decode() == record.label
        assert read["file"][position].decode() == record.file
        assert [index for index in read["target"][position] if index] == record.target


def test_packing_again_replaces_the_whole_pack(pack):
    folder, _ = pack
    index = write_pack(folder, make_records(4), 4, EMPTY_INDEX)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*index.shards, "pack.json"])
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_files_that_packing_did_not_write_are_not_deleted(pack):
    folder, index = pack
    (folder / "Thumbs.db").write_bytes(b"a thumbnail")
    (folder / "7_mine.png").write_bytes(b"precious")
    with pytest.raises(RecordError, match=r"holds 7_mine\.png, which packing did not write"):
        write_pack(folder, make_records(4), 4, EMPTY_INDEX)
    assert load_index(folder) == index
    (folder / "7_mine.png").rename(folder.with_name("7_mine.png"))
    assert write_pack(folder, make_records(4), 4, EMPTY_INDEX).count == 4


def test_packing_that_fails_leaves_the_old_pack(pack):
    folder, index = pack

    def failing() -> Iterator[Record]:
        yield from make_records(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pack(folder, failing(), 9, EMPTY_INDEX)
    assert load_index(folder) == index
    assert sum(len(batch["label"]) for batch in read_records(folder, index)) == 20


def test_a_pack_that_is_missing_or_damaged_says_what_to_run(pack, tmp_path: Path):
    folder, index = pack
    with pytest.raises(RecordError, match=r"holds no pack: run python pack_dataset\.py"):
        load_index(tmp_path / "elsewhere")
    (folder / index.shards[1]).unlink()
    with pytest.raises(RecordError, match="pack-00001-of-00003"):
        load_index(folder)
    (folder / "pack.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecordError, match="damaged"):
        load_index(folder)


def test_a_truncated_shard_is_refused(pack):
    folder, index = pack
    shard = folder / index.shards[0]
    shard.write_bytes(shard.read_bytes()[:-20])
    with pytest.raises(RecordError, match="train_pack_dataset is damaged"):
        list(read_records(folder, index))


def test_a_pack_for_another_input_or_vocabulary_is_refused(pack):
    folder, index = pack
    check_pack(folder, index, SPEC, Vocabulary(("a", "b")), Task.TEXT)
    with pytest.raises(RecordError, match="the settings ask for"):
        check_pack(folder, index, InputSpec(6, 10, 1), Vocabulary(("a", "b")), Task.TEXT)
    with pytest.raises(RecordError, match="another vocabulary"):
        check_pack(folder, index, SPEC, Vocabulary(("a", "c")), Task.TEXT)
    with pytest.raises(RecordError, match="the mode needs one per class"):
        check_pack(folder, index, SPEC, Vocabulary(("a", "b")), Task.CLASSIFICATION)
    with pytest.raises(RecordError, match="another order"):
        check_pack(folder, index, SPEC, Vocabulary(("a", "b"), "rtl"), Task.TEXT)


def test_validation_sees_every_record_once_and_unchanged(pack):
    folder, index = pack
    batches = validation_batches(folder, index, 3, 8)
    assert batches.options().autotune.enabled is False  # nobody waits for its thread
    assert len(batches) == 3
    images, targets = (np.concatenate(parts) for parts in zip(*batches.as_numpy_iterator(), strict=True))
    assert images.dtype == np.float32
    assert sorted(images[:, 0, 0, 0]) == list(range(20))
    assert targets.shape == (20, 3)


def test_training_is_endless_shuffled_and_repeatable_from_its_seed(pack):
    folder, index = pack

    def numbers(seed: int) -> list[int]:
        batches = training_batches(folder, index, 3, 4, seed, strength=None).take(10)
        assert batches.options().autotune.enabled is False
        return [int(number) for images, _ in batches for number in images[:, 0, 0, 0]]

    first = numbers(1)
    assert sorted(first[:20]) == sorted(first[20:]) == list(range(20))
    assert first[:20] != first[20:]
    assert numbers(1) == first != numbers(2)


def test_augmentation_changes_images_a_little_and_keeps_pixels_in_range():
    tf.random.set_seed(0)
    paper = np.full((16, 40, 80, 1), 255, np.uint8)
    paper[:, 15:25, 30:50] = 0
    changed = augment_batch(tf.constant(paper)).numpy()
    assert changed.shape == paper.shape
    assert changed.min() >= 0
    assert changed.max() <= 255
    dark = (changed < 100).sum(axis=(1, 2, 3))
    assert np.all((dark > 120) & (dark < 320))
    assert len(set(dark.tolist())) > 4


def test_augmentation_is_as_strong_as_asked():
    tf.random.set_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 40, 3), np.uint8)
    smooth = tf.nn.avg_pool2d(tf.constant(pixels, tf.float32), 5, 1, "SAME")
    assert np.allclose(augment_batch(smooth, 0.0), smooth, atol=1e-2)
    little, much = (np.abs(augment_batch(smooth, strength) - smooth).mean() for strength in (0.1, 1.0))
    assert 0 < little < much / 3


def test_the_strength_of_the_augmentation_depends_on_the_batch_number(tmp_path: Path):
    write_pack(tmp_path / "pack", make_records(6), 6, EMPTY_INDEX)
    folder, index = tmp_path / "pack", load_index(tmp_path / "pack")
    batches = training_batches(
        folder, index, 3, 3, 0, lambda number: 1.0 - tf.minimum(tf.cast(number, tf.float32), 1.0)
    )
    first, *later = [np.sort(images.numpy()[:, 0, 0, 0]) for images, _ in batches.take(9)]
    assert not np.isin(first, range(6)).all()
    assert np.isin(np.concatenate(later), range(6)).all()
