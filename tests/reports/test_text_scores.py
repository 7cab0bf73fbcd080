"""Scores of texts, worked by hand and against published values."""

import json

import pytest

from bearcat.artifacts.calibration import expected_calibration_error
from bearcat.core.intervals import wilson_interval
from bearcat.data.codecs import Prediction
from bearcat.reports.text_scores import (
    accuracy_by_symbol,
    align,
    answer_lines,
    count_confusions,
    score_answers,
    score_predictions,
)


@pytest.mark.parametrize(
    ("confidences", "correct", "expected"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [False, False], 1.0),
        ([0.0], [False], 0.0),
        ([0.72, 0.78, 0.33, 0.95], [True, False, False, True], (abs(1.5 - 1) + 0.33 + 0.05) / 4),
        ([0.75, 0.75, 0.75, 0.75], [True, True, True, False], 0.0),
    ],
)
def test_the_expected_calibration_error_by_hand(confidences: list[float], correct: list[bool], expected: float):
    assert expected_calibration_error(confidences, correct) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("label", "text", "pairs"),
    [
        ("abc", "abc", [("a", "a"), ("b", "b"), ("c", "c")]),
        ("abc", "axc", [("a", "a"), ("b", "x"), ("c", "c")]),
        ("nmw46", "nmnw46", [("n", "n"), ("m", "m"), ("", "n"), ("w", "w"), ("4", "4"), ("6", "6")]),
        ("ab", "b", [("a", ""), ("b", "b")]),
        ("", "", []),
        (("牌坊",), ("打字机",), [("牌坊", "打字机")]),
    ],
)
def test_labels_and_predictions_are_aligned(label, text, pairs: list):
    assert align(label, text) == pairs


def test_symbols_are_listed_with_the_worst_first():
    rows = accuracy_by_symbol(["ab", "ab", "b"], ["ab", "xb", ""])
    assert list(rows.items()) == [
        ("a", {"count": 2, "right": 0.5}),
        ("b", {"count": 3, "right": pytest.approx(2 / 3)}),
    ]


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        ("abc", "abc", []),
        ("abc", "axc", [("b", "x", 1)]),
        ("abc", "ac", [("b", "", 1)]),
        ("ac", "abc", [("", "b", 1)]),
        ("ab", "", [("a", "", 1), ("b", "", 1)]),
        ("", "a", [("", "a", 1)]),
    ],
)
def test_confusions_are_replaced_dropped_and_added_characters(label: str, text: str, expected: list):
    assert count_confusions([label], [text]) == expected


def test_the_most_frequent_confusion_comes_first():
    labels, texts = ["1c", "0a", "0b", "0d", "1e"], ["lc", "Oa", "Ob", "Od", "1e"]
    assert count_confusions(labels, texts) == [("0", "O", 3), ("1", "l", 1)]


def test_scores_have_the_keys_of_the_report_and_values_worked_by_hand():
    files = ["1.png", "2.png", "3.png", "4.png"]
    labels = ["ab", "cd", "xyz", "Qr"]
    predictions = [
        Prediction("ab", (0.5, 0.5)),
        Prediction("ce", (1.0, 0.4)),
        Prediction("", ()),
        Prediction("qr", (1.0, 1.0)),
    ]
    result = score_predictions(files, labels, predictions, [0.001, 0.002, 0.003, 0.004])

    assert set(result) == {
        "images",
        "exact",
        "exact_ci95",
        "exact_ignore_case",
        "character_accuracy",
        "ms_per_image",
        "expected_calibration_error",
        "reliability",
        "coverage",
        "withheld",
        "threshold",
        "by_length",
        "by_character",
        "confusions",
        "mistakes",
    }
    assert result["images"] == 4
    assert result["exact"] == 0.25
    assert result["exact_ci95"] == pytest.approx(list(wilson_interval(1, 4)))
    assert result["exact_ignore_case"] == 0.5
    assert result["character_accuracy"] == pytest.approx(1 - (1 + 3 + 1) / 9)
    assert result["ms_per_image"] == {"p50": 2.5, "p99": 3.97}
    assert result["expected_calibration_error"] == pytest.approx((abs(0.25 - 1) + 0.4 + 0 + 1.0) / 4)
    assert result["by_length"] == {"2": {"images": 3, "exact": pytest.approx(1 / 3)}, "3": {"images": 1, "exact": 0.0}}
    assert result["by_character"]["c"] == {"count": 1, "right": 1.0}
    assert next(iter(result["by_character"])) in {"d", "x", "y", "z", "Q"}
    assert {tuple(confusion) for confusion in result["confusions"]} == {
        ("d", "e", 1),
        ("x", "", 1),
        ("y", "", 1),
        ("z", "", 1),
        ("Q", "q", 1),
    }
    assert result["mistakes"] == [
        {"file": "2.png", "label": "cd", "read": "ce", "confidence": pytest.approx(0.4)},
        {"file": "3.png", "label": "xyz", "read": "", "confidence": 0.0},
        {"file": "4.png", "label": "Qr", "read": "qr", "confidence": 1.0},
    ]


def test_scores_are_plain_json():
    result = score_predictions(["1.png"], ["验a"], [Prediction("验b", (0.9, 0.5))], [0.01])
    assert json.loads(json.dumps(result))["confusions"] == [["a", "b", 1]]


def test_scores_without_a_mistake_are_perfect():
    result = score_predictions(
        ["1.png", "2.png"], ["a", "bc"], [Prediction("a", (1.0,)), Prediction("bc", (1.0, 1.0))], [0.1, 0.1]
    )
    assert (result["exact"], result["character_accuracy"], result["expected_calibration_error"]) == (1, 1, 0)
    assert result["confusions"] == result["mistakes"] == []


def test_answers_of_sums_are_scored_where_the_label_asks_for_one():
    labels, texts = ["3+5=", "12x3=", "7-4=", "7/2=", "5206"], ["3+5=", "13x3=", "4-1=", "1+1=", "1+1="]
    figures = score_answers(labels, [Prediction(text, (0.9,) * len(text)) for text in texts])
    assert figures == {
        "sums": 3,
        "answers_exact": pytest.approx(2 / 3),
        "answers_ci95": pytest.approx(list(wilson_interval(2, 3))),
    }
    assert answer_lines(figures)[0].startswith("answers of 3 sums correct 66.67% (95 % interval")
    assert score_answers(["5206"], [Prediction("5206", (0.9,) * 4)]) == {}
    assert answer_lines({}) == []
