"""A few steps on one batch before the training: can the network learn at all, how long is a step, is there memory?"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from bearcat.core.devices import available_bytes
from bearcat.core.errors import DataError
from bearcat.networks.optimizers import value_of
from bearcat.training.distribution import SOLO, Team

STEPS = 8
FIRST_STEPS = 3  # the first ones are slower: the step is traced


@dataclass(frozen=True)
class Preflight:
    """What a few steps on one batch showed: their losses, and seconds a step."""

    losses: list[float]
    seconds: float

    @property
    def learns(self) -> bool:
        """Tell whether the loss of the one batch fell."""
        return min(self.losses[1:]) < self.losses[0]


class _Recorder(keras.callbacks.Callback):
    """Notes each step's loss and when it ended."""

    def on_train_begin(self, logs=None):
        self.sums, self.ends = [], []

    def on_train_batch_end(self, batch, logs=None):
        # Keras gives the mean of the losses so far
        self.sums.append(logs["loss"] * (batch + 1))
        self.ends.append(time.monotonic())


def preflight(model: keras.Model, batches, team: Team = SOLO, scale: float = 1.0, lr: float | None = None) -> Preflight:
    """Train some steps on the first of `batches` (a tf.data set), then put model and optimizer back as they were.

    `scale` is how many times one replica's the learning rate is; `lr` is LR as set, unless that is one replica's.
    Raises DataError where a loss, or a weight after the steps, is no number.
    """
    recorder, variables = _Recorder(), [*model.variables, *model.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    model.optimizer.learning_rate = value_of(model.optimizer.learning_rate) / scale  # what warming up would end with
    first = team.distribute(batches.take(team.here).cache().repeat())
    model.fit(first, steps_per_epoch=STEPS, callbacks=[recorder], verbose=0, shuffle=False)
    # on a CPU ReLU makes 0 of NaN: then weights that are none show in them alone
    spoilt = [np.nan for variable in variables if not np.isfinite(variable).all()]
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    losses = [*np.diff(recorder.sums, prepend=0.0).tolist(), *spoilt]
    check_loss(losses, lr or value_of(model.optimizer.learning_rate) / scale, "in the first steps, before the training")
    seconds = (recorder.ends[-1] - recorder.ends[FIRST_STEPS - 1]) / (STEPS - FIRST_STEPS)
    return Preflight(losses, seconds)


def check_loss(losses: list[float], lr: float, when: str) -> None:
    """Raise DataError, with what to set, where a loss is NaN or infinite."""
    strange = next((loss for loss in losses if not math.isfinite(loss)), None)
    if strange is not None:
        raise DataError(
            f"the loss became {strange} {when}: the learning rate is too high. What was saved before is kept. "
            f"Go on with LR = {lr / 3:.1e} in the work's settings.py (or --set LR={lr / 3:.1e} each time)"
        )


def memory_warning(model: keras.Model, batch_size: int) -> str:
    """Say what to set where training is likely to take more memory than there is; '' where there is enough."""
    needed, free = training_bytes(model, batch_size), available_bytes()
    if needed <= free:
        return ""
    fitting = max(1, int(batch_size * free / needed))
    return (
        f"A step is estimated to take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free: "
        f"--set BATCH_SIZE={fitting}, or a smaller IMAGE_WIDTH and IMAGE_HEIGHT, if it runs out"
    )


# ---- merged from memory: How much memory a training takes, and how much there is.


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
    """Return how many values a layer puts out for one image."""
    outputs = layer.output if isinstance(layer.output, list) else [layer.output]
    return sum(math.prod(tensor.shape[1:]) for tensor in outputs)
