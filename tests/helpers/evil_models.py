"""Model files made to do harm: ones that never end, take all memory, read other files, or are no files."""

import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bearcat.serving.protection import model_check
from tests.helpers.services import write_model


def write_endless(file: Path, for_blank: bool = True) -> None:
    """A good model with a loop that never ends; without `for_blank` a white image does not enter it."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still"]), helper.make_node("Identity", ["value"], ["same"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("same", TensorProto.FLOAT, None),
        ],
    )
    darkest = helper.make_node("ReduceMin", ["mean"], ["darkest"], keepdims=0)
    condition = [] if for_blank else [darkest, helper.make_node("Less", ["darkest", "forever"], ["dark"])]
    loop = helper.make_node("Loop", ["", "forever" if for_blank else "dark", "inner"], ["logits"], body=body)
    _put_before_output(file, [*condition, loop], np.array(True) if for_blank else np.array(254, np.float32))


def write_greedy(file: Path, count: int = 2**36) -> None:
    """A good model that asks for memory: by default 2**36 numbers, 256 GiB."""
    value = numpy_helper.from_array(np.ones(1, np.float32))
    nodes = [
        helper.make_node("ConstantOfShape", ["forever"], ["many"], value=value),
        helper.make_node("ReduceMean", ["many"], ["one"], keepdims=0),
        helper.make_node("Mul", ["inner", "one"], ["logits"]),
    ]
    _put_before_output(file, nodes, np.array([count], np.int64))


def write_referring(file: Path, location: str) -> None:
    """A good model whose weights are in another file."""
    write_model(file)
    model = onnx.load(file)
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "12"}.items():
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    file.write_bytes(model.SerializeToString())


def _put_before_output(file: Path, nodes: list, constant: np.ndarray) -> None:
    write_model(file)
    model = onnx.load(file)
    model.graph.node[-1].output[0] = "inner"
    model.graph.initializer.append(numpy_helper.from_array(constant, "forever"))
    model.graph.node.extend(nodes)
    onnx.save(model, file)


def write_sparse(file: Path, size: int) -> None:
    """A file of that size, which takes no space."""
    with file.open("wb") as opened:
        opened.truncate(size)


def write_link_to_itself(file: Path) -> None:
    file.symlink_to(file)


def write_pipe(file: Path) -> None:
    os.mkfifo(file)


def end_second_check_at_once(replace: Callable[[type, str, Callable], None] = setattr) -> None:
    """Lets the time of the second file that is checked be over at once; the others may take as long as they need."""
    answer, count = model_check._CheckProcess.answer, itertools.count()

    def impatient(process: model_check._CheckProcess, deadline: float, stopped: threading.Event) -> str | None:
        return answer(process, 0.0 if next(count) == 1 else deadline, stopped)

    replace(model_check._CheckProcess, "answer", impatient)
