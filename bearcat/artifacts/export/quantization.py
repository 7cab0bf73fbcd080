"""The int8 form of an exported network, and whether it is as right as the float one.

Without VNNI, ONNX Runtime adds products of unsigned activations and signed weights in pairs of 16 bits, which overflow
with weights of 8 bits: of the demo's test images 77 % instead of 99.8 % were correct then. Weights of 7 bits cannot
overflow, so every processor computes the same sums.
"""

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.average_precision import average_precision
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

RANGE_IMAGES = 200  # whose activations set the ranges of the integers; more of them change nothing
BATCH_PIXELS = 500_000  # of the images that are computed at a time
BATCH_IMAGES = 16
LAYERS = ("Conv", "MatMul", "Gemm")
OPERATIONS = (None, ("Conv",))  # what is quantized: everything, then only these

# What int8 may change, see docs/benchmarks.md
FEWEST_IMAGES = 20  # to compare on
MIN_SAME_TEXT = 0.999
MAX_P_VALUE = 0.05  # of the sign test: below it, the loss of exact matches is no chance
MAX_CONFIDENCE_CHANGE = 0.01  # on average; the calibration error cannot change by more
MAX_MAP_LOSS = 0.005
MIN_BOX_AGREEMENT = 0.98  # average precision with the objects of the float network as labels


@dataclass(frozen=True)
class Quantization:
    """Comparison of the int8 form with the float one, on validation and training images.

    Args:
        images: Number of images.
        problem: Why the float form is served; '' if the int8 form is.
        same: Number of images with the same text.
        labelled: Number of images with a label.
        correct: How many of them the int8 form predicts correctly.
        correct_float: How many the float form does.
        confidence_change: Mean difference between the confidences.
        map_50_95: Mean average precision of the int8 form (EFFICIENTDET).
        map_50_95_float: The same of the float form.
        agreement: AP50 of the int8 form with the objects of the float form as labels (EFFICIENTDET).
    """

    images: int
    problem: str = ""
    same: int = 0
    labelled: int = 0
    correct: int = 0
    correct_float: int = 0
    confidence_change: float = 0.0
    map_50_95: float | None = None
    map_50_95_float: float | None = None
    agreement: float | None = None

    def to_report(self) -> dict[str, object]:
        """Entry `quantization` of report/save.json."""
        return asdict(self)


def quantize(network: onnx.ModelProto, images: np.ndarray, operations: Sequence[str] | None = None) -> onnx.ModelProto:
    """Quantizes a network: weights to 7 bits per channel, activations to 8 bits by their range on images.

    Args:
        network: The float network.
        images: Images uint8 (n, H, W, C).
        operations: The types of nodes to quantize; None for all that can be.
    """
    with tempfile.TemporaryDirectory() as folder, _silent():
        source, target = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(network, source)  # as a file, since the quantizer would change the network
        quantize_static(
            source,
            target,
            _Reader(network.graph.input[0].name, images[:RANGE_IMAGES]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=operations,
            nodes_to_exclude=_outer_nodes(network.graph),
        )
        return onnx.load(target)


class _Reader(CalibrationDataReader):
    """Feeds images to the quantizer."""

    def __init__(self, name: str, images: np.ndarray):
        self._batches = ({name: batch} for batch in in_batches(images))

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


def _outer_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes up to the first convolutions and from the last layers on, which stay in float.

    The first ones see few channels, so that int8 gains no time there, and their rounding errors reach everything.
    """
    behind_layer: set[str] = set()  # tensors
    first = []
    for node in graph.node:
        if behind_layer.isdisjoint(node.input):
            first.append(node.name)
            if node.op_type != "Conv":
                continue
        behind_layer.update(node.output)
    before_layer: set[str] = set()
    last = []
    for node in reversed(graph.node):
        if before_layer.isdisjoint(node.output):
            last.append(node.name)
            if node.op_type not in LAYERS:
                continue
        before_layer.update(node.input)
    return first + last


def in_batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yields images in batches of a bounded size, as float32."""
    size = max(1, min(BATCH_IMAGES, BATCH_PIXELS // int(np.prod(images.shape[1:]))))
    return (images[start : start + size].astype(np.float32) for start in range(0, len(images), size))


def compute(network: onnx.ModelProto, card, images: np.ndarray) -> tuple[np.ndarray | None, list[Any]]:
    """Computes images uint8 (n, H, W, C) on all cores.

    Returns:
        The logits, except of a detector, which has too many; and what they are decoded to.
    """
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    name, codec, keeps_logits = session.get_inputs()[0].name, card.make_codec(), MODES[card.mode].task != Task.DETECTION
    logits, predictions = [], []
    for batch in in_batches(images):
        output = session.run(None, {name: batch})[0]
        logits += [output] if keeps_logits else []
        predictions += codec.decode(output)
    return (np.concatenate(logits) if logits else None), predictions


@dataclass(frozen=True)
class Form:
    """The form of a network that is served.

    Args:
        network: The graph.
        logits: Its output for the images it was chosen on; None of a detector.
        quantization: The comparison of int8 and float; None if int8 was not asked for.
    """

    network: onnx.ModelProto
    logits: np.ndarray | None
    quantization: Quantization | None = None

    @property
    def is_int8(self) -> bool:
        return self.quantization is not None and not self.quantization.problem


def choose_form(
    card, network: onnx.ModelProto, images: np.ndarray, labels: Sequence[Any], range_images: np.ndarray
) -> Form:
    """Chooses the int8 form of a network if it is as right as the float one, else the float one.

    All layers are tried, then the convolutions alone, which take most of the time and change the output less.

    Args:
        card: The card.
        network: The float form.
        images: Images uint8 (n, H, W, C) that both are compared on.
        labels: Labels of the first of them.
        range_images: Images that set the ranges of activations.
    """
    logits, expected = compute(network, card, images)
    if problem := too_few(images):
        return Form(network, logits, Quantization(len(images), problem))
    found: Quantization | None = None
    for operations in OPERATIONS:
        try:
            quantized = quantize(network, range_images, operations)
            quantized_logits, received = compute(quantized, card, images)
        except Exception as error:  # noqa: BLE001  the quantizer's errors share no base class of their own
            found = found or Quantization(
                len(images), f"it cannot be quantized ({type(error).__name__}: {error})"[:300]
            )
            continue
        compared = compare(card, expected, received, labels)
        if not compared.problem:
            return Form(quantized, quantized_logits, compared)
        found = compared
    return Form(network, logits, found)


def too_few(images: np.ndarray) -> str:
    """Returns why images are not enough to compare on; '' if they are."""
    if len(images) >= FEWEST_IMAGES:
        return ""
    return f"there are {len(images)} images to compare on, at least {FEWEST_IMAGES} are needed"


def compare(card, expected: Sequence[Any], received: Sequence[Any], labels: Sequence[Any]) -> Quantization:
    """Compares what the float form and the int8 form predict; the first images have labels."""
    if MODES[card.mode].task is Task.DETECTION:
        return compare_detections(expected, received, labels, card)
    return compare_predictions(expected, received, labels)


def compare_predictions(expected: Sequence[Any], received: Sequence[Any], labels: Sequence[str]) -> Quantization:
    """Compares texts or classes of the float form and of the int8 form; the first of them have a label."""
    pairs = list(zip(expected, received, strict=True))
    same = sum(one.text == other.text for one, other in pairs)
    hits = [(one.text == label, other.text == label) for (one, other), label in zip(pairs, labels, strict=False)]
    lost, gained = hits.count((True, False)), hits.count((False, True))
    change = float(np.mean([abs(one.confidence - other.confidence) for one, other in pairs]))
    problem = ""
    if not same >= MIN_SAME_TEXT * len(pairs):
        problem = f"only {same} of {len(pairs)} texts are the same (at least {MIN_SAME_TEXT:.1%} are expected)"
    elif sign_test(lost, gained) < MAX_P_VALUE:
        problem = f"{lost} images would become incorrect and {gained} correct, which is no chance"
    elif not change <= MAX_CONFIDENCE_CHANGE:
        problem = f"confidences change by {change:.3f} on average (at most {MAX_CONFIDENCE_CHANGE} is expected)"
    return Quantization(
        len(pairs),
        problem,
        same=same,
        labelled=len(hits),
        correct=sum(other for _, other in hits),
        correct_float=sum(one for one, _ in hits),
        confidence_change=change,
    )


def sign_test(lost: int, gained: int) -> float:
    """One-sided sign test: the probability of as many losses, or more, if losses and gains were equally likely."""
    count = lost + gained
    return sum(comb(count, number) for number in range(lost, count + 1)) / 2**count


def compare_detections(
    expected: Sequence[Detections], received: Sequence[Detections], labels: Sequence[BoxLabels], card
) -> Quantization:
    """Compares detected objects of the float form and of the int8 form, in pixels of the network's input."""
    size = card.spec.width, card.spec.height
    objects = [BoxLabels(*size, tuple(one.labels[: one.count]), one.boxes_xyxy[: one.count]) for one in expected]
    agreement = average_precision(objects, received, card.characters)["map_50"] if any(o.names for o in objects) else 1
    in_images = (
        [one.to_image(label.width, label.height, card.spec) for one, label in zip(found, labels, strict=False)]
        for found in (expected, received)
    )
    before, after = (average_precision(labels, found, card.characters)["map_50_95"] for found in in_images)
    problem = ""
    if not after >= before - MAX_MAP_LOSS:
        problem = f"the mean average precision (mAP50-95) falls from {before:.3f} to {after:.3f}"
    elif not agreement >= MIN_BOX_AGREEMENT:
        problem = f"only {agreement:.1%} of the objects agree (at least {MIN_BOX_AGREEMENT:.0%} are expected)"
    return Quantization(
        len(expected),
        problem,
        same=sum(one.text == other.text for one, other in zip(expected, received, strict=True)),
        labelled=len(labels),
        map_50_95=after,
        map_50_95_float=before,
        agreement=float(agreement),
    )


@contextlib.contextmanager
def _silent():
    """Silences the quantizer, which advises steps that `simplify_graph` replaces."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
