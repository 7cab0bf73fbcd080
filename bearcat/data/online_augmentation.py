"""Augmentation while training: small changes that leave text readable. Pixels are float32, 0 … 255."""

import math

import tensorflow as tf

from bearcat.data.offline_augmentation import BRIGHTNESS, CONTRAST, affine_rows


def jitter(images: tf.Tensor, strength: float | tf.Tensor = 1.0) -> tf.Tensor:
    """Turn, stretch, shear and shift each image of a batch (N, H, W, C), and change its light.

    `strength`, 0 … 1, is the share of the limits that the changes may reach.
    Computed in float32 whatever the policy: under bfloat16 the coordinates would be too coarse.
    """
    images = tf.cast(images, tf.float32)
    height, width = images.shape[1], images.shape[2]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_affine_maps(tf.shape(images)[0], height, width, strength),
        output_shape=[height, width],
        fill_value=255.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return _change_light(warped, strength)


def _affine_maps(count: tf.Tensor, height: int, width: int, strength: float | tf.Tensor) -> tf.Tensor:
    """Return random maps (count, 8) from output to input pixels about the image's centre."""

    def uniform(limit: float) -> tf.Tensor:
        return strength * tf.random.uniform([count], -limit, limit)

    nothing = tf.zeros([count])
    return tf.stack([*affine_rows(uniform, tf.cos, tf.sin, height, width), nothing, nothing], axis=1)


def _change_light(images: tf.Tensor, strength: float | tf.Tensor) -> tf.Tensor:
    middle = 127.5
    each = [tf.shape(images)[0], 1, 1, 1]
    contrast = tf.exp(strength * tf.random.uniform(each, -math.log1p(CONTRAST), math.log1p(CONTRAST)))
    brightness = strength * tf.random.uniform(each, -BRIGHTNESS, BRIGHTNESS)
    return tf.clip_by_value((images - middle) * contrast + middle + brightness, 0.0, 255.0)
