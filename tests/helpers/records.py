"""Records of small random images, and the index of a pack of them before it is written."""

from collections.abc import Iterator

import numpy as np

from bearcat.data.codecs import Task
from bearcat.data.images import InputSpec
from bearcat.data.tfrecord_index import TFRecordIndex
from bearcat.data.tfrecords import Record

SPEC = InputSpec(6, 10, 3)
STEPS = {"ORDINARY": 3, "CTC": 5}
EMPTY_INDEX = TFRecordIndex(SPEC, ["a", "b"], Task.TEXT, longest_label=3, steps_needed=STEPS)
TARGETS = [[1], [1, 2], [2, 2, 1]]


def make_records(count: int) -> Iterator[Record]:
    """Yields records whose first pixel, label and file name depend on their number."""
    noise = np.random.default_rng(0)
    for number in range(count):
        pixels = noise.integers(0, 256, SPEC.shape, np.uint8)
        pixels[0, 0, 0] = number
        yield Record(pixels, "x" * (number % 3 + 1), f"图_{number}.png", TARGETS[number % 3])
