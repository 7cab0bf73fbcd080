"""Packs of TFRecords: the one place where records are written and parsed.

A record holds `image` (raw uint8 pixels after the letterbox), `label`, `file` (both UTF-8) and `target` (the indices of
the label's symbols in the vocabulary).
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from bearcat.core.errors import RecordError
from bearcat.core.files import PART, write_json
from bearcat.core.names import encode_name
from bearcat.core.storage import Place, RemotePath, reached
from bearcat.data.images import InputSpec
from bearcat.data.tfrecord_index import (
    INDEX,
    RUN_PACKING,
    TFRecordIndex,
    check_replaceable,
    new_prefix,
    publish,
    shard_names,
)


@dataclass(frozen=True)
class Record:
    """A packed image."""

    image: np.ndarray
    label: str
    file: str
    target: list[int]


def encode_record(record: Record) -> bytes:
    """Serialises a record as a tf.train.Example; equal records give equal bytes."""

    def text(value: str) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[encode_name(value)]))

    pixels = tf.train.Feature(bytes_list=tf.train.BytesList(value=[record.image.tobytes()]))
    target = tf.train.Feature(int64_list=tf.train.Int64List(value=record.target))
    features = {"image": pixels, "label": text(record.label), "file": text(record.file), "target": target}
    # the order of a map's entries would otherwise depend on the process
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def parse_batch(serialised: tf.Tensor, spec: InputSpec, target_width: int) -> dict[str, tf.Tensor]:
    """Parses serialised records (N,).

    Returns:
        image uint8 (N, H, W, C), target int32 (N, target_width), padded with 0; label and file, string (N,).
    """
    parsed = tf.io.parse_example(
        serialised,
        {
            "image": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.string),
            "file": tf.io.FixedLenFeature([], tf.string),
            "target": tf.io.RaggedFeature(tf.int64),
        },
    )
    pixels = tf.io.decode_raw(parsed["image"], tf.uint8)
    target = parsed["target"].to_tensor(shape=[None, target_width])
    return {
        "image": tf.reshape(pixels, [-1, *spec.shape]),
        "target": tf.cast(target, tf.int32),
        "label": parsed["label"],
        "file": parsed["file"],
    }


def write_pack(folder: Place, records: Iterable[Record], total: int, index: TFRecordIndex) -> TFRecordIndex:
    """Streams records into a pack, which replaces the old one when it is complete.

    Args:
        folder: The pack; a local folder is replaced as a whole.
        records: The records, which go to the shards in turn.
        total: Expected number of records; decides the number of shards.
        index: Describes all records, see `TFRecordIndex.for_labels`.

    Returns:
        The index of the pack.

    Raises:
        RecordError: The folder holds files that packing did not write.
        NoImagesError: There are no records.
    """
    check_replaceable(folder)
    serialised = map(encode_record, records)
    if isinstance(folder, RemotePath):
        return _write_remote(folder, serialised, total, index)
    return _write_local(folder, serialised, total, index)


def _write_local(folder: Path, serialised: Iterable[bytes], total: int, index: TFRecordIndex) -> TFRecordIndex:
    part, names = folder.with_name(f".{folder.name}{PART}"), shard_names("pack", total)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        index = index.with_records(_write_shards([part / name for name in names], serialised), names, folder)
        write_json(part / INDEX, index.to_dict())
        _replace_folder(folder, part)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # after a failure: frees a full disk
    return index


def _write_remote(folder: RemotePath, serialised: Iterable[bytes], total: int, index: TFRecordIndex) -> TFRecordIndex:
    """Writes shards of new names next to the old pack: object stores cannot rename a folder."""
    names = shard_names(new_prefix(), total)
    folder.mkdir()
    with reached(folder):
        count = _write_shards([folder / name for name in names], serialised)
    index = index.with_records(count, names, folder)
    publish(folder, index)
    return index


def _write_shards(files: Sequence[Place], serialised: Iterable[bytes]) -> int:
    """Writes records to the files in turn and returns their number."""
    writers = [tf.io.TFRecordWriter(str(file)) for file in files]
    count = 0
    try:
        for record in serialised:
            writers[count % len(writers)].write(record)
            count += 1
    finally:
        for writer in writers:
            writer.close()
    return count


def _replace_folder(folder: Path, part: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def check_records(folder: Place, index: TFRecordIndex) -> None:
    """Reads a pack once with its checksums; raises RecordError, naming the shard, if one is damaged or truncated."""
    count = 0
    for shard in (folder / name for name in index.shards):
        try:
            with reached(shard):
                count += int(tf.data.TFRecordDataset(str(shard)).reduce(np.int64(0), lambda number, record: number + 1))
        except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
            raise RecordError(f"{shard} is damaged ({error.message}): {RUN_PACKING}") from None
    if count != index.count:
        raise RecordError(f"{folder} holds {count} records, its {INDEX} says {index.count}: {RUN_PACKING}")


def read_records(folder: Place, index: TFRecordIndex, batch_size: int = 64) -> Iterator[dict[str, np.ndarray]]:
    """Yields a pack's records in batches of NumPy arrays, in the order of the shards."""
    shards = [str(folder / name) for name in index.shards]
    batches = tf.data.TFRecordDataset(shards).batch(batch_size)
    parsed = batches.map(lambda serialised: parse_batch(serialised, index.spec, max(1, index.longest_label)))
    try:
        yield from parsed.as_numpy_iterator()
    except tf.errors.DataLossError as error:
        raise RecordError(f"{folder} is damaged ({error.message}): {RUN_PACKING}") from None
