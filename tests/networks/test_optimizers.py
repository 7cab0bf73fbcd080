"""AdaBelief follows its papers; all optimizers learn, are saved, and decay weights alike."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from bearcat.networks.optimizers import EMA_MOMENTUM, AdaBelief, make_optimizer
from bearcat.networks.registry import OPTIMIZERS

STEPS = 40
START = [1.0, -2.0, 3.0]
CURVATURE = np.array([0.3, 1.0, 4.0])
NOISE = np.random.default_rng(0).normal(size=(STEPS, 3))
# the gradients of a quadratic function, without and with noise
PROBLEMS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "quadratic": lambda weights, step: CURVATURE * weights,
    "noisy": lambda weights, step: CURVATURE * weights + NOISE[step],
}
# of tests with a single step
RATE, DECAY = 0.125, 0.5
EXACT_DECAY = 0.125  # exact in float32, through which TensorFlow converts a Python number to float64


@pytest.fixture
def float64() -> Iterator[None]:
    """Makes float64 the default type of Keras for one test."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def follow_papers(gradient_of: Callable, rate: float, weight_decay: float, rectify: bool, epsilon: float) -> np.ndarray:
    """Returns the weights (STEPS, 3) of Zhuang et al. 2020, Algorithm 2, rectified as in Liu et al. 2020."""
    beta_1, beta_2, weights, m, s = 0.9, 0.999, np.array(START), np.zeros(3), np.zeros(3)
    longest, path = 2 / (1 - beta_2) - 1, []
    for t in range(1, STEPS + 1):
        g = gradient_of(weights, t - 1)
        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * (g - m) ** 2 + epsilon
        m_hat, s_hat = m / (1 - beta_1**t), s / (1 - beta_2**t)
        update = m_hat / (np.sqrt(s_hat) + epsilon)
        length = longest - 2 * t * beta_2**t / (1 - beta_2**t)
        if rectify and length > 4:
            update *= math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
        elif rectify:
            update = m_hat
        weights = weights - rate * weight_decay * weights - rate * update
        path.append(weights)
    return np.array(path)


def run_steps(optimizer: keras.optimizers.Optimizer, gradient_of: Callable) -> np.ndarray:
    """Returns the weights (STEPS, 3) after each step of an optimizer."""
    variable, path = keras.Variable(START, dtype=keras.config.floatx()), []
    for step in range(STEPS):
        optimizer.apply([keras.ops.convert_to_tensor(gradient_of(np.array(variable), step))], [variable])
        path.append(np.array(variable))
    return np.array(path)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("weight_decay", [None, EXACT_DECAY])
@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize("epsilon", [1e-16, 1e-3])
def test_adabelief_follows_the_papers(float64, problem: str, weight_decay: float | None, rectify: bool, epsilon: float):
    optimizer = AdaBelief(0.05, epsilon=epsilon, rectify=rectify, weight_decay=weight_decay)
    expected = follow_papers(PROBLEMS[problem], 0.05, weight_decay or 0.0, rectify, epsilon)
    assert np.allclose(run_steps(optimizer, PROBLEMS[problem]), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rectify", [False, True])
def test_adabelief_in_float32_differs_only_by_rounding(rectify: bool):
    expected = follow_papers(PROBLEMS["noisy"], 0.05, 0.1, rectify, 1e-16)
    weights = run_steps(AdaBelief(0.05, rectify=rectify, weight_decay=0.1), PROBLEMS["noisy"])
    # each step is rounded to a weight's 2e-7
    assert np.abs(weights - expected).max() < STEPS * 2e-7 * np.abs(expected).max()


def test_the_first_step_of_adabelief_by_hand():
    # m is a tenth of the gradient g, so that s is a thousandth of (0.9 g)²: corrected, g and (0.9 g)²
    variable = keras.Variable([1.0, 1.0])
    AdaBelief(RATE).apply([np.array([4.0, -0.001], np.float32)], [variable])
    assert np.allclose(variable, [1 - RATE / 0.9, 1 + RATE / 0.9], rtol=1e-6)


def test_the_first_steps_of_rectified_adabelief_are_those_of_momentum():
    # ρ passes 4 in the fifth step; until then a gradient twice as large moves a weight twice as far
    variable, optimizer = keras.Variable([0.0, 0.0]), AdaBelief(RATE, rectify=True)
    path = []
    for gradient in (1.0, 0.5, 2.0, 1.0, 1.0):
        before = np.array(variable)
        optimizer.apply([np.array([gradient, 2 * gradient], np.float32)], [variable])
        path.append((np.array(variable) - before) / -RATE)
    assert path[0] == pytest.approx([1, 2], rel=1e-6)
    assert path[3][1] / path[3][0] == pytest.approx(2, rel=1e-3)
    assert path[4][1] / path[4][0] == pytest.approx(1, rel=1e-3)


def test_adabelief_does_not_change_a_weight_without_a_gradient():
    for rectify in (False, True):
        variable, optimizer = keras.Variable([1.0]), AdaBelief(RATE, rectify=rectify)
        for _ in range(10):
            optimizer.apply([np.zeros(1, np.float32)], [variable])
        assert float(variable[0]) == 1.0


@pytest.mark.parametrize("wrong", [{"beta_1": 1.0}, {"beta_2": 0.0}, {"beta_2": 0.6, "rectify": True}])
def test_adabelief_refuses_decay_rates_out_of_range(wrong: dict):
    with pytest.raises(ValueError, match="beta"):
        AdaBelief(**wrong)


def make_toy(
    optimizer: keras.optimizers.Optimizer, eagerly: bool = False
) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Returns a small dense model with a problem that it can learn; eager steps need no tracing."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    inputs = random.normal(size=(64, 6)).astype(np.float32)
    targets = np.tanh(inputs @ random.normal(size=(6, 3))).astype(np.float32)
    hidden = keras.layers.Dense(16, activation="relu")
    model = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3, name="logits")])
    model.compile(optimizer, "mse", run_eagerly=eagerly, jit_compile=False)
    return model, inputs, targets


def test_adabelief_learns_a_small_problem():
    model, inputs, targets = make_toy(AdaBelief(0.03, rectify=True, weight_decay=1e-4))
    losses = [float(model.train_on_batch(inputs, targets)) for _ in range(100)]
    assert losses[-1] < losses[0] / 10


def test_adabelief_is_restored_from_a_file(tmp_path: Path):
    options = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-12, "rectify": True, "weight_decay": 0.01, "clipnorm": 2.0}
    model, inputs, targets = make_toy(AdaBelief(0.01, **options), eagerly=True)
    for _ in range(7):
        model.train_on_batch(inputs, targets)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, AdaBelief)
    assert options.items() <= loaded.optimizer.get_config().items()
    check_continues_equally(model, loaded, inputs, targets)


def check_continues_equally(model: keras.Model, loaded: keras.Model, inputs: np.ndarray, targets: np.ndarray) -> None:
    """Compares a loaded model's optimizer with the saved one's, now and after two more steps."""
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    loaded.run_eagerly = True
    for _ in range(3):
        pairs = zip(model.optimizer.variables, loaded.optimizer.variables, strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
        assert float(model.train_on_batch(inputs, targets)) == float(loaded.train_on_batch(inputs, targets))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_lowers_the_loss_and_survives_saving(name: str, tmp_path: Path):
    model, inputs, targets = make_toy(make_optimizer(name, 0.01, 1e-4, average=True, rectify=True), eagerly=True)
    losses = [float(model.train_on_batch(inputs, targets)) for _ in range(5)]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is type(model.optimizer)
    check_continues_equally(model, loaded, inputs, targets)


def take_one_step(optimizer: keras.optimizers.Optimizer, gradient: float) -> np.ndarray:
    """Returns a weight matrix of ones after a step with the same gradient everywhere."""
    variable = keras.Variable(np.ones((2, 2), np.float32))
    optimizer.apply([np.full((2, 2), gradient, np.float32)], [variable])
    return np.array(variable)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_is_decoupled_from_the_gradient(name: str):
    decayed = take_one_step(make_optimizer(name, RATE, DECAY), gradient=0.0)
    assert decayed == pytest.approx(1 - RATE * DECAY)
    assert take_one_step(make_optimizer(name, RATE, 0.0), gradient=0.0) == pytest.approx(1.0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_step_starts_from_the_initial_weights(name: str):
    assert take_one_step(make_optimizer(name, 0.001, 0.0), gradient=0.1) == pytest.approx(1.0, abs=0.05)


# Ftrl of Keras, which the table leaves out, fails this
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_lowered_learning_rate_does_not_change_the_weights(name: str):
    variable, optimizer = keras.Variable(np.ones((2, 2), np.float32)), make_optimizer(name, 0.01, 0.0)
    for rate in (0.01, 0.01, 1e-6):
        before, optimizer.learning_rate = np.array(variable), rate
        optimizer.apply([np.full((2, 2), 0.1, np.float32)], [variable])
    # momentum may carry them a little further
    assert np.allclose(variable, before, atol=0.01)


def test_gradients_are_clipped_to_a_norm_of_one():
    # the first step of SGD with Nesterov momentum 0.9 is 1.9 gradients; a 2×2 matrix of 50 has norm 100
    assert take_one_step(make_optimizer("SGD", RATE, 0.0), gradient=50.0) == pytest.approx(1 - RATE * 1.9 / 2)


def test_a_moving_average_is_assigned_to_the_weights_at_the_end():
    model, inputs, targets = make_toy(make_optimizer("SGD", 0.01, 1e-4, average=True), eagerly=True)
    average = None
    for _ in range(5):
        model.train_on_batch(inputs, targets)
        weights = model.get_weights()[0]
        average = weights if average is None else EMA_MOMENTUM * average + (1 - EMA_MOMENTUM) * weights
    assert np.abs(weights - average).max() > 1e-3
    assert any(np.allclose(variable, average, atol=1e-6) for variable in model.optimizer.variables)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    assert np.allclose(model.get_weights()[0], average, atol=1e-6)


def test_a_moving_average_is_optional():
    kept, plain = (make_optimizer("SGD", 0.01, 1e-4, average=average) for average in (True, False))
    variables = [keras.Variable(START)]
    kept.build(variables)
    plain.build(variables)
    assert not plain.use_ema
    assert len(kept.variables) == len(plain.variables) + 1


def test_rectify_reaches_adabelief():
    assert make_optimizer("AdaBelief", 0.01, 1e-4, rectify=True).rectify
    assert not make_optimizer("AdaBelief", 0.01, 1e-4).rectify


def test_muon_leaves_the_last_layer_to_adamw():
    model, inputs, targets = make_toy(make_optimizer("Muon", 0.01, 1e-4), eagerly=True)
    model.train_on_batch(inputs, targets)
    by_adamw = [velocity is not None for velocity in model.optimizer.adam_velocities]
    assert by_adamw == [False, True, True, True]  # kernel, bias, the logits' kernel, the logits' bias
    assert model.optimizer.adam_weight_decay == model.optimizer.weight_decay
