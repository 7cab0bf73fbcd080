"""Networks of which only shapes are looked at, and the smallest pretrained weights."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from bearcat.artifacts.pretrained import pretrained_file
from bearcat.modes import Task


@contextmanager
def without_values() -> Iterator[None]:
    """Lets layers be built without drawing initial weights, which takes two thirds of the time."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        # else the next scope draws the weights of these networks too
        keras.backend.clear_session(free_memory=False)


def count_parameters(build: Callable[[], keras.Model]) -> int:
    """Returns the number of trainable parameters of a network that a function builds."""
    with without_values():
        return sum(math.prod(weight.shape) for weight in build().trainable_weights)


def feature_shape(build: Callable[[keras.KerasTensor], keras.KerasTensor]) -> tuple[int, ...]:
    """Returns the shape of the features of 32 × 64 grey pixels that a network for images of any size has."""
    with without_values():
        pixels = keras.Input((None, None, 1))
        return keras.Model(pixels, build(pixels)).compute_output_shape((1, 32, 64, 1))


def pretrained_path() -> Path:
    """Returns the pretrained weights of `tiny`."""
    path = pretrained_file("tiny", Task.TEXT)
    assert path
    return path
