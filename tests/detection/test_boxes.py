"""Anchors, encoding of boxes, overlap and non-maximum suppression."""

import math

import numpy as np
import pytest

from bearcat.detection.boxes import decode_boxes, iou, iou_matrix, make_anchors, non_max_suppression
from bearcat.detection.configs import DETECTORS
from tests.helpers.detections import LIGHT, encode_boxes


def test_anchors_follow_the_formula_of_the_paper():
    anchors = make_anchors(DETECTORS["EfficientDet_D0"], 512, 512)
    assert anchors.shape == (9 * (64**2 + 32**2 + 16**2 + 8**2 + 4**2), 4)
    expected = []
    for octave in (0, 1 / 3, 2 / 3):
        for ratio in (1.0, 2.0, 0.5):
            side = 4 * 8 * 2**octave
            height, width = side / math.sqrt(ratio), side * math.sqrt(ratio)
            # the second cell of the third row of the finest level
            y, x = 2.5 * 8, 1.5 * 8
            expected.append([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
    first = 9 * (2 * 64 + 1)
    np.testing.assert_allclose(anchors[first : first + 9], expected, rtol=1e-6)


@pytest.mark.parametrize("detector", ["EfficientDet_D0", LIGHT])
def test_decoding_inverts_encoding(detector: str):
    anchors = make_anchors(DETECTORS[detector], 128, 256)
    low = np.random.default_rng(0).uniform(0, 60, (len(anchors), 2))
    boxes = np.concatenate([low, low + np.random.default_rng(1).uniform(4, 60, low.shape)], axis=1)
    np.testing.assert_allclose(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, atol=1e-3)


def test_a_huge_offset_stays_finite():
    assert np.isfinite(decode_boxes(np.full((1, 4), 1e4), np.array([[0.0, 0.0, 8.0, 8.0]]))).all()


def test_iou_of_known_boxes():
    box, half, apart = [0, 0, 10, 10], [0, 5, 10, 15], [20, 20, 30, 30]
    assert iou(np.array(box, float), np.array(half, float)) == pytest.approx(50 / 150)
    matrix = iou_matrix(np.array([box, half], float), np.array([box, apart, half], float))
    np.testing.assert_allclose(matrix, [[1, 0, 1 / 3], [1 / 3, 0, 1]], atol=1e-6)


def test_suppression_keeps_the_best_of_overlapping_boxes():
    boxes = np.array([[0, 0, 10, 10], [0, 1, 10, 11], [0, 30, 10, 40], [0, 4, 10, 14]], float)
    assert non_max_suppression(boxes, np.array([0.5, 0.9, 0.7, 0.8]), 0.5).tolist() == [1, 2]
    assert non_max_suppression(boxes, np.array([0.5, 0.9, 0.7, 0.8]), 0.6).tolist() == [1, 3, 2]
    assert non_max_suppression(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []
