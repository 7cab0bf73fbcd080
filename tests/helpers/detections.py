"""Box labels, detections and outputs of a detector, made by hand."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bearcat.artifacts.card import METADATA_KEY, Card
from bearcat.core.files import atomic_write
from bearcat.data.images import InputSpec
from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.boxes import iou_matrix, make_anchors
from bearcat.detection.configs import DETECTORS, LIGHT_PHI, detector_name
from bearcat.detection.decoding import Detections

LIGHT = detector_name(LIGHT_PHI)
NAMES = ("好", "妤", "天")


def detections(*rows: tuple[tuple, tuple]) -> Detections:
    """Returns the detections of rows of (box, probabilities)."""
    boxes, probabilities = zip(*rows, strict=True) if rows else ((), ())
    return Detections(NAMES, np.array(boxes, float).reshape(-1, 4), np.array(probabilities, float).reshape(-1, 3))


def truth(*rows: tuple[str, tuple]) -> BoxLabels:
    """Returns the labels of rows of (name, box)."""
    names, boxes = zip(*rows, strict=True) if rows else ((), ())
    return BoxLabels(200, 100, tuple(names), np.array(boxes, np.float32).reshape(-1, 4))


def encode_boxes(boxes_yxyx: np.ndarray, anchors_yxyx: np.ndarray) -> np.ndarray:
    """Returns the offsets (..., 4) of boxes from anchors, which decode_boxes decodes."""

    def centres_and_sizes(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = boxes[..., :2], boxes[..., 2:]
        return (low + high) / 2, high - low

    centres, sizes = centres_and_sizes(boxes_yxyx)
    anchor_centres, anchor_sizes = centres_and_sizes(anchors_yxyx)
    return np.concatenate([(centres - anchor_centres) / anchor_sizes, np.log(sizes / anchor_sizes)], axis=-1)


def output_for(objects: list[tuple[int, tuple]], detector: str = LIGHT, side: int = 64) -> np.ndarray:
    """Returns the output (1, anchors, 7) whose only objects are these (class, (ymin, xmin, ymax, xmax))."""
    anchors = make_anchors(DETECTORS[detector], side, side)
    output = np.concatenate([np.zeros((len(anchors), 4)), np.full((len(anchors), len(NAMES)), -6.0)], axis=1)
    for index, box in objects:
        best = iou_matrix(np.array([box], float), anchors)[0].argmax()
        output[best, :4] = encode_boxes(np.array(box, float), anchors[best])
        output[best, 4 + index] = 3.0
    return output[None].astype(np.float32)


def trained_output(objects: np.ndarray, logit: float, side: int, classes: int = 2) -> np.ndarray:
    """Returns the output (1, anchors, 4 + classes) that a detector is trained to give for objects (M, 5).

    All positive anchors have the box and, with a logit, the class of their object.
    """
    from bearcat.detection.losses import assign_anchors

    anchors = make_anchors(DETECTORS[LIGHT], side, side)
    output = np.full((1, len(anchors), 4 + classes), -8.0, np.float32)
    output[..., :4] = 0
    assigned, positive, _ = map(np.array, assign_anchors(objects[None], anchors))
    for index in np.flatnonzero(positive[0]):
        target = objects[assigned[0, index]]
        output[0, index, :4] = encode_boxes(target[1:], anchors[index])
        output[0, index, 4 + int(target[0])] = logit
    return output


def dark_box(image: np.ndarray) -> np.ndarray:
    """Returns the box (ymin, xmin, ymax, xmax) of the dark pixels of an image (H, W, C), to about a pixel."""
    rows, columns = np.where(image[..., 0] < (image.min() + image.max()) / 2)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1], float)


def write_detector(file: Path, objects: list[tuple[int, tuple]], side: int = 64) -> Path:
    """Writes an ONNX model of mode EFFICIENTDET that finds the same objects, as for `output_for`, in every image."""
    constants = {
        "all": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
        "zero": np.zeros(1, np.float32),
        "found": output_for(objects, side=side),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image", "all"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["light"]),
        helper.make_node("Mul", ["light", "zero"], ["nothing"]),
        helper.make_node("Add", ["found", "nothing"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", side, side, 1])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    card = Card(file.stem, "EFFICIENTDET", LIGHT, NAMES, InputSpec(side, side, 1), 3, {"val_map": 0.9})
    helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    with atomic_write(file) as part:
        onnx.save(model, part)
    return file
