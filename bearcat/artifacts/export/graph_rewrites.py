"""Rewrites of an exported ONNX graph that leave what it computes the same: constant shapes, and folded scales."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

BATCHES = (2, 3)  # sizes at which shapes are computed; what differs between them is the size of the batch
Constants = dict[str, onnx.TensorProto]


def simplify_graph(network: onnx.ModelProto) -> onnx.ModelProto:
    """Removes what tf2onnx leaves: shapes that are computed for each image, and normalisations behind their layer.

    On the network of the demo that is 20 of its 64 nodes.
    """
    simplified = onnx.ModelProto()
    simplified.CopyFrom(network)
    _set_constant_shapes(simplified)
    _remove_unused(simplified.graph)
    _fold_scales(simplified.graph)
    _remove_unused(simplified.graph)
    return simplified


def _set_constant_shapes(network: onnx.ModelProto) -> None:
    """Replaces the computed shapes of Reshape by constants, with −1 for the size of the batch."""
    graph = network.graph
    constants = {item.name for item in graph.initializer}
    reshapes = [node for node in graph.node if node.op_type == "Reshape" and node.input[1] not in constants]
    names = sorted({node.input[1] for node in reshapes})
    if not names:
        return
    computed = [_compute(network, names, batch) for batch in BATCHES]
    for name, *shapes in zip(names, *computed, strict=True):
        shape = np.where(shapes[0] == shapes[1], shapes[0], -1)
        if (shape < 0).sum() > 1:
            continue
        graph.initializer.append(numpy_helper.from_array(shape.astype(np.int64), f"{name}/constant"))
        for node in reshapes:
            if node.input[1] == name:
                node.input[1] = f"{name}/constant"


def _compute(network: onnx.ModelProto, names: list[str], batch: int) -> list[np.ndarray]:
    """Computes tensors of a network for a batch of blank images."""
    extended = onnx.ModelProto()
    extended.CopyFrom(network)
    del extended.graph.output[:]
    extended.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.INT64, [None]) for name in names)
    session = onnxruntime.InferenceSession(extended.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels = session.get_inputs()[0]
    return session.run(None, {pixels.name: np.zeros((batch, *pixels.shape[1:]), np.float32)})


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Removes nodes and constants that no output depends on."""
    needed, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    constants = [item for item in graph.initializer if item.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)


def _fold_scales(graph: onnx.GraphProto) -> None:
    """Multiplies the scale behind a Conv or MatMul, and the shift behind a Conv, into its weights."""
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(output.name for output in graph.output)
    consumers = {name: node for node in graph.node for name in node.input if uses[name] == 1}
    constants = {item.name: item for item in graph.initializer}
    for layer in [node for node in graph.node if node.op_type in ("Conv", "MatMul")]:
        if layer.input[1] in constants and uses[layer.input[1]] == 1:
            _fold_into(layer, graph, consumers, constants)


def _fold_into(
    layer: onnx.NodeProto, graph: onnx.GraphProto, consumers: dict[str, onnx.NodeProto], constants: Constants
) -> None:
    """Folds what follows a layer, as far as it is a Mul, and behind a Conv an Add, with a constant per channel."""
    is_conv = layer.op_type == "Conv"
    weights = numpy_helper.to_array(constants[layer.input[1]])
    channels = weights.shape[0 if is_conv else -1]
    last, form = layer, (1, channels, *[1] * (weights.ndim - 2)) if is_conv else (channels,)
    while node := consumers.get(last.output[0]):
        constant = next((numpy_helper.to_array(constants[name]) for name in node.input if name in constants), None)
        if constant is None:
            return
        if is_conv and node.op_type == "Squeeze" and constant.min() > 1:
            last, form = node, form[: -len(constant)]
        elif not is_conv and node.op_type == "Reshape" and constant[-1] == channels:
            last = node
        elif constant.shape != form or node.op_type not in ("Mul", "Add")[: 2 if is_conv else 1]:
            return
        else:
            _change_weights(layer, graph, constants, node.op_type, constant.reshape(-1))
            graph.node.remove(node)
            last.output[0] = node.output[0]


def _change_weights(
    layer: onnx.NodeProto, graph: onnx.GraphProto, constants: Constants, operation: str, values: np.ndarray
) -> None:
    """Multiplies a layer's weights and bias by a value per channel, or adds it to the bias."""
    bias = numpy_helper.to_array(constants[layer.input[2]]) if len(layer.input) > 2 else np.float32(0)
    if operation == "Mul":
        weights = constants[layer.input[1]]
        array = numpy_helper.to_array(weights)
        by_channel = values.reshape(-1, *[1] * (array.ndim - 1)) if layer.op_type == "Conv" else values
        weights.CopyFrom(numpy_helper.from_array(array * by_channel, weights.name))
    bias = bias * values if operation == "Mul" else bias + values
    if bias.any():
        name = f"{layer.name}/bias/{len(graph.initializer)}"
        graph.initializer.append(numpy_helper.from_array(bias.astype(np.float32), name))
        constants[name] = graph.initializer[-1]
        layer.input[:] = [*layer.input[:2], name]


def append_scale(network: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    """Multiplies the output of a network by a factor, in float and under the same name."""
    scaled = onnx.ModelProto()
    scaled.CopyFrom(network)
    if factor == 1:
        return scaled
    graph, name = scaled.graph, scaled.graph.output[0].name
    before = f"{name}/unscaled"
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [before if item == name else item for item in names]
    graph.initializer.append(numpy_helper.from_array(np.asarray(factor, np.float32), "scale"))
    graph.node.append(helper.make_node("Mul", [before, "scale"], [name], name="scale"))
    return scaled
