"""The int8 form of a network: the same on every processor, and served only where it is as right as the float one."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bearcat.artifacts.card import Card
from bearcat.artifacts.export import quantization
from bearcat.artifacts.export.quantization import (
    FEWEST_IMAGES,
    Quantization,
    choose_form,
    compare_detections,
    compare_predictions,
    in_batches,
    quantize,
    sign_test,
)
from bearcat.data.codecs import Prediction
from bearcat.data.images import InputSpec
from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.decoding import Detections

CARD = Card("x", "ORDINARY", "light", ("a", "b", "c"), InputSpec(8, 8, 1), 1)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    """Three convolutions and a layer, with one position of four classes; the weights of the second are extreme."""
    shapes = {"w1": (4, 1, 3, 3), "w2": (16, 4, 3, 3), "w3": (8, 16, 3, 3), "w4": (32, 4)}
    constants = {name: RANDOM.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    constants["w2"][:] = 1.0
    constants |= {"planes": np.array([-1, 1, 8, 8]), "flat": np.array([-1, 1, 32])}
    nodes = [
        helper.make_node("Reshape", ["pixels", "planes"], ["a"], name="planes"),
        helper.make_node("Conv", ["a", "w1"], ["b"], name="first"),
        helper.make_node("Relu", ["b"], ["c"], name="relu"),
        helper.make_node("Conv", ["c", "w2"], ["d"], name="second"),
        helper.make_node("Conv", ["d", "w3"], ["e"], name="third"),
        helper.make_node("Reshape", ["e", "flat"], ["f"], name="flat"),
        helper.make_node("MatMul", ["f", "w4"], ["g"], name="last"),
        helper.make_node("Relu", ["g"], ["logits"], name="tail"),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["batch", 8, 8, 1])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 1, 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def compute(network: onnx.ModelProto, level: onnxruntime.GraphOptimizationLevel) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"pixels": IMAGES.astype(np.float32)})[0]


def test_no_processor_overflows(network: onnx.ModelProto):
    """Integers give what float computes for the same quantized values, also without VNNI."""
    quantized = quantize(network, IMAGES)
    levels = onnxruntime.GraphOptimizationLevel
    in_float, in_integers = (compute(quantized, level) for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL))
    # one step of the last activations
    assert in_integers == pytest.approx(in_float, abs=0.02 * float(in_float.max()))
    weights = [numpy_helper.to_array(item) for item in quantized.graph.initializer]
    small = [item for item in weights if item.dtype == np.int8 and item.ndim > 1]
    assert len(small) == 2
    assert all(np.abs(item.astype(int)).max() <= 64 for item in small)


def test_the_outer_layers_stay_in_float(network: onnx.ModelProto):
    before = network.SerializeToString()
    quantized = quantize(network, IMAGES)
    inputs = {node.name: node.input[1] for node in quantized.graph.node if node.name in ("first", "second", "last")}
    assert (inputs["first"], inputs["last"]) == ("w1", "w4")
    assert inputs["second"] != "w2"
    assert network.SerializeToString() == before


def texts(*words: str, confidence: float = 0.9) -> list[Prediction]:
    return [Prediction(word, (confidence,)) for word in words]


SAME = ["ab"] * 2000


@pytest.mark.parametrize(
    ("received", "labels", "problem"),
    [
        (texts(*SAME), SAME, ""),
        (texts("xy", "xy", *SAME[2:]), SAME, ""),
        (texts("xy", "xy", "xy", *SAME[3:]), SAME, "only 1997 of 2000 texts are the same"),
        (texts("xy", "xy", "xy", *SAME[3:]), [], "only 1997 of 2000 texts are the same"),
        (texts(*SAME, confidence=0.88), SAME, "confidences change by 0.020"),
        (texts(*SAME, confidence=float("nan")), SAME, "confidences change by nan"),
    ],
)
def test_texts_are_held_to_those_in_float(received: list[Prediction], labels: list[str], problem: str):
    compared = compare_predictions(texts(*SAME), received, labels)
    assert compared.problem.startswith(problem)
    assert bool(compared.problem) == bool(problem)
    assert compared.labelled == len(labels)


def test_losses_beyond_chance_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quantization, "MIN_SAME_TEXT", 0.9)
    compared = compare_predictions(texts(*SAME), texts(*["xy"] * 6, *SAME[6:]), SAME)
    assert compared.problem.startswith("6 images would become incorrect and 0 correct")
    balanced = ["xy"] * 6 + SAME[6:]
    assert not compare_predictions(texts(*SAME), texts(*balanced), ["xy"] * 3 + SAME[3:]).problem


def test_sign_test():
    assert sign_test(0, 0) == 1
    assert sign_test(5, 0) == pytest.approx(1 / 32)
    assert sign_test(3, 1) == pytest.approx(5 / 16)


def test_boxes_are_held_to_those_in_float():
    card = Card("x", "EFFICIENTDET", "EfficientDet_light", ("cat",), InputSpec(100, 100, 3), 1)
    labels = [BoxLabels(100, 100, ("cat",), np.array([[10, 10, 40, 40]], np.float32))] * 30

    def found(shift: float) -> list[Detections]:
        box = np.array([[10, 10, 40, 40]], float) + shift
        return [Detections(("cat",), box, np.array([[0.9]]))] * 30

    assert compare_detections(found(0), found(0), labels, card) == Quantization(
        30, same=30, labelled=30, map_50_95=1.0, map_50_95_float=1.0, agreement=1.0
    )
    assert "falls from 1.000" in compare_detections(found(0), found(3), labels, card).problem
    # both as far from the labels, on different sides
    assert "of the objects agree" in compare_detections(found(-8), found(8), labels, card).problem


def choose(network: onnx.ModelProto, count: int = len(IMAGES)) -> quantization.Form:
    return choose_form(CARD, network, IMAGES[:count], [], IMAGES)


def test_the_convolutions_alone_are_the_second_choice(network: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch):
    verdicts = iter(["too different", ""])
    monkeypatch.setattr(quantization, "compare", lambda *arguments: Quantization(40, next(verdicts)))
    form = choose(network)
    assert form.is_int8
    assert form.network.SerializeToString() == quantize(network, IMAGES, ("Conv",)).SerializeToString()
    assert len(form.logits) == 40


def test_what_is_less_right_is_served_in_float(network: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quantization, "MIN_SAME_TEXT", 1.1)
    form = choose(network)
    assert (form.is_int8, form.network) == (False, network)
    assert "texts are the same" in form.quantization.problem
    assert form.logits == pytest.approx(compute(network, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL), rel=1e-4)


def test_what_cannot_be_quantized_is_served_in_float(network: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch):
    def fail(*arguments: object, **options: object) -> None:
        raise KeyError("no such operation")

    monkeypatch.setattr(quantization, "quantize_static", fail)
    assert choose(network).quantization.problem == "it cannot be quantized (KeyError: 'no such operation')"


def test_few_images_prove_nothing(network: onnx.ModelProto):
    assert f"at least {FEWEST_IMAGES} are needed" in choose(network, FEWEST_IMAGES - 1).quantization.problem


@pytest.mark.parametrize(("shape", "sizes"), [((20, 8, 8, 1), [16, 4]), ((2, 1500, 1500, 3), [1, 1])])
def test_batches_of_large_images_are_small(shape: tuple[int, ...], sizes: list[int]):
    assert [len(batch) for batch in in_batches(np.zeros(shape, np.uint8))] == sizes
