"""From a detector's output to the objects of an image, and to the points to click. NumPy alone: tested and served."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bearcat.core.errors import LabelError
from bearcat.data.codecs import Task
from bearcat.data.images import InputSpec, place
from bearcat.detection.boxes import decode_boxes, make_anchors, suppress
from bearcat.detection.configs import DETECTORS

SURE = 0.4  # from this score on an object is part of the answer
POSSIBLE = 0.05  # from this one on it may be one that the prompt asks for, and counts in the average precision
SAME_IOU = 0.5  # boxes that overlap more show the same object, whatever their classes
MOST_CANDIDATES = 1000


@dataclass(frozen=True)
class Detections:
    """What was found in an image, best first: boxes (n, 4) in its pixels, a probability of each class (n, classes)."""

    names: tuple[str, ...]
    boxes_xyxy: np.ndarray
    probabilities: np.ndarray

    @cached_property
    def scores(self) -> np.ndarray:
        """Return the probability (n,) of each box's best class."""
        return self.probabilities.max(axis=1, initial=0.0)

    @cached_property
    def labels(self) -> list[str]:
        """Return the name of each box's best class."""
        return [self.names[row] for row in self.probabilities.argmax(axis=1)] if len(self.scores) else []

    @property
    def count(self) -> int:
        """Return how many boxes are sure; the first ones."""
        return int((self.scores >= SURE).sum())

    @property
    def confidences(self) -> tuple[float, ...]:
        """Return the scores of the sure boxes."""
        return tuple(self.scores[: self.count].tolist())

    @property
    def parts(self) -> list[tuple[str, float]]:
        """Return the name of each sure box with its score."""
        return list(zip(self.labels, self.confidences, strict=False))

    @property
    def confidence(self) -> float:
        """Return the product of the sure boxes' scores; 0 where there are none."""
        return float(np.prod(self.confidences)) if self.count else 0.0

    @property
    def text(self) -> str:
        """Return the names of the sure boxes from left to right."""
        order = np.argsort(self.boxes_xyxy[: self.count, 0], kind="stable")
        return " ".join(self.labels[number] for number in order)

    def objects(self) -> list[dict]:
        """Return the sure boxes as the service answers them, in pixels of the image."""
        corners = ("xmin", "ymin", "xmax", "ymax")
        return [
            {"label": self.labels[n], "score": float(self.scores[n])}
            | dict(zip(corners, np.round(self.boxes_xyxy[n], 2).tolist(), strict=True))
            for n in range(self.count)
        ]

    def points(self, prompt: list[str]) -> list[list[float] | None]:
        """Return the point [x, y] to click for each name of the prompt, None where there is no box left for one.

        One box for one name, chosen so that the product of their probabilities is largest (the assignment problem):
        of two characters that look alike each gets its own. Raises LabelError for a name that was never learnt.
        """
        from scipy.optimize import linear_sum_assignment  # not needed unless somebody asks

        unknown = [name for name in prompt if name not in self.names]
        if unknown:
            raise LabelError(f"prompt holds {', '.join(map(repr, unknown))}, which this unit never learnt")
        points: list[list[float] | None] = [None] * len(prompt)
        rows = [self.names.index(name) for name in prompt]
        likelihoods = np.log(np.maximum(self.probabilities[:, rows], 1e-9))
        boxes = self.boxes_xyxy
        for box, place_in_prompt in zip(*linear_sum_assignment(likelihoods, maximize=True), strict=True):
            centre = (boxes[box, :2] + boxes[box, 2:]) / 2
            points[place_in_prompt] = np.round(centre, 1).tolist()
        return points

    def placed(self, width: int, height: int, spec: InputSpec) -> "Detections":
        """Return boxes of the input as boxes of the image of this size that was letterboxed into it."""
        placement = place(width, height, spec)
        shift = np.array([placement.left, placement.top] * 2)
        limits = np.array([width, height] * 2)
        return replace(self, boxes_xyxy=np.clip((self.boxes_xyxy - shift) / placement.scale, 0, limits))


class DetectionCodec:
    """Turns a detector's output into detections in pixels of its input; its symbols are class names."""

    task = Task.DETECTION
    uses_captcha_length = False

    def __init__(self, names: tuple[str, ...], detector: str, spec: InputSpec):
        self.names = names
        self._anchors = make_anchors(DETECTORS[detector], spec.height, spec.width)

    @classmethod
    def from_card(cls, card) -> "DetectionCodec":
        """Return the codec of the unit that a card describes."""
        return cls(card.characters, card.backbone, card.spec)

    @staticmethod
    def symbols(label) -> tuple[str, ...]:
        """Return the names of what an image shows."""
        return label.names

    @staticmethod
    def probabilities(outputs: np.ndarray) -> np.ndarray:
        """Return the probability of each class (N, A, classes) of outputs (N, A, 4 + classes)."""
        return sigmoid(outputs[..., 4:])

    def decode(self, outputs: np.ndarray) -> list[Detections]:
        """Return what was found in each image of outputs (N, A, 4 + classes)."""
        return [self._decode_one(np.asarray(output, np.float64)) for output in outputs]

    def _decode_one(self, output: np.ndarray) -> Detections:
        best = output[:, 4:].max(axis=1)
        candidates = np.flatnonzero(best >= np.log(POSSIBLE / (1 - POSSIBLE)))
        candidates = candidates[np.argsort(-best[candidates], kind="stable")[:MOST_CANDIDATES]]
        boxes_yxyx = decode_boxes(output[candidates, :4], self._anchors[candidates])
        kept = suppress(boxes_yxyx, best[candidates], SAME_IOU)
        probabilities = self.probabilities(output[candidates[kept]])
        return Detections(self.names, boxes_yxyx[kept][:, [1, 0, 3, 2]], probabilities)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−logits)), in float64."""
    return 1 / (1 + np.exp(-np.asarray(logits, np.float64).clip(-500, 500)))
