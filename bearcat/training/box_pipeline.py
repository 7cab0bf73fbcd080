"""From images and their VOC labels to batches for training and validation."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from bearcat.core.devices import available_bytes
from bearcat.data.images import InputSpec, place
from bearcat.data.labels import LabelledImage
from bearcat.detection.augmentation import change, mosaic
from bearcat.detection.losses import NOTHING

CACHE_SHARE = 0.3  # of the free memory, for decoded images
Extract = Callable[[Path, InputSpec], np.ndarray]


def encode_objects(item: LabelledImage, names: Sequence[str], spec: InputSpec, most: int) -> np.ndarray:
    """Return an image's objects (most, 5), class and ymin, xmin, ymax, xmax in pixels of the input, then NOTHING."""
    labels, objects = item.label, np.full((most, 5), NOTHING, np.float32)
    placement = place(labels.width, labels.height, spec)
    boxes_xyxy = labels.boxes_xyxy * placement.scale + np.array([placement.left, placement.top] * 2)
    for row, name, box in zip(objects, labels.names, boxes_xyxy, strict=False):
        row[:] = names.index(name), *box[[1, 0, 3, 2]]
    return objects


def images_of(
    data: Sequence[LabelledImage],
    names: Sequence[str],
    spec: InputSpec,
    extract: Extract,
    numbers: range | None = None,
    sharers: int = 1,
) -> tf.data.Dataset:
    """Return single images uint8 (H, W, C) with their objects (M, 5), kept in memory where they fit.

    `numbers` says which of the images; all, unless given. So many `sharers` of the memory keep as many.
    """
    numbers = range(len(data)) if numbers is None else numbers
    most = max(1, *(len(item.label.names) for item in data))
    objects = np.stack([encode_objects(data[number], names, spec, most) for number in numbers])

    def load(number: tf.Tensor) -> tf.Tensor:
        pixels = tf.numpy_function(lambda n: extract(data[n].path, spec), [number], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, spec.shape)

    chosen = tf.data.Dataset.range(numbers.start, numbers.stop, numbers.step)
    images = chosen.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    if sharers * len(numbers) * np.prod(spec.shape) < CACHE_SHARE * available_bytes():
        images = images.cache()
    return tf.data.Dataset.zip(images, tf.data.Dataset.from_tensor_slices(objects))


def training_batches(singles: tf.data.Dataset, count: int, batch_size: int, seed: int, augment: bool, tiles: bool):
    """Return endless shuffled batches: images float32 (N, H, W, C) in 0 … 255, objects float32 (N, M, 5)."""

    def prepare(images: tf.Tensor, objects: tf.Tensor):
        images = tf.cast(images, tf.float32)
        if tiles:
            images, objects = mosaic(images, objects)
        return change(images, objects) if augment else (images, objects)

    batches = singles.shuffle(min(count, 1024), seed=seed).repeat().batch(batch_size)
    return batches.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def validation_batches(singles: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Return all images once, in order, unchanged, as `training_batches` shapes them."""
    return singles.batch(batch_size).map(lambda images, objects: (tf.cast(images, tf.float32), objects)).prefetch(2)
