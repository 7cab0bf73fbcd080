"""Fit confidences to the truth: one temperature for all logits (Guo et al. 2017), which changes no reading."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST, MOST = 0.1, 10.0  # temperatures; none outside was ever of use
SMALLEST = 1e-9  # keeps a logarithm finite


@dataclass(frozen=True)
class Calibration:
    """The temperature, and the expected calibration error of so many validation images before and after."""

    temperature: float
    error_before: float
    error_after: float
    images: int

    def figures(self) -> dict[str, float]:
        """Return what a unit's card says of it."""
        return {"temperature": self.temperature, "val_images": self.images, "val_calibration_error": self.error_after}


def calibrate(codec, logits: np.ndarray, labels: Sequence[str]) -> Calibration:
    """Return the temperature under which the confidences of whole readings best say how often they are right.

    It minimises the mean log loss of confidence against right or wrong, with what the codec calls a confidence: for
    CTC that is neither the labels' nor the steps' likelihood. Validation images are often read right to the last;
    then every confidence would become 1. Hence, as in Platt 1999, the aims are not 1 and 0 but (right + 1) / (right +
    2) and 1 / (wrong + 2).

    On nine units of real captchas (174 to 1,000 test images each) the log loss on test fell from 0.140 to 0.133 in
    the mean; with aims of 1 and 0 it rose to 0.241, and the labels' cross entropy did no better than these.
    """
    from scipy.optimize import minimize_scalar  # heavy, and not needed by most steps

    right = np.array([prediction.text == label for prediction, label in zip(codec.decode(logits), labels, strict=True)])
    targets = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))

    def confidences(temperature: float) -> np.ndarray:
        return np.array([prediction.confidence for prediction in codec.decode(logits / temperature)])

    def log_loss(exponent: float) -> float:
        sure = confidences(np.exp(exponent)).clip(SMALLEST, 1 - SMALLEST)
        return float(-(targets * np.log(sure) + (1 - targets) * np.log(1 - sure)).mean())

    fitted = minimize_scalar(log_loss, bounds=(np.log(LEAST), np.log(MOST)), method="bounded")
    temperature = float(np.exp(fitted.x))
    before, after = (expected_calibration_error(confidences(one), right) for one in (1.0, temperature))
    return Calibration(temperature, before, after, len(labels))


# ---- merged from reliability: Is a confidence worth its name: calibration error, reliability bins, and what is right of what is sure enough.


CALIBRATION_BINS = 10
LEFT_TO_A_PERSON = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  # shares of the images
TARGETS = (0.99, 0.999)  # the accuracy to aim at by leaving out the unsure: the first that is not reached anyway
WITHHELD = 0.01  # the share of LEFT_TO_A_PERSON by which a report says how rarely the rest is wrong
LEAST_ANSWERED = 0.5  # a unit that answers less is of no use


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean distance of confidence and truth over ten bins, weighted by size (Naeini et al. 2015)."""
    bins = reliability_bins(confidences, right)
    return sum(abs(one["confidence"] - one["exact"]) * one["images"] for one in bins) / len(right)


def reliability_bins(confidences: Sequence[float], right: Sequence[bool]) -> list[dict]:
    """Return, for each tenth of confidence that has images: low, high, images, mean confidence, share right."""
    confidences, right = np.asarray(confidences, float), np.asarray(right, float)
    numbers = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {
            "low": number / CALIBRATION_BINS,
            "high": (number + 1) / CALIBRATION_BINS,
            "images": int((numbers == number).sum()),
            "confidence": float(confidences[numbers == number].mean()),
            "exact": float(right[numbers == number].mean()),
        }
        for number in np.unique(numbers).tolist()
    ]


def coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[dict]:
    """Return what share of the rest is right when the least sure share of the images is left to a person.

    Each row has `left` (the share), `images` (the rest), `confidence` (of the least sure of the rest) and `exact`.
    """
    order = np.argsort(confidences, kind="stable")
    confidences, right = np.asarray(confidences, float)[order], np.asarray(right, float)[order]
    skips = [(share, int(share * len(right))) for share in LEFT_TO_A_PERSON]
    return [
        {
            "left": share,
            "images": len(right) - skip,
            "confidence": float(confidences[skip]),
            "exact": float(right[skip:].mean()),
        }
        for share, skip in skips
    ]


def withheld(rows: Sequence[dict]) -> dict:
    """Return, from the rows of `coverage`, how often all readings are wrong, and the rest without the least sure 1 %.

    `share` and `images` say how many are withheld (none of fewer than 100 images), `confidence` is the smallest of
    the rest, `error` and `error_of_rest` are shares of wrong readings.
    """
    everything, rest = (next(row for row in rows if row["left"] == share) for share in (0, WITHHELD))
    return {
        "share": WITHHELD,
        "images": everything["images"] - rest["images"],
        "confidence": rest["confidence"],
        "error": 1 - everything["exact"],
        "error_of_rest": 1 - rest["exact"],
    }


def sure_enough(confidences: Sequence[float], right: Sequence[bool]) -> dict | None:
    """Return the smallest confidence from which on readings reach the target; None where that leaves too few.

    The row has `target`, `confidence`, `left` (the share of the images below) and `exact` (of those above).
    """
    order = np.argsort(confidences, kind="stable")
    confidences, right = np.asarray(confidences, float)[order], np.asarray(right, float)[order]
    target = next((share for share in TARGETS if right.mean() < share), None)
    if target is None:
        return None
    answered = np.arange(len(right), 0, -1)
    exact = right[::-1].cumsum()[::-1] / answered  # of each reading and all that are surer
    _, starts = np.unique(confidences, return_index=True)  # equal confidences go together
    fit = [n for n in starts if exact[n] >= target and answered[n] >= LEAST_ANSWERED * len(right)]
    if not fit:
        return None
    first = fit[0]
    left = 1 - float(answered[first]) / len(right)
    return {"target": target, "confidence": float(confidences[first]), "left": left, "exact": float(exact[first])}
