"""AdaBelief, which Keras lacks, and the creation of optimizers by name with what all of them share."""

import importlib
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from bearcat.networks.registry import OPTIMIZERS

CLIP_NORM = 1.0  # of the gradient of each variable; the first ones of CTC are large
EMA_MOMENTUM = 0.99


@keras.saving.register_keras_serializable("bearcat")
class AdaBelief(keras.optimizers.Optimizer):
    """AdaBelief: Adam with the variance of the gradient around its moving average as second moment.

    Zhuang et al. 2020, Algorithm 2 with bias correction.

    Args:
        learning_rate: A float or a schedule.
        beta_1: Decay rate of the first moment, between 0 and 1.
        beta_2: Decay rate of the second moment, between 0 and 1; above 0.6 with `rectify`.
        epsilon: Added to the second moment at each step, where it accumulates, and once more outside the square root,
            as in the paper's main text. It corresponds to the square of Adam's epsilon, hence the small default, that
            of the authors' later releases.
        rectify: Whether to scale down the first steps, while the second moment has seen few gradients, and to ignore
            it in the very first ones (RAdam, Liu et al. 2020, Algorithm 2).
        name: Name of the optimizer.
        **kwargs: As in keras.optimizers.Optimizer. `weight_decay` is decoupled: each step subtracts
            learning_rate · weight_decay · weight.

    Raises:
        ValueError: If a decay rate is out of range.
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-16,
        rectify: bool = False,
        name: str = "ada_belief",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not (0 < beta_1 < 1 and 0 < beta_2 < 1):
            raise ValueError(f"beta_1 and beta_2 must lie between 0 and 1, not be {beta_1} and {beta_2}")
        self._rho_inf = 2 / (1 - beta_2) - 1  # RAdam's ρ∞: the number of gradients the second moment remembers
        if rectify and self._rho_inf <= 4:
            raise ValueError(f"rectify needs a beta_2 above 0.6, not {beta_2}")
        self.beta_1, self.beta_2, self.epsilon, self.rectify = beta_1, beta_2, epsilon, rectify

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._means, self._deviations = self.add_optimizer_variables(variables, ["mean", "deviation"])

    def update_step(self, gradient, variable, learning_rate):
        learning_rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean = self.beta_1 * self._means[index] + (1 - self.beta_1) * gradient
        deviation = self.beta_2 * self._deviations[index] + (1 - self.beta_2) * ops.square(gradient - mean)
        deviation = deviation + self.epsilon
        self.assign(self._means[index], mean)
        self.assign(self._deviations[index], deviation)
        mean_correction, deviation_correction = _bias_correction(self.beta_1, step), _bias_correction(self.beta_2, step)
        mean = mean / mean_correction
        update = mean / (ops.sqrt(deviation / deviation_correction) + self.epsilon)
        if self.rectify:
            update = self._rectified(update, mean, step, deviation_correction)
        self.assign_sub(variable, learning_rate * update)

    def _rectified(self, update, mean, step, deviation_correction):
        """The update scaled by RAdam's r, or the mean while r is undefined."""
        rho_inf = self._rho_inf
        rho = rho_inf - 2 * step * (1 / deviation_correction - 1)
        r_squared = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
        return ops.where(rho > 4, ops.sqrt(ops.maximum(r_squared, 0)) * update, mean)

    def get_config(self):
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "rectify": self.rectify}
        return super().get_config() | own


def _bias_correction(decay: float, step):
    """1 − decay**step, by expm1: the plain difference loses three of float32's seven digits in the first steps."""
    return -ops.expm1(step * math.log(decay))


def make_optimizer(
    name: str, lr: float, weight_decay: float, average: bool = False, rectify: bool = False
) -> keras.optimizers.Optimizer:
    """Creates an optimizer with gradients clipped to a norm of CLIP_NORM per variable and decoupled weight decay.

    Args:
        name: A name in OPTIMIZERS.
        lr: Learning rate.
        weight_decay: Fraction of a weight that is subtracted per step, times the learning rate.
        average: Whether to keep a moving average of the weights, which Model.fit assigns to them when it ends.
        rectify: Only for AdaBelief, see there.
    """
    module, class_name = OPTIMIZERS[name]
    options: dict[str, dict[str, Any]] = {
        "AdaBelief": {"rectify": rectify},
        "SGD": {"momentum": 0.9, "nesterov": True},
        # Muon is for hidden layers: its authors train the last layer with AdamW, whose decay has an option of its own
        "Muon": {"exclude_layers": ["logits"], "adam_weight_decay": weight_decay},
    }
    return getattr(importlib.import_module(module), class_name)(
        learning_rate=lr,
        weight_decay=weight_decay,
        clipnorm=CLIP_NORM,
        use_ema=average,
        ema_momentum=EMA_MOMENTUM,
        ema_overwrite_frequency=None,
        **options.get(name, {}),
    )


def inner_optimizer(model: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer that updates a model's weights; under float16, Keras wraps it in one that scales the loss."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def scalar_value(variable) -> float:
    """The value of a variable with one element; Keras' own float() fails on variables of several replicas."""
    return np.asarray(variable).item()


def steps_averaged(model: keras.Model) -> int:
    """Number of steps in the moving average of the weights; 0 under float16 until a scale for the loss is found."""
    return int(scalar_value(inner_optimizer(model).iterations))


def swap_average(model: keras.Model) -> None:
    """Swaps a model's weights with the moving average of them that its optimizer keeps."""
    assert steps_averaged(model), "an average of no steps is all zeros"
    optimizer = inner_optimizer(model)
    for variable, average in zip(
        optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True
    ):
        value = ops.copy(variable)
        variable.assign(average)
        average.assign(value)
