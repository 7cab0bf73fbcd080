"""Boxes stay on their objects when images are augmented."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.detection import augmentation
from bearcat.detection.augmentation import augment_batch, clip_objects, mosaic
from bearcat.detection.losses import NO_OBJECT
from tests.helpers.detections import dark_box

SIDE = 64


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


def square_image(top: int, left: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a white image with one black square of 16 pixels, and its object."""
    image = np.full((1, SIDE, SIDE, 1), 255.0, np.float32)
    image[0, top : top + 16, left : left + 16] = 0
    objects = np.array([[[1, top, left, top + 16, left + 16], [NO_OBJECT] * 5]], np.float32)
    return tf.constant(image), tf.constant(objects)


def test_boxes_stay_on_their_objects():
    widths = set()
    for _ in range(40):
        image, objects = augment_batch(*square_image(24, 20))
        row = objects.numpy()[0, 0]
        assert row[0] == 1  # in the middle: never dropped
        np.testing.assert_allclose(dark_box(image.numpy()[0]), row[1:], atol=1.1)
        assert (objects.numpy()[0, 1] == NO_OBJECT).all()
        widths.add(round(float(row[3] - row[1])))
    assert len(widths) > 5


def test_a_hardly_visible_object_is_dropped():
    _, objects = square_image(24, 20)
    boxes = tf.constant([[[-12.0, 0, 4, 16], [0, 0, 0, 0]]])
    assert clip_objects(objects, boxes, SIDE, SIDE).numpy()[0, 0, 0] == NO_OBJECT
    boxes = tf.constant([[[-4.0, 0, 12, 16], [0, 0, 0, 0]]])
    assert clip_objects(objects, boxes, SIDE, SIDE).numpy()[0, 0].tolist() == [1, 0, 0, 12, 16]


def test_a_mosaic_has_four_images_with_their_boxes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(augmentation, "MOSAIC_FRACTION", 1.0)
    pairs = [square_image(8 * n, 4 + 8 * n) for n in range(4)]
    images, objects = (tf.concat(parts, axis=0) for parts in zip(*pairs, strict=True))
    image, boxes = (value.numpy()[0] for value in mosaic(images, objects))
    found = boxes[boxes[:, 0] > NO_OBJECT, 1:]
    assert len(found) == 4
    for top, left, bottom, right in found.astype(int):
        assert (bottom - top, right - left) == (8, 8)
        assert image[top + 1 : bottom - 1, left + 1 : right - 1].max() < 128
    assert (image < 128).sum() == pytest.approx(4 * 64, rel=0.2)


def test_a_batch_without_mosaics_has_the_same_shape(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(augmentation, "MOSAIC_FRACTION", 0.0)
    image, objects = square_image(24, 20)
    same, padded = mosaic(image, objects)
    np.testing.assert_array_equal(same, image)
    assert padded.shape == (1, 8, 5)
    assert (padded.numpy()[0, 2:] == NO_OBJECT).all()
