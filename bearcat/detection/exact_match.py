"""The metric shown during training: the fraction of images whose objects are all detected, and no others."""

import keras
from keras import ops

from bearcat.detection.boxes import MATCH_IOU, decode_boxes, iou_matrix, make_anchors
from bearcat.detection.configs import DETECTORS
from bearcat.detection.decoding import SCORE_THRESHOLD
from bearcat.detection.losses import NO_OBJECT


@keras.saving.register_keras_serializable("bearcat", name="AllFound")
class DetectionExactMatch(keras.metrics.Mean):
    """Fraction of images in which detections match the objects exactly.

    Each object must be matched (same class, IoU of at least MATCH_IOU) by a box with a score of at least
    SCORE_THRESHOLD, and each such box must match an object. This is `all_clicks_correct` of test.py without
    non-maximum suppression.

    Args:
        detector: A name in DETECTORS.
        height: Height of the input in pixels.
        width: Width of the input in pixels.
        name: Name of the metric in the logs.
        **kwargs: As in keras.metrics.Mean.
    """

    def __init__(self, detector: str, height: int, width: int, name: str = "exact", **kwargs):
        super().__init__(name=name, **kwargs)
        self.detector, self.height, self.width = detector, height, width
        self._anchors = make_anchors(DETECTORS[detector], height, width)

    @classmethod
    def from_card(cls, card) -> "DetectionExactMatch":
        """Creates the metric of the detector that a card describes."""
        return cls(card.backbone, card.spec.height, card.spec.width)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Accumulates a batch.

        Args:
            y_true: Objects (N, M, 5) of class, ymin, xmin, ymax, xmax; the class of padding is NO_OBJECT.
            y_pred: Outputs (N, anchors, 4 + classes).
            sample_weight: Weights (N,).
        """
        objects, outputs = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        probabilities = ops.sigmoid(outputs[..., 4:])
        is_detected = ops.max(probabilities, axis=-1) >= SCORE_THRESHOLD
        classes = ops.cast(ops.argmax(probabilities, axis=-1), "float32")
        is_object = objects[..., 0] > NO_OBJECT
        boxes = decode_boxes(outputs[..., :4], ops.convert_to_tensor(self._anchors), ops)
        matches = iou_matrix(boxes, objects[..., 1:], ops) >= MATCH_IOU
        matches = ops.logical_and(matches, classes[..., None] == objects[:, None, :, 0])
        matches = ops.logical_and(matches, ops.logical_and(is_detected[..., None], is_object[:, None]))
        no_object_missed = ops.all(ops.logical_or(ops.any(matches, axis=1), ops.logical_not(is_object)), axis=1)
        no_box_unmatched = ops.all(ops.logical_or(ops.any(matches, axis=2), ops.logical_not(is_detected)), axis=1)
        correct = ops.logical_and(no_object_missed, no_box_unmatched)
        return super().update_state(ops.cast(correct, self.dtype), sample_weight)

    def get_config(self):
        return super().get_config() | {"detector": self.detector, "height": self.height, "width": self.width}
