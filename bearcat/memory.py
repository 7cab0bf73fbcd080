"""How much memory a training takes, and how much there is."""

import math
from collections.abc import Iterator

import keras
import psutil

OPTIMIZER_COPIES = 4  # a weight, its gradient and two moments
FLOAT_BYTES = 4


def training_bytes(model: keras.Model, batch_size: int) -> int:
    """Return an estimate of a training step's memory: weights as the optimizer holds them, and each layer's outputs.

    Outputs count twice: they are kept for the way back, on which their gradients are as large.
    """
    values = sum(map(output_values, plain_layers(model)))
    return FLOAT_BYTES * (OPTIMIZER_COPIES * model.count_params() + 2 * batch_size * values)


def plain_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a model and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from plain_layers(layer)
        else:
            yield layer


def output_values(layer: keras.layers.Layer) -> int:
    """Return how many values a layer puts out for one picture."""
    outputs = layer.output if isinstance(layer.output, list) else [layer.output]
    return sum(math.prod(tensor.shape[1:]) for tensor in outputs)


def available_bytes() -> int:
    """Return how much memory this machine can give now."""
    return psutil.virtual_memory().available
