"""Augmentation of images with boxes: zoom, crop, light, colour, and mosaics of four images. No turns, no mirrors.

Images are float32 (N, H, W, C) in 0 … 255, objects float32 (N, M, 5): class or NOTHING, ymin, xmin, ymax, xmax.
"""

import math

import tensorflow as tf

from bearcat.detection.losses import NOTHING

ZOOM = 0.3  # share by which an image grows or shrinks
STRETCH = 0.1  # share by which its width does so besides
SHIFT = 0.2  # share of the sides
CONTRAST, BRIGHTNESS = 0.3, 25.0  # share, grey levels; a third of each for every colour of its own
LEAST_VISIBLE = 0.4  # share of an object's area that must stay in the image
MOSAIC_SHARE = 0.5  # of the batches


def change(images: tf.Tensor, objects: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Zoom, shift and colour each image of a batch, and move its boxes along; what falls outside is dropped."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    zoom = tf.exp(tf.random.uniform([count], -math.log1p(ZOOM), math.log1p(ZOOM)))
    scale_x = zoom * tf.exp(tf.random.uniform([count], -math.log1p(STRETCH), math.log1p(STRETCH)))
    shift_y = tf.random.uniform([count], -SHIFT, SHIFT) * height + (1 - zoom) * height / 2
    shift_x = tf.random.uniform([count], -SHIFT, SHIFT) * width + (1 - scale_x) * width / 2
    nothing = tf.zeros([count])
    # the operation asks where each output pixel comes from; a pixel's centre lies half a pixel inside it
    from_x = [1 / scale_x, nothing, (0.5 - shift_x) / scale_x - 0.5]
    from_y = [nothing, 1 / zoom, (0.5 - shift_y) / zoom - 0.5]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*from_x, *from_y, nothing, nothing], axis=1),
        output_shape=[height, width],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    scales = tf.stack([zoom, scale_x, zoom, scale_x], axis=1)[:, None]
    shifts = tf.stack([shift_y, shift_x, shift_y, shift_x], axis=1)[:, None]
    return recolour(warped), clip_objects(objects, objects[..., 1:] * scales + shifts, height, width)


def clip_objects(objects: tf.Tensor, boxes_yxyx: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Return the objects with new boxes, cut at the borders; those of which too little is left become NOTHING."""
    clipped = tf.clip_by_value(boxes_yxyx, 0.0, tf.constant([height, width] * 2, tf.float32))
    left, whole = area(clipped), area(boxes_yxyx)
    seen = tf.logical_and(objects[..., 0] > NOTHING, left >= LEAST_VISIBLE * whole)
    return tf.where(seen[..., None], tf.concat([objects[..., :1], clipped], -1), float(NOTHING))


def area(boxes: tf.Tensor) -> tf.Tensor:
    """Return the areas (...) of boxes (..., 4)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def recolour(images: tf.Tensor) -> tf.Tensor:
    """Change contrast and brightness of each image, and a little of each colour by itself."""
    middle, count, channels = 127.5, tf.shape(images)[0], images.shape[3]
    for share, shape in ((1.0, [count, 1, 1, 1]), (1 / 3, [count, 1, 1, channels])):
        limit = math.log1p(CONTRAST * share)
        contrast = tf.exp(tf.random.uniform(shape, -limit, limit))
        brightness = tf.random.uniform(shape, -BRIGHTNESS * share, BRIGHTNESS * share)
        images = (images - middle) * contrast + middle + brightness
    return tf.clip_by_value(images, 0.0, 255.0)


def mosaic(images: tf.Tensor, objects: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return, for a share of the batches, images of four: each with its three followers, at half the size.

    Objects become (N, 4 · M, 5) in either case.
    """
    height, width = images.shape[1], images.shape[2]

    def tiles() -> tuple[tf.Tensor, tf.Tensor]:
        half = tf.image.resize(images, [height // 2, width // 2], antialias=True)
        parts = [tf.roll(half, -number, axis=0) for number in range(4)]
        rows = [tf.concat(parts[:2], axis=2), tf.concat(parts[2:], axis=2)]
        moved = []
        for number in range(4):
            own = tf.roll(objects, -number, axis=0)
            corner = tf.constant([number // 2 * height / 2, number % 2 * width / 2] * 2)
            boxes = own[..., 1:] / 2 + corner
            moved.append(tf.where(own[..., :1] > NOTHING, tf.concat([own[..., :1], boxes], -1), float(NOTHING)))
        return tf.concat(rows, axis=1), tf.concat(moved, axis=1)

    def plain() -> tuple[tf.Tensor, tf.Tensor]:
        more = tf.shape(objects) * [1, 3, 1]
        return images, tf.concat([objects, tf.fill(more, float(NOTHING))], axis=1)

    return tf.cond(tf.random.uniform([]) < MOSAIC_SHARE, tiles, plain)
