"""The metric counts images whose objects are all detected, and no others."""

import numpy as np

from bearcat.detection.boxes import make_anchors
from bearcat.detection.configs import DETECTORS
from bearcat.detection.exact_match import DetectionExactMatch
from bearcat.detection.losses import NO_OBJECT
from tests.helpers.detections import LIGHT, trained_output

SIDE = 64
OBJECTS = np.array([[0, 4, 4, 28, 30], [1, 30, 20, 60, 50], [NO_OBJECT] * 5], np.float32)


def test_an_exact_match_has_all_objects_and_no_other():
    metric = DetectionExactMatch(LIGHT, SIDE, SIDE)
    correct = trained_output(OBJECTS, 3.0, SIDE)

    def rate(output: np.ndarray) -> float:
        metric.reset_state()
        metric.update_state(OBJECTS[None], output)
        return float(metric.result())

    assert rate(correct) == 1
    assert rate(trained_output(OBJECTS, -3.0, SIDE)) == 0  # scores below the threshold
    assert rate(trained_output(OBJECTS[:1], 3.0, SIDE)) == 0  # one missed
    swapped = correct.copy()
    swapped[..., [4, 5]] = swapped[..., [5, 4]]
    assert rate(swapped) == 0  # other classes
    extra = correct.copy()
    extra[0, -1, 4] = 3.0
    extra[0, -1, :4] = 0
    corner = make_anchors(DETECTORS[LIGHT], SIDE, SIDE)[-1]
    assert not any(np.all(corner == box) for box in OBJECTS[:, 1:])
    assert rate(extra) == 0  # one too many
