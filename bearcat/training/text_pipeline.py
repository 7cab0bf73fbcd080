"""From a pack to batches for training and validation: tf.data, with memory that does not grow with the data."""

from collections.abc import Callable

import tensorflow as tf

from bearcat.core.storage import Place
from bearcat.data.online_augmentation import jitter
from bearcat.data.tfrecord_index import PackIndex
from bearcat.data.tfrecords import parse_batch
from bearcat.training.cluster import ALONE, Worker
from bearcat.training.distribution import SOLO, Team

SHUFFLE_BYTES = 128 * 2**20  # how much of the data lies in memory to be shuffled


def _serialised(folder: Place, index: PackIndex, worker: Worker = ALONE) -> tf.data.Dataset:
    """Return a worker's records: whole shard files as far as they go round, and of the rest every n-th record."""
    paths = [str(folder / name) for name in index.shards]
    whole = len(paths) - len(paths) % worker.count
    records = tf.data.TFRecordDataset(paths[:whole][worker.number :: worker.count], num_parallel_reads=2)
    if whole == len(paths):
        return records
    rest = tf.data.TFRecordDataset(paths[whole:], num_parallel_reads=2).shard(worker.count, worker.number)
    return records.concatenate(rest) if whole else rest


def training_batches(
    folder: Place,
    index: PackIndex,
    target_width: int,
    batch_size: int,
    seed: int,
    strength: Callable[[tf.Tensor], tf.Tensor] | None,
    worker: Worker = ALONE,
) -> tf.data.Dataset:
    """Return endless shuffled batches: images float32 (N, H, W, C) in 0 … 255, targets int32 (N, target_width).

    `strength` says how strongly the images of a batch are changed, 0 … 1, by its number, which counts from 0; None:
    they are not.
    Each of several workers has its part of the records, the same number as the others, give or take one.
    """
    height, width, channels = index.spec.shape
    buffer = min(index.count, max(batch_size * 8, SHUFFLE_BYTES // (height * width * channels)))

    def prepare(number: tf.Tensor, serialised: tf.Tensor):
        record = parse_batch(serialised, index.spec, target_width)
        images = jitter(record["image"], strength(number)) if strength else tf.cast(record["image"], tf.float32)
        return images, record["target"]

    records = _serialised(folder, index, worker).shuffle(buffer, seed=seed).repeat()
    batches = records.batch(batch_size).enumerate()
    return batches.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def validation_batches(
    folder: Place, index: PackIndex, target_width: int, batch_size: int, team: Team = SOLO
) -> tf.data.Dataset:
    """Return all records once, in order, as `training_batches` shapes them, unchanged; several replicas: see `deal`."""

    def prepare(serialised: tf.Tensor):
        record = parse_batch(serialised, index.spec, target_width)
        return tf.cast(record["image"], tf.float32), record["target"]

    def batches_of(records: tf.data.Dataset) -> tf.data.Dataset:
        return records.batch(batch_size).map(prepare, num_parallel_calls=tf.data.AUTOTUNE)

    records = _serialised(folder, index)
    if team.strategy:
        each = team.share_of(index.count)
        return deal([batches_of(records.shard(team.replicas, part).take(each)) for part in team.parts]).prefetch(2)
    batches = batches_of(records)
    # Keras warns of data that ran out unless it knows how much there is
    return batches.apply(tf.data.experimental.assert_cardinality(-(-index.count // batch_size))).prefetch(2)


def deal(parts: list[tf.data.Dataset]) -> tf.data.Dataset:
    """Return the batches of all replicas of a process, one of each in turn, over and over.

    All parts hold the same number of images: a replica that had none left would add the mean of nothing to a loss.
    """
    turns = tf.data.Dataset.range(len(parts)).repeat()
    return tf.data.Dataset.choose_from_datasets(parts, turns).repeat()
