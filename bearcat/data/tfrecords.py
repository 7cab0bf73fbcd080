"""The one TFRecord schema: written and parsed here only.

A record holds `image` (raw uint8 pixels after the letterbox), `label`, `file` (UTF-8) and `target` (vocabulary rows).
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import tensorflow as tf

from bearcat.core.errors import DataError, RecordError
from bearcat.core.files import PART, write_json
from bearcat.core.storage import Place, reached
from bearcat.data.images import InputSpec
from bearcat.data.pack_parts import FILES
from bearcat.data.tfrecord_index import AGAIN, INDEX, PackIndex

RECORDS_PER_SHARD = 8192
DUST = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers


@dataclass(frozen=True)
class Record:
    """One image as it is packed."""

    image: np.ndarray
    label: str
    file: str
    target: list[int]


def encode_record(record: Record) -> bytes:
    """Return a record as a serialised tf.train.Example; the same record gives the same bytes."""

    def text(value: str) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode("utf-8")]))

    pixels = tf.train.Feature(bytes_list=tf.train.BytesList(value=[record.image.tobytes()]))
    target = tf.train.Feature(int64_list=tf.train.Int64List(value=record.target))
    features = {"image": pixels, "label": text(record.label), "file": text(record.file), "target": target}
    # the features are a map, whose order else hangs on the process
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def parse_batch(serialised: tf.Tensor, spec: InputSpec, target_width: int) -> dict[str, tf.Tensor]:
    """Parse serialised records (N,): image uint8 (N, H, W, C), target int32 (N, target_width), label, file (N,)."""
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


def write_pack(folder: Path, records: Iterable[Record], total: int, index_of_all: dict) -> PackIndex:
    """Stream records into shards in a folder beside, then put it in the place of `folder`.

    `total` decides the number of shards, over which records go in turn; `index_of_all` holds the
    fields of PackIndex that all records share. Returns the index. Raises RecordError where the folder, which is
    replaced as a whole, holds anything else.
    """
    check_replaceable(folder)
    beside = folder.with_name(f".{folder.name}{PART}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        shard_count = file_count(total)
        names = [f"pack-{number:05d}-of-{shard_count:05d}.tfrecord" for number in range(shard_count)]
        count = write_files([beside / name for name in names], map(encode_record, records))
        if not count:
            raise DataError(f"not one image for {folder} could be read: python cheak_file.py names the damaged ones")
        index = PackIndex(count=count, shards=names, **index_of_all)
        write_json(beside / INDEX, asdict(index))
        _put_in_place(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)  # of a run that failed: a full disk needs the room
    return index


def check_replaceable(folder: Path) -> None:
    """Raise RecordError where a pack's folder holds what packing did not make, and what would go with it."""
    held = {path.name for path in folder.glob("*")} - {INDEX} - DUST
    if strange := sorted(name for name in held if not any(fnmatch(name, pattern) for pattern in FILES)):
        raise RecordError(
            f"{folder} holds {', '.join(strange[:3])}, which packing did not make but would take away: move it"
        )


def file_count(total: int) -> int:
    """Return over how many files so many records go."""
    return max(1, -(-total // RECORDS_PER_SHARD))


def write_files(files: list[Place], serialised: Iterable[bytes]) -> int:
    """Write serialised records in turn over some files; return how many they were."""
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


def _put_in_place(beside: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def check_records(folder: Place, index: PackIndex) -> None:
    """Read a pack once, its checksums held; raise RecordError that names a shard which is damaged or was cut."""
    count = 0
    for shard in (folder / name for name in index.shards):
        try:
            with reached(shard):
                count += int(tf.data.TFRecordDataset(str(shard)).reduce(np.int64(0), lambda number, record: number + 1))
        except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
            raise RecordError(f"{shard} is damaged ({error.message}): {AGAIN}") from None
    if count != index.count:
        raise RecordError(f"{folder} holds {count} records, its {INDEX} says {index.count}: {AGAIN}")


def read_records(folder: Place, index: PackIndex, batch_size: int = 64) -> Iterator[dict[str, np.ndarray]]:
    """Yield a pack's records in batches of NumPy arrays, in the order of the shards."""
    shards = [str(folder / name) for name in index.shards]
    batches = tf.data.TFRecordDataset(shards).batch(batch_size)
    parsed = batches.map(lambda serialised: parse_batch(serialised, index.spec, max(1, index.longest_label)))
    try:
        yield from parsed.as_numpy_iterator()
    except tf.errors.DataLossError as error:
        raise RecordError(f"{folder} is damaged ({error.message}): {AGAIN}") from None
