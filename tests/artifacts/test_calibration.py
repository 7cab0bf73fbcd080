"""Reliability bins, coverage, the threshold and the fitted temperature, worked by hand or planted."""

import numpy as np
import pytest

from bearcat.artifacts.calibration import calibrate, coverage, reliability_bins, sure_enough, withheld
from bearcat.data.codecs import make_codec
from bearcat.data.vocabulary import Vocabulary


def test_bins_are_worked_by_hand():
    bins = reliability_bins([0.72, 0.78, 0.33, 1.0, 0.95], [True, False, False, True, True])
    assert [(one["low"], one["images"], one["exact"]) for one in bins] == [(0.3, 1, 0), (0.7, 2, 0.5), (0.9, 2, 1)]
    assert [one["confidence"] for one in bins] == pytest.approx([0.33, 0.75, 0.975])


def test_what_is_left_to_a_person_are_the_least_sure():
    confidences = [0.9, 0.1, 0.8, 0.7, 0.6, 0.95, 0.96, 0.97, 0.98, 0.99]
    rows = {row["left"]: row for row in coverage(confidences, [True, False, True, True, False] + [True] * 5)}
    assert (rows[0]["exact"], rows[0]["images"]) == (0.8, 10)
    assert (rows[0.1]["exact"], rows[0.1]["confidence"]) == (pytest.approx(8 / 9), 0.6)
    assert (rows[0.2]["exact"], rows[0.2]["images"]) == (1, 8)


def test_how_rarely_the_rest_is_wrong_is_worked_by_hand():
    # of 200 readings 4 are wrong, two of them the least sure: 4 / 200 of all, 2 / 198 of the rest
    confidences = [0.1, 0.2, *np.linspace(0.5, 0.99, 198)]
    right = [False, False, True, False, False] + [True] * 195
    assert withheld(coverage(confidences, right)) == {
        "share": 0.01,
        "images": 2,
        "confidence": 0.5,
        "error": pytest.approx(0.02),
        "error_of_rest": pytest.approx(2 / 198),
    }


def test_of_fewer_than_100_images_none_is_withheld():
    told = withheld(coverage([0.1, 0.9], [False, True]))
    assert (told["images"], told["error"], told["error_of_rest"]) == (0, 0.5, 0.5)


def test_the_threshold_is_the_smallest_confidence_that_reaches_the_target():
    found = sure_enough([0.2, 0.5, 0.6, 0.9, 0.9], [False, True, False, True, True])
    assert found == {"target": 0.99, "confidence": 0.9, "left": pytest.approx(0.6), "exact": 1} or found is None
    found = sure_enough([0.2, 0.5, 0.7, 0.9, 0.9], [False, False, True, True, True])
    assert found == {"target": 0.99, "confidence": 0.7, "left": pytest.approx(0.4), "exact": 1}
    assert sure_enough([0.9, 0.2, 0.2], [False, True, True]) is None  # the sure one is wrong
    assert sure_enough([0.9, 0.2], [True, True]) is None  # nothing to gain


def test_equal_confidences_are_kept_or_left_together():
    found = sure_enough([0.5, 0.5, 0.9, 0.9, 0.9], [True, False, True, True, True])
    assert found["confidence"] == 0.9


def planted(mode: str, temperature: float) -> tuple:
    """Return a codec, and logits that are too steep by a temperature, with labels drawn from the true ones."""
    rng = np.random.default_rng(0)
    codec = make_codec(mode, Vocabulary(tuple("abc")), 1)
    logits = rng.normal(0, 2, (6000, 1, 4))
    logits[..., 0] = -50  # never blank
    shares = np.exp(logits[:, 0, 1:])
    rows = (shares.cumsum(axis=1) / shares.sum(axis=1, keepdims=True) > rng.random((6000, 1))).argmax(axis=1)
    return codec, logits * temperature, ["abc"[row] for row in rows]


@pytest.mark.parametrize("mode", ["ORDINARY", "CTC", "NUM_CLASSES"])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_a_planted_temperature_is_found_and_changes_no_prediction(mode: str, temperature: float):
    codec, logits, labels = planted(mode, temperature)
    found = calibrate(codec, logits, labels)
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.error_after < 0.02 < found.error_before
    assert found.images == 6000
    before, after = codec.decode(logits), codec.decode(logits / found.temperature)
    assert [one.text for one in before] == [one.text for one in after]


def test_images_that_are_all_read_right_make_nothing_certain():
    codec, logits, _ = planted("CTC", 1.0)
    logits = logits[:50] * 10
    labels = [prediction.text for prediction in codec.decode(logits)]
    assert 0.5 < calibrate(codec, logits, labels).temperature < 10
