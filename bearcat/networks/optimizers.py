"""The optimizers: AdaBelief, which Keras lacks, and the one way to make any of those that have a name."""

import importlib
import math

import keras
import numpy as np
from keras import ops

from bearcat.networks.registry import OPTIMIZER_NAMES

CLIP_NORM = 1.0  # the longest gradient of a variable
AVERAGE_MOMENTUM = 0.99


@keras.saving.register_keras_serializable("bearcat")
class AdaBelief(keras.optimizers.Optimizer):
    """Adam with steps as long as the gradient is close to what its moving average foretold.

    Zhuang et al. 2020, Algorithm 2 with bias correction. `epsilon` is added to the second moment in each step, where
    it adds up, and once more outside its root, as in the paper's main text; it stands for the square of Adam's, hence
    its small default, the one of the authors' later releases. `weight_decay` is decoupled: each step takes away
    learning_rate · weight_decay of a weight. `rectify` scales the first steps down while the second moment has seen
    few gradients, and leaves that moment out in the very first (RAdam, Liu et al. 2020, Algorithm 2).
    Raises ValueError for a decay rate outside 0 … 1, or a `beta_2` too small to be rectified.
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
        # RAdam's ρ∞: how many gradients the second moment remembers
        self._longest_memory = 2 / (1 - beta_2) - 1
        if rectify and self._longest_memory <= 4:
            raise ValueError(f"rectify needs a beta_2 above 0.6, not {beta_2}")
        self.beta_1, self.beta_2, self.epsilon, self.rectify = beta_1, beta_2, epsilon, rectify

    def build(self, variables):
        """Make the two moments of each variable."""
        if self.built:
            return
        super().build(variables)
        self._means, self._deviations = self.add_optimizer_variables(variables, ["mean", "deviation"])

    def update_step(self, gradient, variable, learning_rate):
        """Move a variable by one step."""
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean = self.beta_1 * self._means[index] + (1 - self.beta_1) * gradient
        surprise = ops.square(gradient - mean)
        deviation = self.beta_2 * self._deviations[index] + (1 - self.beta_2) * surprise + self.epsilon
        self.assign(self._means[index], mean)
        self.assign(self._deviations[index], deviation)
        mean_weight, deviation_weight = weight_so_far(self.beta_1, step), weight_so_far(self.beta_2, step)
        mean = mean / mean_weight
        change = mean / (ops.sqrt(deviation / deviation_weight) + self.epsilon)
        if self.rectify:
            change = self._rectified(change, mean, step, deviation_weight)
        self.assign_sub(variable, rate * change)

    def _rectified(self, change, mean, step, deviation_weight):
        """Return the change scaled by RAdam's r, or the mean while r is not defined."""
        longest = self._longest_memory
        memory = longest - 2 * step * (1 / deviation_weight - 1)
        share = (memory - 4) * (memory - 2) * longest / ((longest - 4) * (longest - 2) * memory)
        return ops.where(memory > 4, ops.sqrt(ops.maximum(share, 0)) * change, mean)

    def get_config(self):
        """Return what builds this optimizer again."""
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "rectify": self.rectify}
        return super().get_config() | own


def weight_so_far(decay: float, step):
    """Return 1 − decay**step, how much of a moving average that began at 0 is gradients.

    By expm1, since the plain difference loses three of float32's seven digits in the first steps.
    """
    return -ops.expm1(step * math.log(decay))


def inner_optimizer(model: keras.Model) -> keras.optimizers.Optimizer:
    """Return the optimizer that moves a model's weights; float16 wraps it into one that scales the loss."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def value_of(variable) -> float:
    """Return the value of a variable that holds one number; Keras' own float() fails where several replicas have it."""
    return np.asarray(variable).item()


def steps_averaged(model: keras.Model) -> int:
    """Return how many steps have gone into the average; float16 takes none until it has found a scale for the loss."""
    return int(value_of(inner_optimizer(model).iterations))


def swap_average(model: keras.Model) -> None:
    """Exchange a model's weights and the moving average of them that its optimizer keeps; twice is not at all."""
    assert steps_averaged(model), "an average of no steps is all zeros"
    optimizer = inner_optimizer(model)
    for variable, average in zip(
        optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True
    ):
        value = ops.copy(variable)
        variable.assign(average)
        average.assign(value)


def own_options(name: str, weight_decay: float, rectify: bool) -> dict[str, object]:
    """Return what an optimizer is told beyond what all of them are told."""
    options = {
        "AdaBelief": {"rectify": rectify},
        "SGD": {"momentum": 0.9, "nesterov": True},
        # Muon is for hidden layers: its authors leave the last one to AdamW, which has a decay of its own here
        "Muon": {"exclude_layers": ["logits"], "adam_weight_decay": weight_decay},
    }
    return options.get(name, {})


def make_optimizer(
    name: str, lr: float, weight_decay: float, average: bool = False, rectify: bool = False
) -> keras.optimizers.Optimizer:
    """Return the optimizer of a name, with gradients clipped to a norm of 1 and decoupled weight decay.

    With `average` it keeps a moving average of the weights; Model.fit puts it in their place when it ends.
    `rectify` speaks to AdaBelief alone. Raises KeyError for a name that is not in OPTIMIZER_NAMES.
    """
    module, kind = OPTIMIZER_NAMES[name]
    return getattr(importlib.import_module(module), kind)(
        learning_rate=lr,
        weight_decay=weight_decay,
        clipnorm=CLIP_NORM,
        use_ema=average,
        ema_momentum=AVERAGE_MOMENTUM,
        ema_overwrite_frequency=None,
        **own_options(name, weight_decay, rectify),
    )
