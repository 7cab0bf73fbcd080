"""Confidence: temperature scaling, calibration error, reliability bins, and accuracy of the predictions kept.

`confidences` and `correct` always have one entry per image: the confidence of its whole prediction, and whether that
is the label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Numbers = Sequence[float] | np.ndarray

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0
FEWEST_CORRECT = FEWEST_INCORRECT = 5  # validation images from which a temperature is fitted
USUAL_DEVIATION = 0.2  # of the logarithm of a network's best temperature from 0
EPSILON = 1e-9  # keeps logarithms finite
BINS = 10
REJECTED_FRACTIONS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  # of the images
SUMMARISED_FRACTION = 0.01  # the one of them that a report's first lines quote
MIN_REJECTION_IMAGES = 100  # of which 1 % is one; what rejecting a part of fewer would change is chance
TARGET_ACCURACIES = (0.99, 0.999)  # a threshold aims at the first that is not reached without one
MIN_COVERAGE = 0.5  # a threshold that rejects more is of no use


@dataclass(frozen=True)
class Calibration:
    """A temperature, fitted if there were enough validation images.

    Args:
        temperature: Logits are divided by it; 1 if it was not fitted.
        error_before: Expected calibration error on the validation images with temperature 1.
        error_after: The same with the temperature.
        images: Number of validation images.
        correct: Number of them that are predicted correctly.
    """

    temperature: float
    error_before: float
    error_after: float
    images: int
    correct: int

    @property
    def is_fitted(self) -> bool:
        return can_fit(self.correct, self.images - self.correct)

    def metrics(self) -> dict[str, float]:
        """Entries for the metrics of a card."""
        return {"temperature": self.temperature, "val_images": self.images, "val_calibration_error": self.error_after}


def can_fit(correct: int, incorrect: int) -> bool:
    """Whether predictions say enough about their confidences to fit a temperature."""
    return correct >= FEWEST_CORRECT and incorrect >= FEWEST_INCORRECT


def calibrate(codec, logits: np.ndarray, labels: Sequence[str]) -> Calibration:
    """Fits one temperature for all logits (Guo et al. 2017), which changes no prediction.

    It minimises the log loss of "the whole prediction is correct" under the codec's confidence; for CTC that is
    neither the likelihood of the label nor that of the time steps. The prior is a normal distribution of the
    temperature's logarithm around 0, so that few images do not move it far. Incorrect predictions alone can only raise
    the temperature, and correct ones alone only lower it: without FEWEST_CORRECT and FEWEST_INCORRECT it stays 1.

    The numbers come from the test images of nine models (25 to 5,000 labels, 174 to 900 test images, best temperatures
    0.84 to 1.41). A temperature was fitted to 5 to 300 of these images, 150 times each, and the log loss of the others
    compared with that at temperature 1. With 3 or 4 images of the rarer kind the fit was worse in 50 % of the draws,
    with 5 to 7 in 46 % (by 0.0005 on average); with smoothed targets (Platt 1999) in place of the prior in 69 and
    56 %. If the networks' logits are multiplied by 0.7 or 1.4, 5 to 7 images make it better in 88 % (by 0.031).

    Args:
        codec: Decodes logits.
        logits: Output of the network for the validation images.
        labels: Their labels.
    """
    predictions = codec.decode(logits)
    correct = np.array([prediction.text == label for prediction, label in zip(predictions, labels, strict=True)])

    def confidences(temperature: float) -> np.ndarray:
        return np.array([prediction.confidence for prediction in codec.decode(logits / temperature)])

    hits = int(correct.sum())
    temperature = _fit_temperature(confidences, correct) if can_fit(hits, len(correct) - hits) else 1.0
    before, after = (expected_calibration_error(confidences(value), correct) for value in (1.0, temperature))
    return Calibration(temperature, before, after, len(correct), hits)


def _fit_temperature(confidences: Callable[[float], np.ndarray], correct: np.ndarray) -> float:
    from scipy.optimize import minimize_scalar  # takes long to import, and most steps do not need it

    def loss(log_temperature: float) -> float:
        clipped = confidences(np.exp(log_temperature)).clip(EPSILON, 1 - EPSILON)
        log_loss = -np.log(np.where(correct, clipped, 1 - clipped)).sum()
        return float(log_loss + (log_temperature / USUAL_DEVIATION) ** 2 / 2)

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


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
