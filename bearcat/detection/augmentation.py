"""Augmentation of batches with boxes: zoom, stretch, shift, contrast, brightness, and mosaics; no rotations or flips.

Images are float32 (N, H, W, C) in 0 … 255; objects are float32 (N, M, 5) of class, ymin, xmin, ymax, xmax, with the
class NO_OBJECT for padding.
"""

import math

import tensorflow as tf

from bearcat.detection.boxes import areas
from bearcat.detection.losses import NO_OBJECT

ZOOM = 0.3  # largest relative change of the size
STRETCH = 0.1  # largest relative change of the width besides
SHIFT = 0.2  # largest shift, as a fraction of the image's sides
CONTRAST, BRIGHTNESS = 0.3, 25.0  # largest relative change, and change in grey levels; per channel a third of these
MIN_VISIBLE = 0.4  # fraction of an object's area that must remain in the image
MOSAIC_FRACTION = 0.5  # fraction of the batches that become mosaics


def augment_batch(images: tf.Tensor, objects: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Zooms, stretches and shifts images with their boxes, and changes contrast and brightness."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    zoom = tf.exp(tf.random.uniform([count], -math.log1p(ZOOM), math.log1p(ZOOM)))
    scale_x = zoom * tf.exp(tf.random.uniform([count], -math.log1p(STRETCH), math.log1p(STRETCH)))
    shift_y = tf.random.uniform([count], -SHIFT, SHIFT) * height + (1 - zoom) * height / 2
    shift_x = tf.random.uniform([count], -SHIFT, SHIFT) * width + (1 - scale_x) * width / 2
    zeros = tf.zeros([count])
    # the transform maps output pixels to input pixels; the 0.5 are for pixel centres
    from_x = [1 / scale_x, zeros, (0.5 - shift_x) / scale_x - 0.5]
    from_y = [zeros, 1 / zoom, (0.5 - shift_y) / zoom - 0.5]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*from_x, *from_y, zeros, zeros], axis=1),
        output_shape=[height, width],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    scales = tf.stack([zoom, scale_x, zoom, scale_x], axis=1)[:, None]
    shifts = tf.stack([shift_y, shift_x, shift_y, shift_x], axis=1)[:, None]
    return jitter_colours(warped), clip_objects(objects, objects[..., 1:] * scales + shifts, height, width)


def clip_objects(objects: tf.Tensor, boxes_yxyx: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Replaces the boxes of objects, clipped to the image; objects that are hardly visible become padding."""
    clipped = tf.clip_by_value(boxes_yxyx, 0.0, tf.constant([height, width] * 2, tf.float32))
    is_visible = areas(clipped, tf) >= MIN_VISIBLE * areas(boxes_yxyx, tf)
    kept = tf.logical_and(objects[..., 0] > NO_OBJECT, is_visible)
    return tf.where(kept[..., None], tf.concat([objects[..., :1], clipped], -1), float(NO_OBJECT))


def jitter_colours(images: tf.Tensor) -> tf.Tensor:
    """Changes contrast and brightness of each image, and less strongly of each of its channels."""
    middle, count, channels = 127.5, tf.shape(images)[0], images.shape[3]
    for strength, shape in ((1.0, [count, 1, 1, 1]), (1 / 3, [count, 1, 1, channels])):
        limit = math.log1p(CONTRAST * strength)
        contrast = tf.exp(tf.random.uniform(shape, -limit, limit))
        brightness = tf.random.uniform(shape, -BRIGHTNESS * strength, BRIGHTNESS * strength)
        images = (images - middle) * contrast + middle + brightness
    return tf.clip_by_value(images, 0.0, 255.0)


def mosaic(images: tf.Tensor, objects: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Turns some batches into mosaics: each image with the next three of the batch, at half the size.

    The returned objects are (N, 4 · M, 5) in either case.
    """
    height, width = images.shape[1], images.shape[2]

    def make_mosaics() -> tuple[tf.Tensor, tf.Tensor]:
        half = tf.image.resize(images, [height // 2, width // 2], antialias=True)
        tiles = [tf.roll(half, -index, axis=0) for index in range(4)]
        rows = [tf.concat(tiles[:2], axis=2), tf.concat(tiles[2:], axis=2)]
        moved = []
        for index in range(4):
            tile_objects = tf.roll(objects, -index, axis=0)
            classes = tile_objects[..., :1]
            corner = tf.constant([index // 2 * height / 2, index % 2 * width / 2] * 2)
            boxes = tile_objects[..., 1:] / 2 + corner
            moved.append(tf.where(classes > NO_OBJECT, tf.concat([classes, boxes], -1), float(NO_OBJECT)))
        return tf.concat(rows, axis=1), tf.concat(moved, axis=1)

    def pad_objects() -> tuple[tf.Tensor, tf.Tensor]:
        padding = tf.fill(tf.shape(objects) * [1, 3, 1], float(NO_OBJECT))
        return images, tf.concat([objects, padding], axis=1)

    return tf.cond(tf.random.uniform([]) < MOSAIC_FRACTION, make_mosaics, pad_objects)
