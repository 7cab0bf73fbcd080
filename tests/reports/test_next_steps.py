"""Advice on what to do next: each rule applies if its cause is planted, and only then; none that would not help."""

import pytest

from bearcat.core.intervals import wilson_interval
from bearcat.modes import Task
from bearcat.reports.box_next_steps import BOX_RULES
from bearcat.reports.next_steps import (
    FIRST_RULES,
    NOTHING,
    TEXT_RULES,
    UNEXPLAINED,
    advise,
    images_for,
)

TRAINING = {"exact": 0.995, "val_exact": 0.99, "val_images": 100}


def report_of(exact: float = 0.995, images: int = 2000, **changes: object) -> dict:
    """Returns the report of a model, by default of one that is nearly always correct."""
    figures = {
        "images": images,
        "exact": exact,
        "exact_ci95": list(wilson_interval(round(exact * images), images)),
        "exact_ignore_case": exact,
        "character_accuracy": 0.999,
        "expected_calibration_error": 0.01,
        "reliability": [{"low": 0.9, "high": 1.0, "images": 1900, "confidence": 0.99, "exact": 0.99}],
        "symbol": Task.TEXT,
        "by_length": {"4": {"images": images, "exact": exact}},
        "by_character": {"a": {"count": 4 * images, "right": 0.999}},
        "confusions": [],
        "mistakes": [],
        "threshold": None,
        "damaged": [],
        "never_learnt": [],
    }
    return figures | changes


def test_no_rule_applies_to_a_good_model():
    assert advise(report_of(), TRAINING) == [NOTHING]


THRESHOLD = {"target": 0.99, "confidence": 0.87, "left": 0.05, "exact": 0.992}
PLANTED = {
    "never_learnt": ({"never_learnt": ["é"]}, {}, "Never learnt: é"),
    "damaged_images": ({"damaged": ["a.png is damaged"]}, {}, "1 damaged image was skipped"),
    "tiny_test": ({"exact": 1.0, "images": 5}, {}, "With 5 test images the exact match may be anywhere from 56.6% to"),
    "worse_than_validation": (
        {"exact": 0.7},
        {},
        "Exact match is 99.0% on validation images, but 70.0% on test images",
    ),
    "underfitting": ({"exact": 0.45}, {"exact": 0.5}, "only 50.0% on the training images"),
    "overfitting": ({"exact": 0.8}, {"exact": 0.98}, "more training images help. python train.py --curve"),
    "case_only": ({"exact_ignore_case": 0.996}, {}, "2 predictions are wrong only in upper or lower case"),
    "weak_symbols": ({"by_character": {"q": {"count": 20, "right": 0.5}}}, {}, "Less accurate than the others: q (50%"),
    "confused_symbols": ({"confusions": [["0", "o", 3]]}, {}, "0 with o (3×)"),
    "dropped_or_added": ({"confusions": [["a", "", 2], ["", "b", 1]]}, {}, "2 characters dropped and 1 added"),
    "weak_lengths": ({"by_length": {"6": {"images": 50, "exact": 0.5}}}, {}, "6 (50% of 50) characters"),
    "doubtful_labels": ({"mistakes": [{"file": "x.png", "confidence": 0.97}]}, {}, "Check these labels: x.png"),
    "threshold": ({"threshold": THRESHOLD}, {}, "below 0.87, 5.0% of these"),
    "calibration": (
        {"expected_calibration_error": 0.2},
        {"val_images": 7},
        "needs at least 5 correct and 5 incorrect predictions for validation_dataset, which has 7 images",
    ),
    "small_test": ({"exact": 0.95, "images": 100}, {}, "With 100 test images the exact match may be anywhere from"),
}
RULES = {rule.__name__: rule for rule in (*FIRST_RULES, *TEXT_RULES)}


def test_every_rule_is_planted():
    assert list(RULES) == list(PLANTED)


@pytest.mark.parametrize("name", PLANTED)
def test_a_rule_applies_if_its_cause_is_planted(name: str):
    changes, training, advice = PLANTED[name]
    assert advice in RULES[name](report_of(**changes), TRAINING | training)
    assert RULES[name](report_of(), TRAINING) == ""


def mistakes_of(count: int, confidence: float = 0.5) -> list[dict]:
    return [
        {"file": f"{number}.png", "label": "12", "read": "0012", "confidence": confidence} for number in range(count)
    ]


def test_a_wrong_kind_comes_first_and_withholds_what_would_not_help():
    changes = {"confusions": [["", "0", 40]], "by_length": {"2": {"images": 20, "exact": 0.0}}, "damaged": ["x"]}
    changes |= {"mistakes": mistakes_of(20), "lost_zeros": [f"{number}.png" for number in range(20)]}
    advice = advise(report_of(0.8, 100, **changes), TRAINING | {"exact": 0.7})
    assert [one[:31] for one in advice] == [
        "1 damaged image was skipped: py",
        "20 predictions are their labels",
    ]
    few = advise(report_of(0.6, 100, **changes | {"mistakes": mistakes_of(60)}), TRAINING | {"exact": 0.6})
    assert any("train longer" in one for one in few)  # the zeros are a third of the mistakes


def test_symbols_that_were_never_learnt_are_not_put_down_to_training():
    mistakes = [one | {"label": "é1"} for one in mistakes_of(20)]
    advice = advise(report_of(0.8, 100, mistakes=mistakes, never_learnt=["é"]), TRAINING | {"exact": 0.7})
    assert [one[:12] for one in advice] == ["Never learnt"]


@pytest.mark.parametrize(
    ("name", "changes", "training"),
    [
        ("underfitting", {"exact": 0.1}, {"exact": 0.6}),  # the training images are known by heart
        ("overfitting", {"exact": 1.0, "images": 5}, {}),
        ("overfitting", {"exact": 0.985, "images": 200}, {}),  # 99 % is within the interval
        ("overfitting", {"exact": 0.8, "images": 10}, {"exact": 0.89}),  # and so is what training reaches
        ("doubtful_labels", {"mistakes": mistakes_of(3, 0.97), "reliability": [{"high": 1.0, "exact": 0.5}]}, {}),
        ("threshold", {"threshold": THRESHOLD, "images": 99}, {}),
        ("calibration", {"expected_calibration_error": 0.2, "images": 99}, {}),
        ("calibration", {"expected_calibration_error": 0.9, "exact": 0.0}, {}),
        ("small_test", {"exact": 1.0, "images": 73}, {}),
        ("small_test", {"exact": 0.1, "images": 40}, {}),
    ],
)
def test_a_rule_does_not_apply_where_it_would_not_help(name: str, changes: dict, training: dict):
    assert RULES[name](report_of(**changes), TRAINING | training) == ""


def test_a_larger_input_is_suggested_only_for_images_that_are_shrunk():
    changes = {"exact": 0.45, "confusions": [["a", "", 3]]}
    for name, larger in (("underfitting", "IMAGE_HEIGHT"), ("dropped_or_added", "IMAGE_WIDTH")):
        advice = [RULES[name](report_of(**changes, shrunk=shrunk), {"exact": 0.5}) for shrunk in (0.0, 1.0)]
        assert [larger in one for one in advice] == [False, True]


def test_more_validation_images_are_suggested_only_if_there_were_too_few():
    report = report_of(expected_calibration_error=0.2)
    assert "Add some there" in RULES["calibration"](report, {"temperature": 1.0, "val_images": 5})
    assert "Add" not in RULES["calibration"](report, {"temperature": 1.3, "val_images": 500})


@pytest.mark.parametrize(("exact", "images"), [(1.0, 73), (0.99, 110), (0.8, 990), (0.5, 1600)])
def test_the_images_for_a_narrow_interval(exact: float, images: int):
    assert images_for(exact) == images
    low, high = wilson_interval(exact * images, images)
    assert high - low <= 0.05
    low, high = wilson_interval(exact * images * 0.9, images * 0.9)
    assert high - low > 0.05


def test_mistakes_that_no_rule_explains_are_not_passed_over():
    assert advise(report_of(0.5, mistakes=mistakes_of(3)), {}) == [UNEXPLAINED]


def test_neither_a_single_mistake_nor_confused_case_is_a_weakness():
    changes = {"by_character": {"e": {"count": 58, "right": 57 / 58}}, "confusions": [["a", "A", 9]]}
    assert advise(report_of(**changes), TRAINING) == [NOTHING]


def test_a_small_validation_set_is_no_evidence():
    assert advise(report_of(0.992), {"val_exact": 1.0, "val_images": 86, "exact": 0.99}) == [NOTHING]
    assert advise(report_of(), {}) == [NOTHING]  # the card of an older version has no metrics


def boxes_of(**changes: object) -> dict:
    figures = {"images": 4000, "map_50": 0.99, "map_50_95": 0.9, "per_class": {"天": {"objects": 9, "ap_50": 0.99}}}
    figures |= {"all_clicks_correct": 0.995, "all_clicks_correct_ci95": [0.992, 0.997], "mistakes": []}
    return figures | changes


BOXES_PLANTED = {
    "tiny_test": ({"images": 9, "all_clicks_correct_ci95": [0.7, 1.0]}, "With 9 test images the exact match may be"),
    "nothing_found": ({"map_50": 0.01}, "Next to nothing is found (mAP@0.5 1%)"),
    "weak_classes": ({"per_class": {"天": {"objects": 9, "ap_50": 0.5}}}, "天 (AP 50%, 9 objects)"),
    "missed_or_false": ({"mistakes": [{"label": ["a", "b", "c"], "read": []}]}, "Most are missed"),
    "loose_boxes": ({"map_50_95": 0.4}, "fit loosely"),
    "more_images": ({"all_clicks_correct_ci95": [0.8, 0.9]}, "more labelled images"),
    "small_test": ({"all_clicks_correct_ci95": [0.8, 0.9]}, "80.0% to 90.0%"),
}


@pytest.mark.parametrize("rule", BOX_RULES, ids=lambda rule: rule.__name__)
def test_a_rule_for_boxes_applies_if_its_cause_is_planted(rule):
    changes, advice = BOXES_PLANTED[rule.__name__]
    assert list(BOXES_PLANTED) == [one.__name__ for one in BOX_RULES]
    assert advice in rule(boxes_of(**changes), {})
    assert not rule(boxes_of(), {})


@pytest.mark.parametrize(
    ("label", "predicted", "cause"),
    [([], ["a", "b", "c"], "Most are false"), (["a", "b"], ["c", "d"], "names are confused")],
)
def test_false_detections_and_confused_names_are_distinguished(label: list, predicted: list, cause: str):
    (advice,) = advise(boxes_of(mistakes=[{"label": label, "read": predicted}]), {}, BOX_RULES)
    assert cause in advice


def test_the_rules_for_every_mode_are_asked_for_boxes_too():
    changes = {"never_learnt": ["好"], "damaged": ["a"], "all_clicks_correct_ci95": [0.8, 0.9]}
    advice = advise(boxes_of(**changes), {}, BOX_RULES)
    assert [one[:12] for one in advice] == ["Never learnt", "1 damaged im", "Exact match ", "With 4,000 t"]
