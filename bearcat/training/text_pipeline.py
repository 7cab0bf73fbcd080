"""From a pack of TFRecords to batches for training and validation, with tf.data and bounded memory."""

from collections.abc import Callable

import tensorflow as tf

from bearcat.core.storage import Place
from bearcat.data.online_augmentation import augment_batch
from bearcat.data.tfrecord_index import TFRecordIndex
from bearcat.data.tfrecords import parse_batch
from bearcat.training.cluster import ALONE, Worker
from bearcat.training.distribution import SINGLE_REPLICA, Replicas

SHUFFLE_BYTES = 128 * 2**20  # of decoded images in the shuffle buffer
WEAK_STRENGTH = 0.3  # of the augmentation of images that a teacher predicts
Strength = Callable[[tf.Tensor], float | tf.Tensor]


def _worker_records(folder: Place, index: TFRecordIndex, worker: Worker = ALONE) -> tf.data.Dataset:
    """A worker's records: its own shard files, and every n-th record of the files that cannot be divided evenly."""
    paths = [str(folder / name) for name in index.shards]
    whole = len(paths) - len(paths) % worker.count
    records = tf.data.TFRecordDataset(paths[:whole][worker.number :: worker.count], num_parallel_reads=2)
    if whole == len(paths):
        return records
    rest = tf.data.TFRecordDataset(paths[whole:], num_parallel_reads=2).shard(worker.count, worker.number)
    return records.concatenate(rest) if whole else rest


def training_batches(
    folder: Place,
    index: TFRecordIndex,
    target_width: int,
    batch_size: int,
    seed: int,
    strength: Strength | None,
    worker: Worker = ALONE,
) -> tf.data.Dataset:
    """Returns endless shuffled batches of a pack.

    Args:
        folder: The folder of the pack.
        index: The index of the pack.
        target_width: The length to which targets are padded.
        batch_size: Images per batch.
        seed: Seed of the order.
        strength: Returns the augmentation strength, 0 … 1, of a batch by its number, from 0; None: no augmentation.
        worker: Each of several workers reads records of its own, equally many give or take one.

    Returns:
        A data set of images float32 (N, H, W, C) in 0 … 255 and targets int32 (N, target_width).
    """
    height, width, channels = index.spec.shape
    buffer = min(index.count, max(batch_size * 8, SHUFFLE_BYTES // (height * width * channels)))

    @tf.autograph.experimental.do_not_convert  # which takes half a second and finds nothing to convert
    def prepare(number: tf.Tensor, serialised: tf.Tensor):
        record = parse_batch(serialised, index.spec, target_width)
        images = augment_batch(record["image"], strength(number)) if strength else tf.cast(record["image"], tf.float32)
        return images, record["target"]

    records = _worker_records(folder, index, worker).shuffle(buffer, seed=seed).repeat()
    batches = records.batch(batch_size).enumerate()
    return batches.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2).apply(without_autotuning)


def mixed_batches(labelled: tf.data.Dataset, unlabelled: tf.data.Dataset, strength: Strength | None) -> tf.data.Dataset:
    """Returns batches for self-training: a batch of images with labels, one without, and the latter once more.

    Args:
        labelled: Batches of `training_batches`.
        unlabelled: Batches of images without labels, not augmented, with empty targets.
        strength: As in `training_batches`, for the first copy of the images without labels. The second one, which a
            teacher sees, is augmented with WEAK_STRENGTH: over the epochs it sees many views of an image, which
            together are more often right than one. None: neither is augmented.
    """

    @tf.autograph.experimental.do_not_convert
    def join(number, one, two):
        (images, targets), (others, empty) = one, two
        strengths = (strength(number), WEAK_STRENGTH) if strength else ()
        views = [augment_batch(others, one) for one in strengths] or [others, others]
        return tf.concat([images, *views], axis=0), tf.concat([targets, empty, empty], axis=0)

    batches = tf.data.Dataset.zip(tf.data.Dataset.counter(), labelled, unlabelled)
    return batches.map(join, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2).apply(without_autotuning)


def validation_batches(
    folder: Place, index: TFRecordIndex, target_width: int, batch_size: int, replicas: Replicas = SINGLE_REPLICA
) -> tf.data.Dataset:
    """Returns the batches of a pack in order, without augmentation, in the shapes of `training_batches`.

    A single replica gets all records once; several replicas get their shards as `interleave_shards` says.
    """

    @tf.autograph.experimental.do_not_convert
    def prepare(serialised: tf.Tensor):
        record = parse_batch(serialised, index.spec, target_width)
        return tf.cast(record["image"], tf.float32), record["target"]

    def batches_of(records: tf.data.Dataset) -> tf.data.Dataset:
        return records.batch(batch_size).map(prepare, num_parallel_calls=tf.data.AUTOTUNE)

    records = _worker_records(folder, index)
    if replicas.strategy:
        size = replicas.shard_size(index.count)
        shards = [records.shard(replicas.count, number).take(size) for number in replicas.local_indices]
        return interleave_shards([batches_of(shard) for shard in shards]).prefetch(2).apply(without_autotuning)
    # without a known cardinality Keras warns that the data ran out
    cardinality = tf.data.experimental.assert_cardinality(-(-index.count // batch_size))
    return batches_of(records).apply(cardinality).prefetch(2).apply(without_autotuning)


def without_autotuning(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Switches off the tuning of a data set by tf.data: AUTOTUNE then is as many calls at a time as there are cores.

    The thread that tunes sleeps for as long as the data set has been read so far, and what deletes an iterator waits
    for it. That may be Python's garbage collection, at any moment: a training of a minute then stands still for half
    of one.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def interleave_shards(shards: list[tf.data.Dataset]) -> tf.data.Dataset:
    """Returns the batches of a worker's replicas, one of each in turn, endlessly.

    All shards must have the same number of images: a replica without any would add the mean of nothing to the loss.
    """
    turns = tf.data.Dataset.range(len(shards)).repeat()
    return tf.data.Dataset.choose_from_datasets(shards, turns).repeat()
