"""Rewrites of an exported graph: the same output from fewer nodes, whatever the size of the batch."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bearcat.artifacts.export.graph_rewrites import append_scale, simplify_graph

RANDOM = np.random.default_rng(0)


def make_network(nodes: list[onnx.NodeProto], input_shape: list, rank: int, **constants: np.ndarray) -> onnx.ModelProto:
    """Makes a network from x to y."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", *input_shape])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def compute(network: onnx.ModelProto, batch: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": batch})[0]


def operations(network: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in network.graph.node]


def test_shapes_that_depend_on_the_batch_alone_become_constants():
    # as tf2onnx exports keras.layers.Dense for sequences
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["kept"]),
        helper.make_node("Concat", ["kept", "width"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "flat"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["products"]),
        helper.make_node("Reshape", ["products", "target"], ["y"]),
    ]
    weights = RANDOM.normal(size=(4, 6)).astype(np.float32)
    constants = {"first": np.array([0, 1]), "width": np.array([6]), "flat": np.array([-1, 4]), "weights": weights}
    network = make_network(nodes, [3, 4], 3, **constants)
    simplified = simplify_graph(network)
    assert operations(simplified) == ["Reshape", "MatMul", "Reshape"]
    assert len(network.graph.node) == 6
    for size in (1, 5):
        batch = RANDOM.normal(size=(size, 3, 4)).astype(np.float32)
        assert np.array_equal(compute(simplified, batch), compute(network, batch))


def test_a_shape_with_two_unknown_sides_stays():
    nodes = [helper.make_node("Shape", ["x"], ["shape"]), helper.make_node("Concat", ["shape", "shape"], ["t"], axis=0)]
    nodes += [
        helper.make_node("Slice", ["t", "start", "end"], ["target"]),
        helper.make_node("Expand", ["x", "shape"], ["wide"]),
        helper.make_node("Unsqueeze", ["wide", "axis"], ["deep"]),
        helper.make_node("Concat", ["deep"] * 2, ["double"], axis=0),
        helper.make_node("Gather", ["double", "zero"], ["single"]),
        helper.make_node("Reshape", ["single", "target"], ["y"]),
    ]
    constants = {"start": np.array([0]), "end": np.array([2]), "axis": np.array([0]), "zero": np.array(0)}
    network = make_network(nodes, [2], 2, **constants)
    batch = RANDOM.normal(size=(4, 2)).astype(np.float32)
    assert np.array_equal(compute(simplify_graph(network), batch), compute(network, batch))


@pytest.mark.parametrize("bias", [[], ["bias"]], ids=["without bias", "with bias"])
def test_a_normalisation_is_folded_into_its_convolution(bias: list[str]):
    nodes = [
        helper.make_node("Conv", ["x", "weights", *bias], ["convolved"], name="conv"),
        helper.make_node("Squeeze", ["convolved", "axes"], ["squeezed"]),
        helper.make_node("Mul", ["squeezed", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["shifted"]),
        helper.make_node("Relu", ["shifted"], ["y"]),
    ]
    constants = {name: RANDOM.normal(size=(1, 5, 1)).astype(np.float32) for name in ("scale", "shift")}
    constants |= {"bias": RANDOM.normal(size=5).astype(np.float32)} if bias else {}
    weights = RANDOM.normal(size=(5, 2, 1, 3)).astype(np.float32)
    network = make_network(nodes, [2, 1, 9], 3, weights=weights, axes=np.array([2]), **constants)
    simplified = simplify_graph(network)
    assert operations(simplified) == ["Conv", "Squeeze", "Relu"]
    batch = RANDOM.normal(size=(3, 2, 1, 9)).astype(np.float32)
    assert compute(simplified, batch) == pytest.approx(compute(network, batch), abs=1e-5)


def test_what_is_no_scale_per_channel_is_left():
    # four rows and four channels: the constant belongs to the rows
    nodes = [
        helper.make_node("Conv", ["x", "weights"], ["convolved"], name="conv"),
        helper.make_node("Mul", ["convolved", "scale"], ["y"]),
    ]
    weights, scale = RANDOM.normal(size=(4, 2, 1, 1)).astype(np.float32), np.arange(4, dtype=np.float32)
    network = make_network(nodes, [2, 4, 3], 4, weights=weights, scale=scale.reshape(1, 4, 1))
    assert operations(simplify_graph(network)) == ["Conv", "Mul"]


def test_the_output_is_scaled_under_its_own_name():
    network = make_network([helper.make_node("Relu", ["x"], ["y"], name="relu")], [2], 2)
    scaled, batch = append_scale(network, 0.25), np.array([[4, -8]], np.float32)
    assert compute(scaled, batch).tolist() == [[1, 0]]
    assert [output.name for output in scaled.graph.output] == ["y"]
    assert operations(append_scale(network, 1.0)) == ["Relu"]
