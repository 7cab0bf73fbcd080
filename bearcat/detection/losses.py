"""The detector's loss: which anchor answers for which object, focal loss of the classes, DIoU loss of the boxes."""

import keras
from keras import ops

from bearcat.detection.boxes import EPSILON, decode_boxes, iou_matrix, make_anchors, overlaps
from bearcat.detection.configs import DETECTORS

NOTHING = -1  # the class of what pads an image's objects
POSITIVE_IOU, NEGATIVE_IOU = 0.5, 0.4  # anchors between them count for nothing
ALPHA, GAMMA = 0.25, 2.0
BOX_WEIGHT = 2.0


def assign_anchors(objects, anchors_yxyx):
    """Return the object that each anchor answers for, and which anchors are positive and which negative, all (N, A).

    Objects (N, M, 5) hold a class, NOTHING for padding, and ymin, xmin, ymax, xmax. An anchor is positive from
    POSITIVE_IOU on, negative below NEGATIVE_IOU; each object has at least the anchor nearest to it.
    """
    real = ops.expand_dims(objects[..., 0] > NOTHING, 1)
    shared = ops.where(real, iou_matrix(anchors_yxyx[None], objects[..., 1:], ops), 0.0)
    nearest = ops.logical_and(shared == ops.max(shared, axis=1, keepdims=True), shared > 0)
    # 2 is more than any overlap: an anchor that is nearest to an object answers for that one
    preference = ops.where(nearest, 2.0, shared)
    best = ops.max(preference, axis=2)
    return ops.argmax(preference, axis=2), best >= POSITIVE_IOU, best < NEGATIVE_IOU


def focal_loss(logits, targets):
    """Return the focal loss (...), in nats, of logits against targets 0 … 1 (Lin et al. 2017, equation 5)."""
    cross_entropy = ops.maximum(logits, 0.0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))
    probabilities = ops.sigmoid(logits)
    missed = targets * (1 - probabilities) + (1 - targets) * probabilities
    return (targets * ALPHA + (1 - targets) * (1 - ALPHA)) * missed**GAMMA * cross_entropy


def diou_loss(boxes, others):
    """Return 1 − IoU + (distance of the centres / diagonal around both)² (Zheng et al. 2020, equation 7): 0 … 2."""
    intersection, union = overlaps(boxes, others, ops)
    low = ops.minimum(boxes[..., :2], others[..., :2])
    high = ops.maximum(boxes[..., 2:], others[..., 2:])
    between = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    far = ops.sum(ops.square(between), axis=-1) / (ops.sum(ops.square(high - low), axis=-1) + EPSILON)
    return 1 - intersection / (union + EPSILON) + far


@keras.saving.register_keras_serializable("bearcat")
class DetectionLoss(keras.losses.Loss):
    """Focal loss of all anchors but the doubtful, and DIoU loss of the positive ones, by the number of these.

    Targets (N, M, 5) as assign_anchors takes them, outputs (N, A, 4 + classes) of build_detector. DIoU in place of
    smooth L1 looks at a box as its score does, whatever its size.
    """

    def __init__(self, detector: str, height: int, width: int, label_smoothing: float = 0.0, **kwargs):
        super().__init__(**({"name": "detection_loss"} | kwargs))
        self.detector, self.height, self.width, self.label_smoothing = detector, height, width, label_smoothing
        self._anchors = make_anchors(DETECTORS[detector], height, width)

    @classmethod
    def from_card(cls, card, label_smoothing: float) -> "DetectionLoss":
        """Return the loss of the detector that a card describes."""
        return cls(card.backbone, card.height, card.width, label_smoothing)

    def call(self, y_true, y_pred):
        """Return the loss of each image (N,), whose mean is the batch's sum over the batch's positive anchors."""
        objects, outputs = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        anchors = ops.convert_to_tensor(self._anchors)
        matched, positive, negative = map(ops.stop_gradient, assign_anchors(objects, anchors))
        own = ops.take_along_axis(objects, ops.expand_dims(matched, -1), axis=1)
        positive, negative = ops.cast(positive, "float32"), ops.cast(negative, "float32")
        targets = ops.one_hot(ops.cast(own[..., 0], "int32"), outputs.shape[-1] - 4) * positive[..., None]
        targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2 * positive[..., None]
        classes = ops.sum(focal_loss(outputs[..., 4:], targets), axis=-1) * (positive + negative)
        found = decode_boxes(outputs[..., :4], anchors, ops)
        boxes = diou_loss(found, own[..., 1:]) * positive
        each = ops.maximum(1.0, ops.sum(positive)) / ops.cast(ops.shape(outputs)[0], "float32")
        return ops.sum(classes + BOX_WEIGHT * boxes, axis=-1) / each

    def get_config(self):
        """Return what builds this loss again."""
        names = ("detector", "height", "width", "label_smoothing")
        return super().get_config() | {name: getattr(self, name) for name in names}
