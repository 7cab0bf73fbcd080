"""The number shown while training: the share of images in which every object is found, and nothing else."""

import keras
from keras import ops

from bearcat.detection.boxes import decode_boxes, iou_matrix, make_anchors
from bearcat.detection.configs import DETECTORS
from bearcat.detection.decoding import SURE
from bearcat.detection.losses import NOTHING

RIGHT_IOU = 0.5


@keras.saving.register_keras_serializable("bearcat")
class AllFound(keras.metrics.Mean):
    """The share of images with each object under a sure box of its class (IoU ≥ 0.5) and no sure box elsewhere.

    What test.py counts as all_clicks_correct, but for boxes that suppression would have merged.
    """

    def __init__(self, detector: str, height: int, width: int, name: str = "exact", **kwargs):
        super().__init__(name=name, **kwargs)
        self.detector, self.height, self.width = detector, height, width
        self._anchors = make_anchors(DETECTORS[detector], height, width)

    @classmethod
    def from_card(cls, card) -> "AllFound":
        """Return the metric of the detector that a card describes."""
        return cls(card.backbone, card.height, card.width)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count targets (N, M, 5) against outputs (N, A, 4 + classes)."""
        objects, outputs = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        probabilities = ops.sigmoid(outputs[..., 4:])
        sure = ops.max(probabilities, axis=-1) >= SURE
        classes = ops.cast(ops.argmax(probabilities, axis=-1), "float32")
        real = objects[..., 0] > NOTHING
        found = decode_boxes(outputs[..., :4], ops.convert_to_tensor(self._anchors), ops)
        hits = iou_matrix(found, objects[..., 1:], ops) >= RIGHT_IOU
        hits = ops.logical_and(hits, classes[..., None] == objects[:, None, :, 0])
        hits = ops.logical_and(hits, ops.logical_and(sure[..., None], real[:, None]))
        none_missed = ops.all(ops.logical_or(ops.any(hits, axis=1), ops.logical_not(real)), axis=1)
        none_elsewhere = ops.all(ops.logical_or(ops.any(hits, axis=2), ops.logical_not(sure)), axis=1)
        right = ops.logical_and(none_missed, none_elsewhere)
        return super().update_state(ops.cast(right, self.dtype), sample_weight)

    def get_config(self):
        """Return what builds this metric again."""
        return super().get_config() | {"detector": self.detector, "height": self.height, "width": self.width}
