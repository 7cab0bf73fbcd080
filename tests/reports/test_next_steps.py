"""What to do next: each rule speaks where its cause is planted, and only there."""

import pytest

from bearcat.modes import Task
from bearcat.reports.next_steps import BOX_RULES, NOTHING, RULES, advise, listed
from bearcat.reports.text_scores import wilson_interval

TRAINING = {"exact": 0.995, "val_exact": 0.99, "val_images": 100}


def report_of(**changes: object) -> dict:
    """Return the report of a unit that reads nearly all."""
    base = {
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
    return base | changes


def test_a_unit_that_reads_all_gets_no_rule():
    assert advise(report_of(), TRAINING) == [NOTHING]


PLANTED = {
    "never_learnt": ({"never_learnt": ["é"]}, {}, "Never learnt: é"),
    "damaged_images": ({"damaged": ["a.png is damaged"]}, {}, "1 images are damaged"),
    "other_images": ({"exact": 0.7, "exact_ci95": [0.65, 0.75]}, {}, "Validation promised 99.0%"),
    "not_learnt": ({"exact": 0.4}, {"exact": 0.5}, "read right in 50.0% only"),
    "more_data": ({"exact": 0.8}, {"exact": 0.98}, "more training images help. python train.py --curve"),
    "case_only": ({"exact_ignore_case": 0.996}, {}, "2 readings are wrong in upper or lower case alone"),
    "weak_symbols": ({"by_character": {"q": {"count": 20, "right": 0.5}}}, {}, "Read worse than the others: q (50%"),
    "look_alikes": ({"confusions": [["0", "o", 3]]}, {}, "0 read as o (3×)"),
    "lost_or_added": ({"confusions": [["a", "", 2], ["", "b", 1]]}, {}, "2 characters dropped and 1 added"),
    "weak_lengths": ({"by_length": {"6": {"images": 50, "exact": 0.5}}}, {}, "6 (50% of 50) characters"),
    "wrong_labels": ({"mistakes": [{"file": "x.png", "confidence": 0.97}]}, {}, "labels are right: x.png"),
    "threshold": (
        {"threshold": {"target": 0.99, "confidence": 0.87, "left": 0.05, "exact": 0.992}},
        {},
        "below 0.87 to a person, 5.0% of these",
    ),
    "calibration": ({"expected_calibration_error": 0.2}, {}, "off by 20% on average"),
    "small_test": ({"exact_ci95": [0.9, 0.99]}, {}, "90.0% or 99.0%"),
}


def test_every_rule_is_planted():
    assert [rule.__name__ for rule in RULES] == list(PLANTED)


@pytest.mark.parametrize("name", PLANTED)
def test_a_rule_speaks_where_its_cause_is_planted(name: str):
    changes, training, words = PLANTED[name]
    rule = next(rule for rule in RULES if rule.__name__ == name)
    assert words in rule(report_of(**changes), TRAINING | training)
    assert rule(report_of(), TRAINING) == ""


def test_one_mistake_of_a_character_is_no_weakness_and_case_no_look_alike():
    changes = {"by_character": {"e": {"count": 58, "right": 57 / 58}}, "confusions": [["a", "A", 9]]}
    assert advise(report_of(**changes), TRAINING) == [NOTHING]


def test_a_small_validation_set_promises_nothing():
    changes = {"exact": 0.992, "exact_ignore_case": 0.992, "exact_ci95": [0.98, 0.995]}
    assert advise(report_of(**changes), {"val_exact": 1.0, "val_images": 86, "exact": 0.99}) == [NOTHING]
    assert advise(report_of(), {}) == [NOTHING]  # a unit of an older version says nothing of itself


def test_long_lists_are_cut():
    assert listed(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"


def boxes_of(**changes: object) -> dict:
    base = {"images": 4000, "map_50": 0.99, "map_50_95": 0.9, "per_class": {"天": {"objects": 9, "ap_50": 0.99}}}
    base |= {"all_clicks_correct": 0.995, "all_clicks_correct_ci95": [0.992, 0.997], "mistakes": []}
    return base | changes


BOXES_PLANTED = {
    "never_learnt": ({"never_learnt": ["好"]}, "Never learnt: 好"),
    "damaged_images": ({"damaged": ["a"]}, "1 images are damaged"),
    "weak_classes": ({"per_class": {"天": {"objects": 9, "ap_50": 0.5}}}, "天 (AP 50%, 9 objects)"),
    "missed_or_extra": ({"mistakes": [{"label": ["a", "b", "c"], "read": []}]}, "Most are missing"),
    "loose_boxes": ({"map_50_95": 0.4}, "lie loosely"),
    "more_images": ({"all_clicks_correct": 0.9}, "More labelled images"),
    "small_box_test": ({"all_clicks_correct_ci95": [0.8, 0.9]}, "80.0% or 90.0%"),
}


@pytest.mark.parametrize("rule", BOX_RULES, ids=lambda rule: rule.__name__)
def test_a_rule_for_boxes_speaks_where_its_cause_is_planted(rule):
    changes, words = BOXES_PLANTED[rule.__name__]
    assert words in rule(boxes_of(**changes), {})
    assert not rule(boxes_of(), {})


@pytest.mark.parametrize(
    ("label", "read", "words"),
    [([], ["a", "b", "c"], "Most are too many"), (["a", "b"], ["c", "d"], "one stands for another")],
)
def test_boxes_too_many_and_boxes_misnamed_are_told_apart(label: list, read: list, words: str):
    (said,) = advise(boxes_of(mistakes=[{"label": label, "read": read}]), {}, BOX_RULES)
    assert words in said
