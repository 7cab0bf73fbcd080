"""The losses by hand, as sums over all alignments, compared with those of Keras, and saved."""

import math
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.networks.losses import MIN_LOG_PROBABILITY, SmoothedCrossentropy, SmoothedCTC, ctc, log_sum_exp

LOSSES = {"ORDINARY": SmoothedCrossentropy, "CTC": SmoothedCTC}
ONE_TO_THREE = np.array([0.0, math.log(3)])  # logits of the probabilities 1/4 and 3/4


def make_batch(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns targets (4, 3) of at least two characters each, and logits (4, 7, 5)."""
    random = np.random.default_rng(seed)
    targets = random.integers(1, 5, (4, 3))
    targets[::2, 2] = 0
    return targets, random.normal(scale=2, size=(4, 7, 5)).astype(np.float32)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Returns log probabilities over the last axis, in float64."""
    exponents = np.exp(np.asarray(logits, np.float64))
    return np.log(exponents / exponents.sum(axis=-1, keepdims=True))


def ctc_by_all_alignments(target: list[int], logits: np.ndarray) -> float:
    """Returns −log of the sum over all paths (Graves et al. 2006, equation 3) that collapse to the target."""
    probabilities = np.exp(log_softmax(logits))
    steps, classes = probabilities.shape
    total = 0.0
    for path in product(range(classes), repeat=steps):
        if [index for index, _ in groupby(path) if index != 0] == target:
            total += math.prod(probabilities[step, index] for step, index in enumerate(path))
    return -math.log(total)


def test_crossentropy_by_hand():
    # (1 − 0.2) · one-hot + 0.2 / 2 = (0.1, 0.9)
    by_hand = -0.1 * math.log(1 / 4) - 0.9 * math.log(3 / 4)
    assert float(SmoothedCrossentropy(0.2)(np.array([1]), ONE_TO_THREE[None])) == pytest.approx(by_hand, rel=1e-6)


def test_ctc_by_hand():
    # of the four paths of two steps all but blank blank collapse to the label: 1 − (1/4)²
    label_loss = -math.log(15 / 16)
    divergence = 2 * (math.log(0.5 / 0.25) + math.log(0.5 / 0.75)) / 2
    loss = float(SmoothedCTC(0.1)(np.array([[1]]), np.array([[ONE_TO_THREE, ONE_TO_THREE]])))
    assert loss == pytest.approx(0.9 * label_loss + 0.1 * divergence, rel=1e-5)


@pytest.mark.parametrize("positions", [(), (3,)])
def test_crossentropy_is_that_of_smoothed_one_hot_targets(positions: tuple[int, ...]):
    random = np.random.default_rng(1)
    targets, logits = random.integers(0, 5, (4, *positions)), random.normal(size=(4, *positions, 5))
    smooth = 0.9 * np.eye(5)[targets] + 0.1 / 5
    losses = SmoothedCrossentropy(0.1, reduction=None)(targets, logits)
    assert losses.shape == targets.shape
    assert np.allclose(losses, -(smooth * log_softmax(logits)).sum(axis=-1), rtol=1e-5)


@pytest.mark.parametrize("target", [[1], [1, 2], [2, 2], [1, 2, 1]])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_ctc_is_the_sum_over_all_alignments(target: list[int], smoothing: float):
    logits = np.random.default_rng(2).normal(size=(4, 3))
    divergence = -(log_softmax(logits) + math.log(3)).mean(axis=-1).sum()
    expected = (1 - smoothing) * ctc_by_all_alignments(target, logits) + smoothing * divergence
    padded = np.array([target + [0] * (3 - len(target))])
    assert float(SmoothedCTC(smoothing)(padded, logits[None])) == pytest.approx(expected, rel=1e-5)


def test_without_smoothing_they_are_the_losses_of_keras():
    targets, logits = make_batch()
    assert float(SmoothedCTC()(targets, logits)) == pytest.approx(float(keras.losses.CTC()(targets, logits)), rel=1e-5)
    of_keras = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert float(SmoothedCrossentropy()(targets, logits[:, :3])) == float(of_keras(targets, logits[:, :3]))


def test_uniform_logits_have_no_divergence():
    targets, logits = make_batch()
    plain = float(keras.losses.CTC()(targets, 0 * logits))
    assert float(SmoothedCTC(0.5)(targets, 0 * logits)) == pytest.approx(plain / 2, rel=1e-5)


@pytest.fixture
def float16() -> Iterator[None]:
    """Makes float16 the default type of Keras for one test."""
    keras.config.set_floatx("float16")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("mode", LOSSES)
def test_float16_logits_are_converted_to_float32(float16, mode: str):
    targets, logits = make_batch()
    # in float16 a difference of 3000 between classes and a sum over 7 steps overflow
    half = (logits[:, : {"ORDINARY": 3, "CTC": 7}[mode]] * 3000).astype(np.float16)
    loss = LOSSES[mode](0.1)(targets, half)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert float(loss) == float(LOSSES[mode](0.1)(targets, half.astype(np.float32)))
    assert math.isfinite(float(loss))


@pytest.mark.parametrize("mode", LOSSES)
def test_sample_weights_and_the_mean_over_the_batch_are_those_of_keras(mode: str):
    targets, logits = make_batch()
    logits = logits[:, : {"ORDINARY": 3, "CTC": 7}[mode]]
    losses = np.array(LOSSES[mode](0.1, reduction=None)(targets, logits))
    assert float(LOSSES[mode](0.1)(targets, logits)) == pytest.approx(losses.mean(), rel=1e-6)
    weights = np.array([0.0, 1.0, 2.0, 3.0]).reshape(4, *[1] * (losses.ndim - 1))
    weighted = LOSSES[mode](0.1)(targets, logits, sample_weight=weights)
    assert float(weighted) == pytest.approx((losses * weights).mean(), rel=1e-6)


@pytest.mark.parametrize("mode", LOSSES)
def test_a_model_learns_and_is_saved_with_its_loss(mode: str, tmp_path: Path):
    keras.utils.set_random_seed(0)
    targets, logits = make_batch()
    pixels = logits[:, : {"ORDINARY": 3, "CTC": 7}[mode]]
    model = keras.Sequential([keras.Input(pixels.shape[1:]), keras.layers.Dense(5)])
    model.compile(keras.optimizers.Adam(0.05), LOSSES[mode](0.1), jit_compile=False)
    losses = [float(model.train_on_batch(pixels, targets)) for _ in range(8)]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.loss, LOSSES[mode])
    assert loaded.loss.get_config() == model.loss.get_config()
    assert loaded.loss.label_smoothing == 0.1
    assert float(loaded.test_on_batch(pixels, targets)) == float(model.test_on_batch(pixels, targets))


@pytest.mark.parametrize("mode", LOSSES)
@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_a_smoothing_out_of_range_is_refused(mode: str, smoothing: float):
    with pytest.raises(ValueError, match="label_smoothing"):
        LOSSES[mode](smoothing)


def test_ctc_and_its_gradient_are_those_of_keras():
    targets, logits = make_batch()
    targets[1] = [2, 2, 3]  # a repeat
    results = []
    for loss in (ctc, keras.losses.ctc):
        variable = tf.Variable(logits)
        with tf.GradientTape() as tape:
            losses = loss(targets, variable)
            total = tf.reduce_sum(losses)
        results.append((losses.numpy(), tape.gradient(total, variable).numpy()))
    for one, other in zip(*results, strict=True):
        assert np.allclose(one, other, atol=1e-4)


def ctc_of_all_classes(targets, logits):
    """Returns TensorFlow's CTC loss of the logits of all classes, not only of a label's."""
    lengths = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    scores = tf.maximum(tf.nn.log_softmax(logits), MIN_LOG_PROBABILITY)
    labels = tf.sparse.from_dense(targets)
    return tf.nn.ctc_loss(labels, scores, None, lengths, logits_time_major=False, blank_index=0)


@pytest.mark.parametrize(("classes", "scale"), [(6, 0.1), (63, 2.0), (300, 5.0)])
def test_ctc_of_gathered_classes_is_that_of_all_classes(classes: int, scale: float):
    random = np.random.default_rng(3)
    targets = random.integers(1, classes, (5, 4)).astype(np.int32)
    targets[0] = [2, 2, 3, 2]  # repeats, together and apart
    targets[1, 1:] = 0
    logits = tf.constant(random.normal(scale=scale, size=(5, 9, classes)).astype(np.float32))
    results = []
    for loss in (ctc, ctc_of_all_classes):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            losses = loss(tf.constant(targets), logits)
        results.append((losses.numpy(), tape.gradient(losses, logits).numpy()))
    for one, other in zip(*results, strict=True):
        assert np.allclose(one, other, rtol=1e-5, atol=1e-4)


def test_log_sum_exp_and_its_gradient_are_those_of_tensorflow():
    logits = np.random.default_rng(4).normal(scale=5, size=(3, 4, 300)).astype(np.float32)
    logits[0, 0] = 0  # all equal: log 300
    logits[0, 1, 7] = 90  # far above the others, which then do not matter
    values = tf.constant(logits)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        own, theirs = log_sum_exp(values), tf.reduce_logsumexp(values, axis=-1)
    assert np.allclose(own, theirs, rtol=1e-6)
    assert float(own[0, 0]) == pytest.approx(math.log(300), rel=1e-6)
    assert np.allclose(tape.gradient(own, values), tape.gradient(theirs, values), atol=1e-6)


@pytest.mark.parametrize("where", [(0, 0, 0), (1, 2, 4)])
def test_ctc_of_a_nan_logit_is_nan(where: tuple[int, int, int]):
    logits = np.zeros((2, 5, 5), np.float32)
    logits[where] = np.nan
    losses = ctc(np.array([[1, 2], [3, 1]]), tf.constant(logits)).numpy()
    assert np.isnan(losses[where[0]])
    assert np.isfinite(losses[1 - where[0]])
