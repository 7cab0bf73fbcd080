"""Augmentation of text images while training, within the limits of the offline augmentation."""

import math

import tensorflow as tf

from bearcat.data.offline_augmentation import BRIGHTNESS, CONTRAST, MID_GREY, affine_coefficients


def augment_batch(images: tf.Tensor, strength: float | tf.Tensor = 1.0) -> tf.Tensor:
    """Randomly rotates, scales, shears and shifts each image, and changes its contrast and brightness.

    Computes in float32 under any precision policy: in bfloat16 the coordinates would be too coarse.

    Args:
        images: Pixels (N, H, W, C), 0 to 255.
        strength: Fraction of the limits that the changes may reach, 0 to 1.

    Returns:
        float32 pixels (N, H, W, C), 0 to 255.
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
    """Random maps (count, 8) from output to input pixels about the centre, as ImageProjectiveTransform takes them."""

    def uniform(limit: float) -> tf.Tensor:
        return strength * tf.random.uniform([count], -limit, limit)

    zeros = tf.zeros([count])
    return tf.stack([*affine_coefficients(uniform, tf.cos, tf.sin, height, width), zeros, zeros], axis=1)


def _change_light(images: tf.Tensor, strength: float | tf.Tensor) -> tf.Tensor:
    shape = [tf.shape(images)[0], 1, 1, 1]
    contrast = tf.exp(strength * tf.random.uniform(shape, -math.log1p(CONTRAST), math.log1p(CONTRAST)))
    brightness = strength * tf.random.uniform(shape, -BRIGHTNESS, BRIGHTNESS)
    return tf.clip_by_value((images - MID_GREY) * contrast + MID_GREY + brightness, 0.0, 255.0)
