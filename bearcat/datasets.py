"""From a pack to batches for training and validation: tf.data, with memory that does not grow with the data."""

import tensorflow as tf

from bearcat.augment import jitter
from bearcat.packs import PackIndex
from bearcat.places import Place
from bearcat.records import parse_batch

SHUFFLE_BYTES = 128 * 2**20  # how much of the data lies in memory to be shuffled


def _serialised(folder: Place, index: PackIndex) -> tf.data.Dataset:
    return tf.data.TFRecordDataset([str(folder / name) for name in index.shards], num_parallel_reads=2)


def training_batches(
    folder: Place, index: PackIndex, target_width: int, batch_size: int, seed: int, augment: bool
) -> tf.data.Dataset:
    """Return endless shuffled batches: images float32 (N, H, W, C) in 0 … 255, targets int32 (N, target_width)."""
    height, width, channels = index.spec.shape
    buffer = min(index.count, max(batch_size * 8, SHUFFLE_BYTES // (height * width * channels)))

    def prepare(serialised: tf.Tensor):
        record = parse_batch(serialised, index.spec, target_width)
        images = jitter(record["image"]) if augment else tf.cast(record["image"], tf.float32)
        return images, record["target"]

    records = _serialised(folder, index).shuffle(buffer, seed=seed).repeat()
    return records.batch(batch_size).map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def validation_batches(folder: Place, index: PackIndex, target_width: int, batch_size: int) -> tf.data.Dataset:
    """Return all records once, in order, as `training_batches` shapes them, unchanged."""

    def prepare(serialised: tf.Tensor):
        record = parse_batch(serialised, index.spec, target_width)
        return tf.cast(record["image"], tf.float32), record["target"]

    batches = _serialised(folder, index).batch(batch_size).map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    # Keras warns of data that ran out unless it knows how much there is
    return batches.apply(tf.data.experimental.assert_cardinality(-(-index.count // batch_size))).prefetch(2)
