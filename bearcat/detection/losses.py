"""The detector's loss: assignment of objects to anchors, focal loss of the classes, DIoU loss of the boxes."""

import keras
from keras import ops

from bearcat.detection.boxes import EPSILON, decode_boxes, intersection_and_union, iou_matrix, make_anchors
from bearcat.detection.configs import DETECTORS

NO_OBJECT = -1  # class of the padding of an image's objects
POSITIVE_IOU, NEGATIVE_IOU = 0.5, 0.4  # anchors in between are ignored
ALPHA, GAMMA = 0.25, 2.0
BOX_WEIGHT = 2.0


def assign_anchors(objects, anchors_yxyx):
    """Assigns an object to each anchor.

    An anchor is positive from an IoU of POSITIVE_IOU, or if no other one overlaps an object more; it is negative below
    NEGATIVE_IOU.

    Args:
        objects: Objects (N, M, 5) of class, ymin, xmin, ymax, xmax; the class of padding is NO_OBJECT.
        anchors_yxyx: Anchors (anchors, 4).

    Returns:
        Index of each anchor's object, whether it is positive, and whether it is negative, all (N, anchors).
    """
    is_object = ops.expand_dims(objects[..., 0] > NO_OBJECT, 1)
    ious = ops.where(is_object, iou_matrix(anchors_yxyx[None], objects[..., 1:], ops), 0.0)
    is_best_anchor = ops.logical_and(ious == ops.max(ious, axis=1, keepdims=True), ious > 0)
    # 2 is larger than any IoU: the best anchor of an object is assigned to it, even if it overlaps another one more
    preference = ops.where(is_best_anchor, 2.0, ious)
    best = ops.max(preference, axis=2)
    return ops.argmax(preference, axis=2), best >= POSITIVE_IOU, best < NEGATIVE_IOU


def focal_loss(logits, targets):
    """Focal loss (...), in nats, of logits (...) against targets (...) in 0 … 1 (Lin et al. 2017, equation 5)."""
    cross_entropy = ops.maximum(logits, 0.0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))
    probabilities = ops.sigmoid(logits)
    error = targets * (1 - probabilities) + (1 - targets) * probabilities
    return (targets * ALPHA + (1 - targets) * (1 - ALPHA)) * error**GAMMA * cross_entropy


def diou_loss(boxes, others):
    """DIoU loss (...), 0 … 2, of boxes (..., 4) and others (..., 4) (Zheng et al. 2020, equation 7).

    This is 1 − IoU + (distance of the centres / diagonal of the smallest box around both)².
    """
    intersection, union = intersection_and_union(boxes, others, ops)
    low = ops.minimum(boxes[..., :2], others[..., :2])
    high = ops.maximum(boxes[..., 2:], others[..., 2:])
    between = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    distance = ops.sum(ops.square(between), axis=-1) / (ops.sum(ops.square(high - low), axis=-1) + EPSILON)
    return 1 - intersection / (union + EPSILON) + distance


@keras.saving.register_keras_serializable("bearcat")
class DetectionLoss(keras.losses.Loss):
    """Focal loss of positive and negative anchors plus DIoU loss of positive ones, per positive anchor of the batch.

    Targets are objects (N, M, 5) as in assign_anchors, predictions are outputs (N, anchors, 4 + classes) of
    build_detector. Unlike smooth L1, DIoU does not depend on the size of a box.

    Args:
        detector: A name in DETECTORS.
        height: Height of the input in pixels.
        width: Width of the input in pixels.
        label_smoothing: Weight of the targets' uniform distribution over a class and its absence, 0 … 1.
        **kwargs: As in keras.losses.Loss.
    """

    def __init__(self, detector: str, height: int, width: int, label_smoothing: float = 0.0, **kwargs):
        super().__init__(**({"name": "detection_loss"} | kwargs))
        self.detector, self.height, self.width, self.label_smoothing = detector, height, width, label_smoothing
        self._anchors = make_anchors(DETECTORS[detector], height, width)

    @classmethod
    def from_card(cls, card, label_smoothing: float) -> "DetectionLoss":
        """Creates the loss of the detector that a card describes."""
        return cls(card.backbone, card.spec.height, card.spec.width, label_smoothing)

    def call(self, y_true, y_pred):
        """Loss of each image (N,); the mean is the sum over the batch divided by its number of positive anchors."""
        objects, outputs = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        anchors = ops.convert_to_tensor(self._anchors)
        assigned, positive, negative = map(ops.stop_gradient, assign_anchors(objects, anchors))
        anchor_objects = ops.take_along_axis(objects, ops.expand_dims(assigned, -1), axis=1)
        positive, negative = ops.cast(positive, "float32"), ops.cast(negative, "float32")
        targets = ops.one_hot(ops.cast(anchor_objects[..., 0], "int32"), outputs.shape[-1] - 4) * positive[..., None]
        targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2 * positive[..., None]
        class_losses = ops.sum(focal_loss(outputs[..., 4:], targets), axis=-1) * (positive + negative)
        boxes = decode_boxes(outputs[..., :4], anchors, ops)
        box_losses = diou_loss(boxes, anchor_objects[..., 1:]) * positive
        positives_per_image = ops.maximum(1.0, ops.sum(positive)) / ops.cast(ops.shape(outputs)[0], "float32")
        return ops.sum(class_losses + BOX_WEIGHT * box_losses, axis=-1) / positives_per_image

    def get_config(self):
        names = ("detector", "height", "width", "label_smoothing")
        return super().get_config() | {name: getattr(self, name) for name in names}
