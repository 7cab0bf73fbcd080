"""Checks before the first epoch: can the network fit one batch, how long is a step, and does the memory suffice."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from bearcat.core.devices import available_bytes
from bearcat.core.errors import DataError
from bearcat.networks.optimizers import scalar_value
from bearcat.training.distribution import SINGLE_REPLICA, Replicas

STEPS = 8
WARM_UP_STEPS = 3  # not timed: in the first steps the training step is traced
OPTIMIZER_COPIES = 4  # a weight, its gradient and two moments
FLOAT_BYTES = 4


@dataclass(frozen=True)
class SanityCheck:
    """The result of a few steps on one batch.

    Args:
        losses: The loss of each step.
        seconds: Seconds per step.
    """

    losses: list[float]
    seconds: float

    @property
    def learns(self) -> bool:
        """Whether the loss of the batch decreased."""
        return min(self.losses[1:]) < self.losses[0]


class _StepRecorder(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.sums, self.ends = [], []

    def on_train_batch_end(self, batch, logs=None):
        # Keras logs the mean of the losses so far
        self.sums.append(logs["loss"] * (batch + 1))
        self.ends.append(time.monotonic())


def fit_one_batch(
    model: keras.Model,
    batches,
    replicas: Replicas = SINGLE_REPLICA,
    rate_multiplier: float = 1.0,
    lr: float | None = None,
) -> SanityCheck:
    """Trains a few steps on the first batch, then restores model and optimizer.

    Args:
        model: The compiled model.
        batches: A `tf.data.Dataset` of training batches.
        replicas: The replicas that train.
        rate_multiplier: Learning-rate multiplier for all replicas; the check trains at the rate of one.
        lr: The setting LR, for the error message; by default the learning rate of one replica.

    Raises:
        DataError: A loss, or a weight after the steps, is NaN or infinite.
    """
    recorder, variables = _StepRecorder(), [*model.variables, *model.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    # the full rate of all replicas is reached only after a warm-up
    model.optimizer.learning_rate = scalar_value(model.optimizer.learning_rate) / rate_multiplier
    first = replicas.distribute(batches.take(replicas.local_count).cache().repeat())
    model.fit(first, steps_per_epoch=STEPS, callbacks=[recorder], verbose=0, shuffle=False)
    # on a CPU ReLU turns NaN into 0: then only the weights show it
    broken = [math.nan for variable in variables if not np.isfinite(variable).all()]
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    losses = [*np.diff(recorder.sums, prepend=0.0).tolist(), *broken]
    rate = lr or scalar_value(model.optimizer.learning_rate) / rate_multiplier
    check_loss(losses, rate, "in the first steps, before the training")
    seconds = (recorder.ends[-1] - recorder.ends[WARM_UP_STEPS - 1]) / (STEPS - WARM_UP_STEPS)
    return SanityCheck(losses, seconds)


def check_loss(losses: list[float], lr: float, when: str) -> None:
    """Raises DataError, with a lower LR to set, if a loss is NaN or infinite."""
    invalid = next((loss for loss in losses if not math.isfinite(loss)), None)
    if invalid is not None:
        raise DataError(
            f"the loss became {invalid} {when}: the learning rate is too high. Earlier checkpoints are kept. "
            f"Continue with LR = {lr / 3:.1e} in the work's settings.py (or --set LR={lr / 3:.1e} each time)"
        )


def memory_warning(model: keras.Model, batch_size: int) -> str:
    """Returns what to set if training is likely to need more memory than is free; '' if it suffices."""
    needed, free = training_bytes(model, batch_size), available_bytes()
    if needed <= free:
        return ""
    fitting = max(1, int(batch_size * free / needed))
    return (
        f"A step needs an estimated {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free. If it runs out: "
        f"--set BATCH_SIZE={fitting}, or a smaller IMAGE_WIDTH and IMAGE_HEIGHT"
    )


def training_bytes(model: keras.Model, batch_size: int) -> int:
    """Estimates the memory of a training step: the weights with the optimizer's state, and each layer's outputs.

    Outputs count twice, since they are kept for the backward pass, in which their gradients are as large.
    """
    values = sum(map(output_size, leaf_layers(model)))
    return FLOAT_BYTES * (OPTIMIZER_COPIES * model.count_params() + 2 * batch_size * values)


def leaf_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields the layers of a model and of the models nested in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaf_layers(layer)
        else:
            yield layer


def output_size(layer: keras.layers.Layer) -> int:
    """Returns the number of values that a layer outputs per image."""
    outputs = layer.output if isinstance(layer.output, list) else [layer.output]
    return sum(math.prod(tensor.shape[1:]) for tensor in outputs)
