"""Augmentation while training: small changes that leave text readable. Pixels are float32, 0 … 255."""

import math

import tensorflow as tf

from bearcat.augment_limits import BRIGHTNESS, CONTRAST, SCALE, SHEAR, SHIFT_X, SHIFT_Y, TURN


def jitter(images: tf.Tensor, strength: float | tf.Tensor = 1.0) -> tf.Tensor:
    """Turn, stretch, shear and shift each picture of a batch (N, H, W, C), and change its light.

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
    """Return random maps (count, 8) from output to input pixels about the picture's centre."""

    def uniform(limit: float) -> tf.Tensor:
        return strength * tf.random.uniform([count], -limit, limit)

    turn = uniform(TURN)
    a0 = tf.cos(turn) * (1 + uniform(SCALE))
    a1 = -tf.sin(turn) + uniform(SHEAR)
    b0 = tf.sin(turn)
    b1 = tf.cos(turn) * (1 + uniform(SCALE))
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + uniform(SHIFT_X * width)
    b2 = centre_y - b0 * centre_x - b1 * centre_y + uniform(SHIFT_Y * height)
    nothing = tf.zeros([count])
    return tf.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1)


def _change_light(images: tf.Tensor, strength: float | tf.Tensor) -> tf.Tensor:
    middle = 127.5
    each = [tf.shape(images)[0], 1, 1, 1]
    contrast = tf.exp(strength * tf.random.uniform(each, -math.log1p(CONTRAST), math.log1p(CONTRAST)))
    brightness = strength * tf.random.uniform(each, -BRIGHTNESS, BRIGHTNESS)
    return tf.clip_by_value((images - middle) * contrast + middle + brightness, 0.0, 255.0)
