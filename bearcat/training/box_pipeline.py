"""From images with boxes to batches for training and validation."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from bearcat.core.devices import available_bytes
from bearcat.data.images import InputSpec, place
from bearcat.data.labels.reading import LabelledImage
from bearcat.detection.augmentation import augment_batch, mosaic
from bearcat.detection.losses import NO_OBJECT
from bearcat.training.text_pipeline import without_autotuning

CACHE_FRACTION = 0.3  # of the free memory, for decoded images
SHUFFLE_IMAGES = 1024
Extract = Callable[[Path, InputSpec], np.ndarray]


def encode_objects(item: LabelledImage, names: Sequence[str], spec: InputSpec, most: int) -> np.ndarray:
    """Encodes the objects of an image.

    Returns:
        Float32 (most, 5): class, ymin, xmin, ymax, xmax in pixels of the network's input, padded with NO_OBJECT.
    """
    labels, objects = item.label, np.full((most, 5), NO_OBJECT, np.float32)
    placement = place(labels.width, labels.height, spec)
    boxes_xyxy = labels.boxes_xyxy * placement.scale + np.array([placement.left, placement.top] * 2)
    for row, name, box in zip(objects, labels.names, boxes_xyxy, strict=False):
        row[:] = names.index(name), *box[[1, 0, 3, 2]]
    return objects


def load_images(
    data: Sequence[LabelledImage],
    names: Sequence[str],
    spec: InputSpec,
    extract: Extract,
    indices: range | None = None,
    sharers: int = 1,
) -> tf.data.Dataset:
    """Returns a data set of single images, decoded once and cached if they fit into memory.

    Args:
        data: The images with their boxes.
        names: The class names, in the order of the network's outputs.
        spec: The size of the network's input.
        extract: Decodes an image file to uint8 pixels of that size.
        indices: The images to load; by default all.
        sharers: The number of data sets of this size that share the memory.

    Returns:
        A data set of images uint8 (H, W, C) and objects float32 (M, 5); see `encode_objects`.
    """
    indices = range(len(data)) if indices is None else indices
    most = max(1, *(len(item.label.names) for item in data))
    objects = np.stack([encode_objects(data[index], names, spec, most) for index in indices])

    def load(index: tf.Tensor) -> tf.Tensor:
        pixels = tf.numpy_function(lambda i: extract(data[i].path, spec), [index], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, spec.shape)

    chosen = tf.data.Dataset.range(indices.start, indices.stop, indices.step)
    images = chosen.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    if sharers * len(indices) * np.prod(spec.shape) < CACHE_FRACTION * available_bytes():
        images = images.cache()
    return tf.data.Dataset.zip(images, tf.data.Dataset.from_tensor_slices(objects))


def training_batches(singles: tf.data.Dataset, count: int, batch_size: int, seed: int, augment: bool, tiles: bool):
    """Returns endless shuffled batches.

    Args:
        singles: Single images; see `load_images`.
        count: The number of them.
        batch_size: Images per batch.
        seed: Seed of the order.
        augment: Whether to augment the images.
        tiles: Whether to add mosaics of four images.

    Returns:
        A data set of images float32 (N, H, W, C) in 0 … 255 and objects float32 (N, M, 5).
    """

    def prepare(images: tf.Tensor, objects: tf.Tensor):
        images = tf.cast(images, tf.float32)
        if tiles:
            images, objects = mosaic(images, objects)
        return augment_batch(images, objects) if augment else (images, objects)

    batches = singles.shuffle(min(count, SHUFFLE_IMAGES), seed=seed).repeat().batch(batch_size)
    return batches.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2).apply(without_autotuning)


def validation_batches(singles: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Returns all images once, in order, without augmentation, in the shapes of `training_batches`."""
    batches = singles.batch(batch_size).map(lambda images, objects: (tf.cast(images, tf.float32), objects))
    return batches.prefetch(2).apply(without_autotuning)
