"""Advice on what to do next: each rule applies if its cause is planted, and only then."""

import pytest

from bearcat.modes import Task
from bearcat.reports.next_steps import BOX_RULES, NOTHING, RULES, advise, list_some
from bearcat.reports.text_scores import wilson_interval

TRAINING = {"exact": 0.995, "val_exact": 0.99, "val_images": 100}


def report_of(**changes: object) -> dict:
    """Returns the report of a model that is nearly always correct."""
    figures = {
        "images": 2000,
        "exact": 0.995,
        "exact_ci95": list(wilson_interval(1990, 2000)),
        "exact_ignore_case": 0.995,
        "character_accuracy": 0.999,
        "expected_calibration_error": 0.01,
        "symbol": Task.TEXT,
        "by_length": {"4": {"images": 2000, "exact": 0.995}},
        "by_character": {"a": {"count": 8000, "right": 0.999}},
        "confusions": [],
        "mistakes": [],
        "threshold": None,
        "damaged": [],
        "never_learnt": [],
    }
    return figures | changes


def test_no_rule_applies_to_a_good_model():
    assert advise(report_of(), TRAINING) == [NOTHING]


PLANTED = {
    "never_learnt": ({"never_learnt": ["é"]}, {}, "Never learnt: é"),
    "damaged_images": ({"damaged": ["a.png is damaged"]}, {}, "1 damaged image was skipped"),
    "worse_than_validation": (
        {"exact": 0.7, "exact_ci95": [0.65, 0.75]},
        {},
        "Exact match is 99.0% on validation images, but 70.0% on test images",
    ),
    "underfitting": ({"exact": 0.4}, {"exact": 0.5}, "only 50.0% on the training images"),
    "overfitting": ({"exact": 0.8}, {"exact": 0.98}, "more training images help. python train.py --curve"),
    "case_only": ({"exact_ignore_case": 0.996}, {}, "2 predictions are wrong only in upper or lower case"),
    "weak_symbols": ({"by_character": {"q": {"count": 20, "right": 0.5}}}, {}, "Less accurate than the others: q (50%"),
    "confused_symbols": ({"confusions": [["0", "o", 3]]}, {}, "0 with o (3×)"),
    "dropped_or_added": ({"confusions": [["a", "", 2], ["", "b", 1]]}, {}, "2 characters dropped and 1 added"),
    "weak_lengths": ({"by_length": {"6": {"images": 50, "exact": 0.5}}}, {}, "6 (50% of 50) characters"),
    "doubtful_labels": ({"mistakes": [{"file": "x.png", "confidence": 0.97}]}, {}, "Check these labels: x.png"),
    "threshold": (
        {"threshold": {"target": 0.99, "confidence": 0.87, "left": 0.05, "exact": 0.992}},
        {},
        "below 0.87, 5.0% of these",
    ),
    "calibration": ({"expected_calibration_error": 0.2}, {}, "calibration error is 20%"),
    "small_test": ({"exact_ci95": [0.9, 0.99]}, {}, "90.0% to 99.0%"),
}


def test_every_rule_is_planted():
    assert [rule.__name__ for rule in RULES] == list(PLANTED)


@pytest.mark.parametrize("name", PLANTED)
def test_a_rule_applies_if_its_cause_is_planted(name: str):
    changes, training, advice = PLANTED[name]
    rule = next(rule for rule in RULES if rule.__name__ == name)
    assert advice in rule(report_of(**changes), TRAINING | training)
    assert rule(report_of(), TRAINING) == ""


def test_neither_a_single_mistake_nor_confused_case_is_a_weakness():
    changes = {"by_character": {"e": {"count": 58, "right": 57 / 58}}, "confusions": [["a", "A", 9]]}
    assert advise(report_of(**changes), TRAINING) == [NOTHING]


def test_a_small_validation_set_is_no_evidence():
    changes = {"exact": 0.992, "exact_ignore_case": 0.992, "exact_ci95": [0.98, 0.995]}
    assert advise(report_of(**changes), {"val_exact": 1.0, "val_images": 86, "exact": 0.99}) == [NOTHING]
    assert advise(report_of(), {}) == [NOTHING]  # the card of an older version has no metrics


def test_long_lists_are_cut():
    assert list_some(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"


def boxes_of(**changes: object) -> dict:
    figures = {"images": 4000, "map_50": 0.99, "map_50_95": 0.9, "per_class": {"天": {"objects": 9, "ap_50": 0.99}}}
    figures |= {"all_clicks_correct": 0.995, "all_clicks_correct_ci95": [0.992, 0.997], "mistakes": []}
    return figures | changes


BOXES_PLANTED = {
    "never_learnt": ({"never_learnt": ["好"]}, "Never learnt: 好"),
    "damaged_images": ({"damaged": ["a"]}, "1 damaged image was skipped"),
    "weak_classes": ({"per_class": {"天": {"objects": 9, "ap_50": 0.5}}}, "天 (AP 50%, 9 objects)"),
    "missed_or_false": ({"mistakes": [{"label": ["a", "b", "c"], "read": []}]}, "Most are missed"),
    "loose_boxes": ({"map_50_95": 0.4}, "fit loosely"),
    "more_images": ({"all_clicks_correct": 0.9}, "more labelled images"),
    "small_test": ({"all_clicks_correct_ci95": [0.8, 0.9]}, "80.0% to 90.0%"),
}


@pytest.mark.parametrize("rule", BOX_RULES, ids=lambda rule: rule.__name__)
def test_a_rule_for_boxes_applies_if_its_cause_is_planted(rule):
    changes, advice = BOXES_PLANTED[rule.__name__]
    assert advice in rule(boxes_of(**changes), {})
    assert not rule(boxes_of(), {})


@pytest.mark.parametrize(
    ("label", "predicted", "cause"),
    [([], ["a", "b", "c"], "Most are false"), (["a", "b"], ["c", "d"], "names are confused")],
)
def test_false_detections_and_confused_names_are_distinguished(label: list, predicted: list, cause: str):
    (advice,) = advise(boxes_of(mistakes=[{"label": label, "read": predicted}]), {}, BOX_RULES)
    assert cause in advice
