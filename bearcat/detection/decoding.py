"""From the output of a detector to the objects of an image, and to the points to click. Only needs NumPy."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bearcat.core.errors import LabelError
from bearcat.data.codecs import Task
from bearcat.data.images import InputSpec, place
from bearcat.detection.boxes import decode_boxes, make_anchors, non_max_suppression
from bearcat.detection.configs import DETECTORS

SCORE_THRESHOLD = 0.4  # from this score on a box counts as an object
MIN_SCORE = 0.05  # from this score on a box may match a name of the prompt, and counts for average precision
NMS_IOU = 0.5  # boxes that overlap more are the same object, whatever their classes
MAX_CANDIDATES = 1000


@dataclass(frozen=True)
class Detections:
    """The boxes found in an image, best first; those with a score of at least SCORE_THRESHOLD are its objects.

    Args:
        names: The classes.
        boxes_xyxy: Boxes (n, 4) in pixels.
        probabilities: Probability of each class (n, classes).
    """

    names: tuple[str, ...]
    boxes_xyxy: np.ndarray
    probabilities: np.ndarray

    @cached_property
    def scores(self) -> np.ndarray:
        """Probability (n,) of each box's best class."""
        return self.probabilities.max(axis=1, initial=0.0)

    @cached_property
    def labels(self) -> list[str]:
        """Name of each box's best class."""
        return [self.names[index] for index in self.probabilities.argmax(axis=1)] if len(self.scores) else []

    @property
    def count(self) -> int:
        """Number of objects, which are the first boxes."""
        return int((self.scores >= SCORE_THRESHOLD).sum())

    @property
    def confidences(self) -> tuple[float, ...]:
        """Scores of the objects."""
        return tuple(self.scores[: self.count].tolist())

    @property
    def parts(self) -> list[tuple[str, float]]:
        """Name and score of each object."""
        return list(zip(self.labels, self.confidences, strict=False))

    @property
    def confidence(self) -> float:
        """Product of the objects' scores, 0 without objects."""
        return float(np.prod(self.confidences)) if self.count else 0.0

    @property
    def text(self) -> str:
        """Names of the objects from left to right."""
        order = np.argsort(self.boxes_xyxy[: self.count, 0], kind="stable")
        return " ".join(self.labels[index] for index in order)

    def objects(self) -> list[dict]:
        """Objects as in the service's response: label, score, xmin, ymin, xmax, ymax."""
        corners = ("xmin", "ymin", "xmax", "ymax")
        return [
            {"label": self.labels[index], "score": float(self.scores[index])}
            | dict(zip(corners, np.round(self.boxes_xyxy[index], 2).tolist(), strict=True))
            for index in range(self.count)
        ]

    def points(self, prompt: list[str]) -> list[list[float] | None]:
        """The points to click for a prompt.

        Each box is assigned to at most one name, so that the product of probabilities is maximal (the assignment
        problem): two similar characters get different boxes.

        Args:
            prompt: Names of classes in the order of the clicks.

        Returns:
            A point [x, y] in pixels per name, None if no box is left for it.

        Raises:
            LabelError: If a name is not one of the classes.
        """
        from scipy.optimize import linear_sum_assignment  # takes long to import, and few calls have a prompt

        unknown = [name for name in prompt if name not in self.names]
        if unknown:
            shown = ", ".join(map(repr, dict.fromkeys(unknown)))[:80]
            raise LabelError(f"prompt holds {shown}, which the model was not trained on")
        points: list[list[float] | None] = [None] * len(prompt)
        classes = [self.names.index(name) for name in prompt]
        log_likelihoods = np.log(np.maximum(self.probabilities[:, classes], 1e-9))
        boxes = self.boxes_xyxy
        for box, position in zip(*linear_sum_assignment(log_likelihoods, maximize=True), strict=True):
            centre = (boxes[box, :2] + boxes[box, 2:]) / 2
            points[position] = np.round(centre, 1).tolist()
        return points

    def to_image(self, width: int, height: int, spec: InputSpec) -> "Detections":
        """Converts boxes in the letterboxed input to boxes in the image of this size that it was made from."""
        placement = place(width, height, spec)
        shift = np.array([placement.left, placement.top] * 2)
        limits = np.array([width, height] * 2)
        return replace(self, boxes_xyxy=np.clip((self.boxes_xyxy - shift) / placement.scale, 0, limits))


class DetectionCodec:
    """Turns a detector's output into detections.

    Args:
        names: The classes, which are the vocabulary's entries.
        detector: A name in DETECTORS.
        spec: The detector's input.
    """

    task = Task.DETECTION
    uses_captcha_length = False

    def __init__(self, names: tuple[str, ...], detector: str, spec: InputSpec):
        self.names = names
        self._anchors = make_anchors(DETECTORS[detector], spec.height, spec.width)

    @classmethod
    def from_card(cls, card) -> "DetectionCodec":
        """Creates the codec of the model that a card describes."""
        return cls(card.characters, card.backbone, card.spec)

    @staticmethod
    def symbols(label) -> tuple[str, ...]:
        """Names of the objects in an image's box labels."""
        return label.names

    @staticmethod
    def probabilities(outputs: np.ndarray) -> np.ndarray:
        """Probability of each class (N, anchors, classes) from outputs (N, anchors, 4 + classes)."""
        return sigmoid(outputs[..., 4:])

    def decode(self, outputs: np.ndarray) -> list[Detections]:
        """Decodes outputs (N, anchors, 4 + classes) into the detections of each image, in pixels of the input."""
        return [self._decode_one(np.asarray(output, np.float64)) for output in outputs]

    def _decode_one(self, output: np.ndarray) -> Detections:
        best = output[:, 4:].max(axis=1)
        candidates = np.flatnonzero(best >= np.log(MIN_SCORE / (1 - MIN_SCORE)))
        candidates = candidates[np.argsort(-best[candidates], kind="stable")[:MAX_CANDIDATES]]
        boxes_yxyx = decode_boxes(output[candidates, :4], self._anchors[candidates])
        kept = non_max_suppression(boxes_yxyx, best[candidates], NMS_IOU)
        probabilities = self.probabilities(output[candidates[kept]])
        return Detections(self.names, boxes_yxyx[kept][:, [1, 0, 3, 2]], probabilities)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−logits)) in float64."""
    return 1 / (1 + np.exp(-np.asarray(logits, np.float64).clip(-500, 500)))
