"""Confidence: temperature scaling, calibration error, reliability bins, and accuracy of the predictions kept.

`confidences` and `correct` always have one entry per image: the confidence of its whole prediction, and whether that
is the label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Numbers = Sequence[float] | np.ndarray

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0
EPSILON = 1e-9  # keeps logarithms finite
BINS = 10
REJECTED_FRACTIONS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  # of the images
SUMMARISED_FRACTION = 0.01  # the one of them that a report's first lines quote
TARGET_ACCURACIES = (0.99, 0.999)  # a threshold aims at the first that is not reached without one
MIN_COVERAGE = 0.5  # a threshold that rejects more is of no use


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature.

    Args:
        temperature: Logits are divided by it.
        error_before: Expected calibration error on the validation images with temperature 1.
        error_after: The same with the fitted temperature.
        images: Number of validation images.
    """

    temperature: float
    error_before: float
    error_after: float
    images: int

    def metrics(self) -> dict[str, float]:
        """Entries for the metrics of a card."""
        return {"temperature": self.temperature, "val_images": self.images, "val_calibration_error": self.error_after}


def calibrate(codec, logits: np.ndarray, labels: Sequence[str]) -> Calibration:
    """Fits one temperature for all logits (Guo et al. 2017), which changes no prediction.

    It minimises the log loss of "the whole prediction is correct" under the codec's confidence; for CTC that is
    neither the likelihood of the label nor that of the time steps. Validation images are often all correct, and then
    every confidence would become 1. Hence the targets are smoothed as in Platt (1999): (correct + 1) / (correct + 2)
    in place of 1, and 1 / (incorrect + 2) in place of 0.

    On nine models of real captchas (174 to 1,000 test images each) the log loss on the test images fell from 0.140
    to 0.133 on average. With targets 1 and 0 it rose to 0.241, and the labels' cross entropy was no better than these.

    Args:
        codec: Decodes logits.
        logits: Output of the network for the validation images.
        labels: Their labels.
    """
    from scipy.optimize import minimize_scalar  # takes long to import, and most steps do not need it

    predictions = codec.decode(logits)
    correct = np.array([prediction.text == label for prediction, label in zip(predictions, labels, strict=True)])
    targets = np.where(correct, (correct.sum() + 1) / (correct.sum() + 2), 1 / ((~correct).sum() + 2))

    def confidences(temperature: float) -> np.ndarray:
        return np.array([prediction.confidence for prediction in codec.decode(logits / temperature)])

    def log_loss(log_temperature: float) -> float:
        clipped = confidences(np.exp(log_temperature)).clip(EPSILON, 1 - EPSILON)
        return float(-(targets * np.log(clipped) + (1 - targets) * np.log(1 - clipped)).mean())

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    temperature = float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded").x))
    before, after = (expected_calibration_error(confidences(value), correct) for value in (1.0, temperature))
    return Calibration(temperature, before, after, len(labels))


def expected_calibration_error(confidences: Numbers, correct: Numbers) -> float:
    """Mean gap between confidence and accuracy over the bins, weighted by their size (Naeini et al. 2015)."""
    bins = reliability_bins(confidences, correct)
    return sum(abs(one["confidence"] - one["exact"]) * one["images"] for one in bins) / len(correct)


def reliability_bins(confidences: Numbers, correct: Numbers) -> list[dict]:
    """Statistics of each tenth of the confidence range that has images.

    Returns:
        Rows with `low` and `high`, the limits; `images`, their number; `confidence`, the mean; `exact`, the accuracy.
    """
    scores, hits = np.asarray(confidences, float), np.asarray(correct, float)
    numbers = np.minimum((scores * BINS).astype(int), BINS - 1)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "images": int((numbers == number).sum()),
            "confidence": float(scores[numbers == number].mean()),
            "exact": float(hits[numbers == number].mean()),
        }
        for number in np.unique(numbers).tolist()
    ]


def coverage_curve(confidences: Numbers, correct: Numbers) -> list[dict]:
    """Accuracy of what is kept when the least confident predictions are rejected.

    Returns:
        A row per REJECTED_FRACTIONS with `left`, the fraction rejected; `images`, the number kept; `confidence`, the
        lowest of those; `exact`, their accuracy.
    """
    scores, hits = _by_confidence(confidences, correct)
    return [
        {
            "left": fraction,
            "images": len(hits) - rejected,
            "confidence": float(scores[rejected]),
            "exact": float(hits[rejected:].mean()),
        }
        for fraction, rejected in ((fraction, int(fraction * len(hits))) for fraction in REJECTED_FRACTIONS)
    ]


def rejection_summary(rows: Sequence[dict]) -> dict:
    """Error rate of all predictions, and of those kept when the least confident 1 % are rejected.

    Args:
        rows: What `coverage_curve` returned.

    Returns:
        `share` and `images`, the fraction and the number rejected (0 of fewer than 100 images); `confidence`, the
        lowest kept; `error` of all and `error_of_rest` of those kept.
    """
    everything, kept = (next(row for row in rows if row["left"] == one) for one in (0, SUMMARISED_FRACTION))
    return {
        "share": SUMMARISED_FRACTION,
        "images": everything["images"] - kept["images"],
        "confidence": kept["confidence"],
        "error": 1 - everything["exact"],
        "error_of_rest": 1 - kept["exact"],
    }


def confidence_threshold(confidences: Numbers, correct: Numbers) -> dict | None:
    """The lowest threshold at which the predictions kept reach a target accuracy.

    Returns:
        `target`, the accuracy aimed at; `confidence`, the threshold; `left`, the fraction rejected; `exact`, the
        accuracy of those kept. None if all targets are reached anyway, or if too few would be kept.
    """
    scores, hits = _by_confidence(confidences, correct)
    target = next((accuracy for accuracy in TARGET_ACCURACIES if hits.mean() < accuracy), None)
    if target is None:
        return None
    kept = np.arange(len(hits), 0, -1)  # of each prediction and all that are more confident
    exact = hits[::-1].cumsum()[::-1] / kept
    _, starts = np.unique(scores, return_index=True)  # a threshold cannot part equal confidences
    fitting = [start for start in starts if exact[start] >= target and kept[start] >= MIN_COVERAGE * len(hits)]
    if not fitting:
        return None
    first = fitting[0]
    rejected = 1 - float(kept[first]) / len(hits)
    return {"target": target, "confidence": float(scores[first]), "left": rejected, "exact": float(exact[first])}


def _by_confidence(confidences: Numbers, correct: Numbers) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(confidences, kind="stable")
    return np.asarray(confidences, float)[order], np.asarray(correct, float)[order]
