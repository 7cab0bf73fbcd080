"""From outputs to detections in an image, and to the points to click."""

import math

import numpy as np
import pytest

from bearcat.artifacts.card import Card
from bearcat.core.errors import LabelError
from bearcat.data.images import InputSpec, place
from bearcat.detection.decoding import DetectionCodec, Detections
from tests.helpers.detections import LIGHT, NAMES, detections, output_for


def test_an_output_is_decoded_into_its_objects():
    codec = DetectionCodec(NAMES, LIGHT, InputSpec(64, 64, 3))
    found = codec.decode(output_for([(2, (4, 8, 30, 34)), (0, (30, 36, 60, 62))]))[0]
    assert sorted(found.labels) == ["天", "好"]
    assert found.text == "天 好"
    boxes = found.boxes_xyxy[np.argsort(found.boxes_xyxy[:, 0])]
    np.testing.assert_allclose(boxes, [[8, 4, 34, 30], [36, 30, 62, 60]], atol=1e-3)
    assert found.confidences == pytest.approx([1 / (1 + math.exp(-3))] * 2, abs=1e-6)
    assert found.confidence == pytest.approx(np.prod(found.confidences))


def test_an_empty_image_has_no_objects_and_confidence_zero():
    found = DetectionCodec(NAMES, LIGHT, InputSpec(64, 64, 3)).decode(output_for([]))[0]
    assert (found.count, found.text, found.confidence, found.objects(), found.parts) == (0, "", 0.0, [], [])
    assert found.points(["好"]) == [None]


@pytest.mark.parametrize("size", [(344, 172), (100, 300), (20, 20), (64, 64)])
def test_boxes_are_converted_back_to_the_image(size: tuple[int, int]):
    spec = InputSpec(64, 64, 3)
    placement = place(*size, spec)
    box = np.array([3.0, 4.0, size[0] - 2.0, size[1] - 1.0])
    low, high = placement.to_input(*box[:2]), placement.to_input(*box[2:])
    found = Detections(NAMES, np.array([[*low, *high]]), np.array([[0.9, 0, 0]])).to_image(*size, spec)
    np.testing.assert_allclose(found.boxes_xyxy[0], box, atol=1e-9)


def test_a_box_is_clipped_to_the_image():
    found = Detections(NAMES, np.array([[-5.0, 3.0, 70.0, 80.0]]), np.array([[0.9, 0, 0]]))
    assert found.to_image(64, 64, InputSpec(64, 64, 3)).boxes_xyxy.tolist() == [[0, 3, 64, 64]]


def test_names_are_assigned_to_boxes_jointly():
    # 好 is the best class of both boxes
    found = detections(((0, 0, 10, 10), (0.9, 0.2, 0)), ((20, 0, 30, 10), (0.6, 0.5, 0)))
    assert found.points(["妤", "好"]) == [[25.0, 5.0], [5.0, 5.0]]
    assert found.points(["好"]) == [[5.0, 5.0]]


def test_a_name_without_a_box_gets_no_point_and_an_unknown_name_is_refused():
    found = detections(((0, 0, 10, 10), (0.9, 0.1, 0)))
    assert found.points(["天", "好"]) == [None, [5.0, 5.0]]
    with pytest.raises(LabelError, match="'地', which the model was not trained on"):
        found.points(["地"])


def test_a_card_makes_the_codec_of_its_detector():
    codec = Card("c", "EFFICIENTDET", LIGHT, NAMES, InputSpec(64, 64, 3), 8).make_codec()
    assert codec.decode(output_for([(1, (4, 8, 30, 34))]))[0].labels == ["妤"]
