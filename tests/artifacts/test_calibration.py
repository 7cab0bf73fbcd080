"""Reliability bins, coverage, the threshold and the fitted temperature, against values worked out by hand."""

import numpy as np
import pytest

from bearcat.artifacts.calibration import (
    calibrate,
    confidence_threshold,
    coverage_curve,
    rejection_summary,
    reliability_bins,
)
from bearcat.data.codecs import make_codec
from bearcat.data.vocabulary import Vocabulary


def test_bins():
    bins = reliability_bins([0.72, 0.78, 0.33, 1.0, 0.95], [True, False, False, True, True])
    assert [(one["low"], one["images"], one["exact"]) for one in bins] == [(0.3, 1, 0), (0.7, 2, 0.5), (0.9, 2, 1)]
    assert [one["confidence"] for one in bins] == pytest.approx([0.33, 0.75, 0.975])


def test_the_least_confident_are_rejected_first():
    confidences = [0.9, 0.1, 0.8, 0.7, 0.6, 0.95, 0.96, 0.97, 0.98, 0.99]
    rows = {row["left"]: row for row in coverage_curve(confidences, [True, False, True, True, False] + [True] * 5)}
    assert (rows[0]["exact"], rows[0]["images"]) == (0.8, 10)
    assert (rows[0.1]["exact"], rows[0.1]["confidence"]) == (pytest.approx(8 / 9), 0.6)
    assert (rows[0.2]["exact"], rows[0.2]["images"]) == (1, 8)


def test_error_rates_with_and_without_rejection():
    # of 200 predictions 4 are incorrect, two of them the least confident: 4 / 200 of all, 2 / 198 of those kept
    confidences = [0.1, 0.2, *np.linspace(0.5, 0.99, 198)]
    correct = [False, False, True, False, False] + [True] * 195
    assert rejection_summary(coverage_curve(confidences, correct)) == {
        "share": 0.01,
        "images": 2,
        "confidence": 0.5,
        "error": pytest.approx(0.02),
        "error_of_rest": pytest.approx(2 / 198),
    }


def test_of_fewer_than_100_images_none_is_rejected():
    summary = rejection_summary(coverage_curve([0.1, 0.9], [False, True]))
    assert (summary["images"], summary["error"], summary["error_of_rest"]) == (0, 0.5, 0.5)


def test_the_threshold_is_the_smallest_confidence_that_reaches_the_target():
    found = confidence_threshold([0.2, 0.5, 0.6, 0.9, 0.9], [False, True, False, True, True])
    assert found == {"target": 0.99, "confidence": 0.9, "left": pytest.approx(0.6), "exact": 1} or found is None
    found = confidence_threshold([0.2, 0.5, 0.7, 0.9, 0.9], [False, False, True, True, True])
    assert found == {"target": 0.99, "confidence": 0.7, "left": pytest.approx(0.4), "exact": 1}
    assert confidence_threshold([0.9, 0.2, 0.2], [False, True, True]) is None  # the most confident one is incorrect
    assert confidence_threshold([0.9, 0.2], [True, True]) is None  # nothing to gain


def test_equal_confidences_are_kept_or_rejected_together():
    found = confidence_threshold([0.5, 0.5, 0.9, 0.9, 0.9], [True, False, True, True, True])
    assert found["confidence"] == 0.9


def sample(mode: str, temperature: float) -> tuple:
    """Returns a codec, logits multiplied by a temperature, and labels drawn from the true probabilities."""
    rng = np.random.default_rng(0)
    codec = make_codec(mode, Vocabulary(tuple("abc")), 1)
    logits = rng.normal(0, 2, (6000, 1, 4))
    logits[..., 0] = -50  # never blank
    weights = np.exp(logits[:, 0, 1:])
    indices = (weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True) > rng.random((6000, 1))).argmax(axis=1)
    return codec, logits * temperature, ["abc"[index] for index in indices]


@pytest.mark.parametrize("mode", ["ORDINARY", "CTC", "NUM_CLASSES"])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_a_known_temperature_is_found_and_changes_no_prediction(mode: str, temperature: float):
    codec, logits, labels = sample(mode, temperature)
    found = calibrate(codec, logits, labels)
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.error_after < 0.02 < found.error_before
    assert found.images == 6000
    before, after = codec.decode(logits), codec.decode(logits / found.temperature)
    assert [one.text for one in before] == [one.text for one in after]


def few(correct: int, incorrect: int, factor: float = 1.0) -> tuple:
    """Returns a codec, logits of so many correct and incorrect predictions, and the labels."""
    codec, logits, _ = sample("CTC", factor)
    logits = logits[: correct + incorrect]
    texts = [prediction.text for prediction in codec.decode(logits)]
    other = {"a": "b", "b": "c", "c": "a"}
    return codec, logits, texts[:correct] + [other[text] for text in texts[correct:]]


@pytest.mark.parametrize(("correct", "incorrect"), [(50, 0), (50, 4), (0, 50), (4, 50), (1, 0)])
@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_without_enough_correct_and_incorrect_images_the_temperature_stays_1(
    correct: int, incorrect: int, factor: float
):
    found = calibrate(*few(correct, incorrect, factor))
    assert (found.temperature, found.correct, found.images) == (1, correct, correct + incorrect)
    assert found.error_before == found.error_after
    assert not found.is_fitted
    assert found.metrics()["temperature"] == 1


def test_with_enough_of_both_it_is_fitted():
    found = calibrate(*few(5, 5, 5.0))
    assert found.is_fitted
    assert found.temperature > 1.1  # half are incorrect, and all are confident


def test_mostly_incorrect_predictions_only_raise_it():
    for factor in (0.1, 1.0, 10.0):
        assert calibrate(*few(5, 500, factor)).temperature >= 1
