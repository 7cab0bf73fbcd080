"""Where in its input a text model finds each character: ORDINARY's attention over the columns, and CTC's time steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bearcat.artifacts.inference import Engine, KerasEngine, OnnxEngine, Recogniser
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.paths import run_starts
from bearcat.data.vocabulary import BLANK_INDEX

TOLERANCE = 1e-2  # of a sum of attention weights, which is 1

Compute = Callable[[np.ndarray], Sequence[np.ndarray]]
Look = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class LocatedCharacter:
    """A predicted character and where it was found.

    Args:
        symbol: The character.
        probability: Its probability.
        weights: How much each column counts for it, float (columns,); the largest is 1. The columns are equally wide
            and cover the network's input from left to right.
    """

    symbol: str
    probability: float
    weights: np.ndarray


class Locator:
    """Finds the columns that a model predicts each character from.

    Args:
        recogniser: A model of a mode in LOOKS.
    """

    def __init__(self, recogniser: Recogniser[Prediction]):
        self._codec = recogniser.card.make_codec()
        self._look = LOOKS[recogniser.card.mode](recogniser.engine)

    def locate(self, pixels: np.ndarray, text: str) -> list[LocatedCharacter]:
        """Returns the characters of a prediction from left to right.

        Args:
            pixels: The network's input, uint8 (H, W, C).
            text: What was predicted for it.

        Returns:
            Nothing if the network has no attention, or if the text is not the one that it predicts: people edit
            `models.py` and `Predict_Image.predict`.
        """
        logits, columns = self._look(pixels[np.newaxis].astype(np.float32))
        if not len(columns) or self._codec.decode(logits[np.newaxis])[0].text != text:
            return []
        probabilities = self._codec.probabilities(logits)
        classes = probabilities.argmax(axis=-1)
        found = []
        for span in split_steps(classes, self._codec.merges_repeats):
            share = probabilities[span, classes[span.start]]
            weights = share @ columns[span]
            (symbol,) = self._codec.vocabulary.symbols_of(classes[span][:1])
            found.append(LocatedCharacter(symbol, float(share.max()), weights / weights.max()))
        return found


def split_steps(classes: np.ndarray, merges_repeats: bool) -> list[slice]:
    """Returns the steps or positions of each predicted character.

    Args:
        classes: The most probable class of each step.
        merges_repeats: Whether a class that is repeated is one character (CTC).
    """
    edges = [*np.flatnonzero(run_starts(classes, merges_repeats)).tolist(), len(classes)]
    return [slice(start, stop) for start, stop in pairwise(edges) if classes[start] != BLANK_INDEX]


def add_attention(content: bytes) -> bytes:
    """Makes the attention weights of a network a further output of its ONNX file, if it has any."""
    import onnx  # heavy, and not needed to predict

    network = onnx.load_model_from_string(content)
    outputs = {output.name for output in network.graph.output}
    # the nodes are in the order of computation, and what pools the columns is the last softmax
    softmax = [node.output[0] for node in network.graph.node if node.op_type == "Softmax"]
    if softmax and softmax[-1] not in outputs:
        network.graph.output.append(onnx.helper.make_tensor_value_info(softmax[-1], onnx.TensorProto.FLOAT, None))
    return network.SerializeToString()


def _attend_onnx(engine: OnnxEngine) -> Compute:
    return OnnxEngine(engine.path, add_attention).outputs


def _attend_keras(engine: KerasEngine) -> Compute:
    import keras

    from bearcat.artifacts.keras_files import load_model

    model = load_model(engine.path)
    softmax = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Softmax)]
    return keras.Model(model.input, [model.output, *softmax[-1:]]).predict_on_batch


def _look_by_attention(engine: Engine) -> Look:
    """Looks at the attention weights of a network with one output per position."""
    compute = ATTEND[type(engine)](engine)

    def look(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, *attention = (np.asarray(output)[0] for output in compute(pixels))
        return logits, _by_position(attention, len(logits))

    return look


def _by_position(attention: Sequence[np.ndarray], positions: int) -> np.ndarray:
    """Returns attention weights as (positions, columns), or an empty array if there are none."""
    for weights in attention:
        for matrix in (weights.T, weights):
            if matrix.ndim == 2 and len(matrix) == positions and np.allclose(matrix.sum(axis=1), 1, atol=TOLERANCE):
                return matrix
    return np.empty((0, 0))


def _look_at_steps(engine: Engine) -> Look:
    """Looks at the time steps of a network with one output per column."""

    def look(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = np.asarray(engine.logits(pixels))[0]
        return logits, np.eye(len(logits))

    return look


# engine → computes logits, and attention weights if there are any
ATTEND: dict[type, Callable[[Any], Compute]] = {OnnxEngine: _attend_onnx, KerasEngine: _attend_keras}
# mode → computes the logits of an image, (steps, classes), and how much each column counts for each step
LOOKS: dict[str, Callable[[Engine], Look]] = {
    "ORDINARY": _look_by_attention,
    "CTC": _look_at_steps,
    "CTC_TINY": _look_at_steps,
}
