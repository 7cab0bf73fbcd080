"""The assignment of anchors, and the detector's loss: by hand, and for better and worse outputs."""

import numpy as np
import pytest

from bearcat.detection.losses import NO_OBJECT, DetectionLoss, assign_anchors, diou_loss, focal_loss
from tests.helpers.detections import LIGHT, trained_output

SIDE = 64
OBJECTS = np.array([[0, 4, 4, 28, 30], [1, 30, 20, 60, 50], [NO_OBJECT] * 5], np.float32)


def test_an_anchor_is_positive_negative_or_ignored_by_its_iou():
    anchors = np.array([[0, 0, 10, 10], [0, 0, 10, 20], [0, 0, 10, 22.3], [0, 50, 10, 60], [100, 100, 110, 110]], "f")
    objects = np.array([[[1, 0, 0, 10, 10], [0, 8, 48, 18, 58], [NO_OBJECT] * 5]], np.float32)
    assigned, positive, negative = map(np.array, assign_anchors(objects, anchors))
    # the fourth is the best one of an object that it hardly overlaps
    assert positive[0].tolist() == [True, True, False, True, False]
    assert negative[0].tolist() == [False, False, False, False, True]  # the third has an IoU of 0.45
    assert assigned[0, [0, 1, 3]].tolist() == [0, 0, 1]


def test_an_image_without_objects_has_only_negative_anchors():
    objects, anchors = np.full((1, 2, 5), NO_OBJECT, "f"), np.array([[0, 0, 8, 8]], "f")
    _, positive, negative = map(np.array, assign_anchors(objects, anchors))
    assert not positive.any()
    assert negative.all()


def test_focal_loss_follows_its_equation():
    logits, targets = np.array([0.0, 2.0, -1.0], np.float32), np.array([1.0, 0.0, 1.0], np.float32)
    p = 1 / (1 + np.exp(-logits.astype(float)))
    expected = [
        -0.25 * (1 - p[0]) ** 2 * np.log(p[0]),
        -0.75 * p[1] ** 2 * np.log(1 - p[1]),
        -0.25 * (1 - p[2]) ** 2 * np.log(p[2]),
    ]
    np.testing.assert_allclose(focal_loss(logits, targets), expected, rtol=1e-5)


def test_diou_loss_of_known_boxes():
    box = np.array([0, 0, 10, 10], np.float32)
    assert float(diou_loss(box, box)) == pytest.approx(0, abs=1e-6)
    beside = np.array([0, 10, 10, 20], np.float32)
    # no overlap; the centres are 10 apart, the diagonal around both is √(10² + 20²)
    assert float(diou_loss(box, beside)) == pytest.approx(1 + 100 / 500, rel=1e-6)


def test_the_loss_of_a_correct_output_is_almost_zero_and_others_are_larger():
    loss = DetectionLoss(LIGHT, SIDE, SIDE)
    correct, unsure = trained_output(OBJECTS, 8.0, SIDE), trained_output(OBJECTS, 0.0, SIDE)
    shifted = correct.copy()
    shifted[..., 0] += 0.3
    values = [float(loss(OBJECTS[None], output)) for output in (correct, unsure, shifted)]
    assert values[0] < 1e-3
    assert values[1] > values[0] + 0.01
    assert values[2] > values[0] + 0.1
