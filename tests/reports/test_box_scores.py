"""Exact matches, correct points and mean average precision of detections."""

import numpy as np
import pytest

from bearcat.detection.decoding import SCORE_THRESHOLD
from bearcat.reports.box_scores import (
    average_precision,
    count_errors,
    is_exact_match,
    points_are_correct,
    score_detections,
)
from tests.helpers.detections import NAMES, detections, truth


def test_an_exact_match_has_every_object_and_no_other():
    first, second = ((0, 0, 10, 10), (0.9, 0, 0)), ((20, 0, 30, 10), (0, 0, 0.9))
    both = truth(("好", first[0]), ("天", second[0]))
    assert is_exact_match(both, detections(first, second))
    assert count_errors(both, detections(first)) == 1
    assert count_errors(truth(("好", first[0])), detections(first, second)) == 1
    assert count_errors(truth(("妤", first[0])), detections(first)) == 2
    assert is_exact_match(both, detections(first, second, ((50, 50, 60, 60), (SCORE_THRESHOLD - 0.01, 0, 0))))
    assert not is_exact_match(both, detections(first, first))
    assert is_exact_match(truth(), detections())


def test_two_objects_of_one_name_need_a_point_each():
    first, second = (0, 0, 10, 10), (20, 0, 30, 10)
    pair = truth(("好", first), ("好", second))
    assert points_are_correct(pair, ["好", "好"], [[25, 5], [5, 5]])
    assert not points_are_correct(pair, ["好", "好"], [[5, 5], [5, 5]])
    assert not points_are_correct(pair, ["好", "好"], [[5, 5], None])
    assert not points_are_correct(pair, ["天"], [[5, 5]])


def test_average_precision_by_hand():
    truths = [truth(("好", (0, 0, 10, 10)), ("好", (20, 0, 30, 10))), truth(("天", (0, 0, 10, 10)))]
    # 好: the best one is correct (IoU 1), the second is not, the third is: precision 1 up to recall 0.5, then 2/3
    found = [
        detections(((0, 0, 10, 10), (0.9, 0, 0)), ((60, 0, 70, 10), (0.8, 0, 0)), ((20, 0, 30, 10), (0.7, 0, 0))),
        detections(((0, 0, 10, 7), (0, 0, 0.9))),
    ]
    result = average_precision(truths, found, NAMES)
    assert set(result["per_class"]) == {"好", "天"}
    # COCO samples precision at 101 recalls, 51 of them up to 0.5
    assert result["per_class"]["好"]["ap_50"] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-3)
    # IoU 0.7: correct at the thresholds 0.5 to 0.7, five of ten (the last one depends on rounding)
    assert result["per_class"]["天"]["ap_50_95"] == pytest.approx(0.5, abs=0.11)
    assert result["per_class"]["天"]["ap_50"] == pytest.approx(1)
    both = [result["per_class"][name]["ap_50"] for name in ("好", "天")]
    assert result["map_50"] == pytest.approx(np.mean(both))


def test_objects_of_an_unknown_class_count_as_missed():
    result = average_precision([truth(("地", (0, 0, 10, 10)))], [detections()], NAMES)
    assert result["map_50"] == 0
    assert result["per_class"]["地"]["objects"] == 1


def test_the_report_for_programs():
    truths = [truth(("好", (0, 0, 10, 10))), truth(("天", (0, 0, 10, 10)))]
    found = [detections(((0, 0, 10, 10), (0.9, 0, 0))), detections(((0, 0, 10, 10), (0.9, 0.3, 0.2)))]
    report = score_detections(["a.png", "b.png"], truths, [["好"], ["天"]], found, [0.001, 0.003])
    assert (report["images"], report["all_clicks_correct"]) == (2, 0.5)
    assert report["mistakes"] == [{"file": "b.png", "label": ["天"], "read": ["好"]}]
    assert (report["prompts"], report["points_correct"]) == (2, 1.0)
    assert report["ms_per_image"] == {"p50": 2.0, "p99": pytest.approx(2.98)}
    without = score_detections(["a.png"], truths[:1], [None], found[:1], [0.001])
    assert "points_correct" not in without
