"""Detection in NumPy: anchors, boxes, suppression, decoding, points to click, and what counts as right."""

import math

import numpy as np
import pytest

from bearcat.artifacts.card import Card
from bearcat.core.errors import LabelError
from bearcat.data.box_labels import BoxLabels
from bearcat.data.images import InputSpec, place
from bearcat.detection.boxes import decode_boxes, encode_boxes, iou, iou_matrix, make_anchors, suppress
from bearcat.detection.configs import DETECTORS, LIGHT_PHI, choose_phi, detector_name, input_spec
from bearcat.detection.decoding import SURE, DetectionCodec, Detections
from bearcat.reports.box_scores import all_right, average_precision, badness, points_right, score_detections

LIGHT = detector_name(LIGHT_PHI)
NAMES = ("好", "妤", "天")


def detections(*rows: tuple[tuple, tuple]) -> Detections:
    """Return detections of (box, probabilities) rows."""
    boxes, probabilities = zip(*rows, strict=True) if rows else ((), ())
    return Detections(NAMES, np.array(boxes, float).reshape(-1, 4), np.array(probabilities, float).reshape(-1, 3))


def truth(*rows: tuple[str, tuple]) -> BoxLabels:
    names, boxes = zip(*rows, strict=True) if rows else ((), ())
    return BoxLabels(200, 100, tuple(names), np.array(boxes, np.float32).reshape(-1, 4))


def test_anchors_are_those_of_the_papers_formula():
    variant = DETECTORS["EfficientDet_D0"]
    anchors = make_anchors(variant, 512, 512)
    assert anchors.shape == (9 * (64**2 + 32**2 + 16**2 + 8**2 + 4**2), 4)
    expected = []
    for octave in (0, 1 / 3, 2 / 3):
        for ratio in (1.0, 2.0, 0.5):
            side = 4 * 8 * 2**octave
            height, width = side / math.sqrt(ratio), side * math.sqrt(ratio)
            # the second cell of the third row of the finest level
            y, x = 2.5 * 8, 1.5 * 8
            expected.append([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
    first = 9 * (2 * 64 + 1)
    np.testing.assert_allclose(anchors[first : first + 9], expected, rtol=1e-6)


@pytest.mark.parametrize("detector", ["EfficientDet_D0", LIGHT])
def test_boxes_come_back_from_their_corrections(detector: str):
    anchors = make_anchors(DETECTORS[detector], 128, 256)
    low = np.random.default_rng(0).uniform(0, 60, (len(anchors), 2))
    boxes = np.concatenate([low, low + np.random.default_rng(1).uniform(4, 60, low.shape)], axis=1)
    np.testing.assert_allclose(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, atol=1e-3)


def test_a_correction_out_of_all_bounds_stays_finite():
    assert np.isfinite(decode_boxes(np.full((1, 4), 1e4), np.array([[0.0, 0.0, 8.0, 8.0]]))).all()


def test_overlap_of_known_boxes():
    box, half, apart = [0, 0, 10, 10], [0, 5, 10, 15], [20, 20, 30, 30]
    assert iou(np.array(box, float), np.array(half, float)) == pytest.approx(50 / 150)
    matrix = iou_matrix(np.array([box, half], float), np.array([box, apart, half], float))
    np.testing.assert_allclose(matrix, [[1, 0, 1 / 3], [1 / 3, 0, 1]], atol=1e-6)


def test_suppression_keeps_the_best_of_those_that_overlap():
    boxes = np.array([[0, 0, 10, 10], [0, 1, 10, 11], [0, 30, 10, 40], [0, 4, 10, 14]], float)
    assert suppress(boxes, np.array([0.5, 0.9, 0.7, 0.8]), 0.5).tolist() == [1, 2]
    assert suppress(boxes, np.array([0.5, 0.9, 0.7, 0.8]), 0.6).tolist() == [1, 3, 2]
    assert suppress(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []


def output_for(objects: list[tuple[int, tuple]], detector: str = LIGHT, side: int = 64) -> np.ndarray:
    """Return a network's output that says there are these objects, (class, ymin, xmin, ymax, xmax), and no others."""
    anchors = make_anchors(DETECTORS[detector], side, side)
    output = np.concatenate([np.zeros((len(anchors), 4)), np.full((len(anchors), len(NAMES)), -6.0)], axis=1)
    for row, box in objects:
        best = iou_matrix(np.array([box], float), anchors)[0].argmax()
        output[best, :4] = encode_boxes(np.array(box, float), anchors[best])
        output[best, 4 + row] = 3.0
    return output[None].astype(np.float32)


def test_objects_come_back_from_the_output_that_says_them():
    codec = DetectionCodec(NAMES, LIGHT, InputSpec(64, 64, 3))
    found = codec.decode(output_for([(2, (4, 8, 30, 34)), (0, (30, 36, 60, 62))]))[0]
    assert sorted(found.labels) == ["天", "好"]
    assert found.text == "天 好"
    boxes = found.boxes_xyxy[np.argsort(found.boxes_xyxy[:, 0])]
    np.testing.assert_allclose(boxes, [[8, 4, 34, 30], [36, 30, 62, 60]], atol=1e-3)
    assert found.confidences == pytest.approx([1 / (1 + math.exp(-3))] * 2, abs=1e-6)
    assert found.confidence == pytest.approx(np.prod(found.confidences))


def test_an_empty_image_has_no_objects_and_no_confidence():
    found = DetectionCodec(NAMES, LIGHT, InputSpec(64, 64, 3)).decode(output_for([]))[0]
    assert (found.count, found.text, found.confidence, found.objects(), found.parts) == (0, "", 0.0, [], [])
    assert found.points(["好"]) == [None]


@pytest.mark.parametrize("size", [(344, 172), (100, 300), (20, 20), (64, 64)])
def test_boxes_are_mapped_back_to_the_image_they_came_from(size: tuple[int, int]):
    spec = InputSpec(64, 64, 3)
    placement = place(*size, spec)
    box = np.array([3.0, 4.0, size[0] - 2.0, size[1] - 1.0])
    low, high = placement.to_input(*box[:2]), placement.to_input(*box[2:])
    found = Detections(NAMES, np.array([[*low, *high]]), np.array([[0.9, 0, 0]])).placed(*size, spec)
    np.testing.assert_allclose(found.boxes_xyxy[0], box, atol=1e-9)


def test_a_box_over_the_border_ends_at_the_image():
    found = Detections(NAMES, np.array([[-5.0, 3.0, 70.0, 80.0]]), np.array([[0.9, 0, 0]]))
    assert found.placed(64, 64, InputSpec(64, 64, 3)).boxes_xyxy.tolist() == [[0, 3, 64, 64]]


def test_a_confused_pair_is_solved_jointly():
    # by itself each box would be 好
    found = detections(((0, 0, 10, 10), (0.9, 0.2, 0)), ((20, 0, 30, 10), (0.6, 0.5, 0)))
    assert found.points(["妤", "好"]) == [[25.0, 5.0], [5.0, 5.0]]
    assert found.points(["好"]) == [[5.0, 5.0]]


def test_a_name_too_many_gets_no_point_and_a_strange_one_is_refused():
    found = detections(((0, 0, 10, 10), (0.9, 0.1, 0)))
    assert found.points(["天", "好"]) == [None, [5.0, 5.0]]
    with pytest.raises(LabelError, match="'地', which this unit never learnt"):
        found.points(["地"])


def test_all_clicks_are_right_only_with_every_object_and_no_other():
    first, second = ((0, 0, 10, 10), (0.9, 0, 0)), ((20, 0, 30, 10), (0, 0, 0.9))
    both = truth(("好", first[0]), ("天", second[0]))
    assert all_right(both, detections(first, second))
    assert badness(both, detections(first)) == 1
    assert badness(truth(("好", first[0])), detections(first, second)) == 1
    assert badness(truth(("妤", first[0])), detections(first)) == 2
    assert all_right(both, detections(first, second, ((50, 50, 60, 60), (SURE - 0.01, 0, 0))))
    assert not all_right(both, detections(first, first))
    assert all_right(truth(), detections())


def test_two_objects_of_one_name_need_a_box_and_a_point_each():
    first, second = (0, 0, 10, 10), (20, 0, 30, 10)
    pair = truth(("好", first), ("好", second))
    assert points_right(pair, ["好", "好"], [[25, 5], [5, 5]])
    assert not points_right(pair, ["好", "好"], [[5, 5], [5, 5]])
    assert not points_right(pair, ["好", "好"], [[5, 5], None])
    assert not points_right(pair, ["天"], [[5, 5]])


def test_average_precision_of_a_case_worked_by_hand():
    truths = [truth(("好", (0, 0, 10, 10)), ("好", (20, 0, 30, 10))), truth(("天", (0, 0, 10, 10)))]
    # 好: best hit right (IoU 1), second one elsewhere, third right: precision 1 up to recall 0.5, 2/3 beyond
    found = [
        detections(((0, 0, 10, 10), (0.9, 0, 0)), ((60, 0, 70, 10), (0.8, 0, 0)), ((20, 0, 30, 10), (0.7, 0, 0))),
        detections(((0, 0, 10, 7), (0, 0, 0.9))),
    ]
    result = average_precision(truths, found, NAMES)
    assert set(result["per_class"]) == {"好", "天"}
    # COCO reads precision at 101 recalls, 51 of them up to 0.5
    assert result["per_class"]["好"]["ap_50"] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-3)
    # IoU 0.7: right at the limits 0.5 to 0.7, five of ten (one of them by a hair)
    assert result["per_class"]["天"]["ap_50_95"] == pytest.approx(0.5, abs=0.11)
    assert result["per_class"]["天"]["ap_50"] == pytest.approx(1)
    both = [result["per_class"][name]["ap_50"] for name in ("好", "天")]
    assert result["map_50"] == pytest.approx(np.mean(both))


def test_a_class_that_was_never_learnt_counts_as_missed():
    result = average_precision([truth(("地", (0, 0, 10, 10)))], [detections()], NAMES)
    assert result["map_50"] == 0
    assert result["per_class"]["地"]["objects"] == 1


def test_the_report_has_what_a_program_reads():
    truths = [truth(("好", (0, 0, 10, 10))), truth(("天", (0, 0, 10, 10)))]
    found = [detections(((0, 0, 10, 10), (0.9, 0, 0))), detections(((0, 0, 10, 10), (0.9, 0.3, 0.2)))]
    report = score_detections(["a.png", "b.png"], truths, [["好"], ["天"]], found, [0.001, 0.003])
    assert (report["images"], report["all_clicks_correct"]) == (2, 0.5)
    assert report["mistakes"] == [{"file": "b.png", "label": ["天"], "read": ["好"]}]
    assert (report["prompts"], report["points_correct"]) == (2, 1.0)
    assert report["ms_per_image"] == {"p50": 2.0, "p99": pytest.approx(2.98)}
    without = score_detections(["a.png"], truths[:1], [None], found[:1], [0.001])
    assert "points_correct" not in without


def test_auto_is_light_on_a_cpu_and_d0_on_a_gpu():
    assert (choose_phi("auto", on_gpu=False), choose_phi("auto", on_gpu=True), choose_phi(3, on_gpu=False)) == (
        -1,
        0,
        3,
    )


@pytest.mark.parametrize(("phi", "expected"), [(-1, (96, 128)), (0, (512, 512)), (1, (640, 640))])
def test_an_input_has_sides_that_the_strides_divide(phi: int, expected: tuple[int, int]):
    from types import SimpleNamespace

    sizes = [500, 640, 768, 896, 1024, 1280, 1408, 1536]
    settings = SimpleNamespace(IMAGE_HEIGHT=90, IMAGE_WIDTH=128, IMAGE_CHANNALS=3, IMAGE_SIZES=sizes)
    spec = input_spec(settings, phi)
    assert (spec.height, spec.width) == expected


def test_a_card_makes_the_codec_of_its_detector():
    codec = Card("c", "EFFICIENTDET", LIGHT, NAMES, 64, 64, 3, 8).make_codec()
    assert codec.decode(output_for([(1, (4, 8, 30, 34))]))[0].labels == ["妤"]
