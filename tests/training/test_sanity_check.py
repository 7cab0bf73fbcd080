"""Before the first epoch: one batch is fitted and the model restored, NaN is refused, memory is estimated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import to_float32
from bearcat.core.devices import choose_precision, cpu_flags, set_precision
from bearcat.core.errors import DataError
from bearcat.data.codecs import pad_targets
from bearcat.data.images import InputSpec
from bearcat.training import sanity_check
from bearcat.training.config import TrainingConfig
from bearcat.training.sanity_check import STEPS, SanityCheck, fit_one_batch, leaf_layers, memory_warning, training_bytes
from models import build_model

CARD = Card("captcha", "ORDINARY", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)


def one_batch(scale: float = 1.0) -> tf.data.Dataset:
    images = np.random.default_rng(0).uniform(0, 255, (4, 24, 48, 1)).astype(np.float32) * scale
    return tf.data.Dataset.from_tensors((images, pad_targets([[1], [2], [1, 2], [2, 1, 2]], 3))).repeat()


def test_the_losses_of_one_batch_fall_and_the_model_is_restored():
    keras.utils.set_random_seed(0)
    model = build_model(CARD, TrainingConfig(lr=1e-3))
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    check = fit_one_batch(model, one_batch())
    assert len(check.losses) == STEPS
    assert check.learns
    assert check.losses[-1] < check.losses[0]
    assert check.seconds > 0
    assert all(np.array_equal(value, variable) for value, variable in zip(before, variables, strict=True))
    assert int(model.optimizer.iterations) == 0


def test_losses_that_do_not_fall_are_recognised():
    assert not SanityCheck([2.0, 2.0, 2.1], 0.1).learns
    assert SanityCheck([2.0, 2.2, 1.9], 0.1).learns


def test_a_loss_of_nan_is_refused_with_what_to_set():
    model = build_model(CARD, TrainingConfig(lr=1e-3))
    with pytest.raises(DataError, match=r"nan in the first steps.*--set LR=3\.3e-04"):
        fit_one_batch(model, one_batch(np.nan))
    with pytest.raises(DataError, match=r"nan in the first steps.*--set LR=1\.0e-03"):
        fit_one_batch(model, one_batch(np.nan), lr=3e-3)  # scaled to 1e-3 for few images


def test_memory_is_counted_layer_by_layer():
    inputs = keras.Input((4, 4, 1))
    inner = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.ReLU()])
    model = keras.Model(inputs, inner(keras.layers.Conv2D(2, 1)(inputs)))
    values = 16 + 32 + 32  # the input, the convolution, the ReLU of the inner model
    parameters = 4
    expected = 4 * (4 * parameters + 2 * 8 * values)
    assert training_bytes(model, batch_size=8) == expected


def test_too_little_memory_is_warned_of_with_the_batch_that_fits(monkeypatch: pytest.MonkeyPatch):
    model = build_model(CARD, TrainingConfig())
    assert memory_warning(model, 32) == ""
    monkeypatch.setattr(sanity_check, "available_bytes", lambda: training_bytes(model, 32) // 2)
    assert "--set BATCH_SIZE=16" in memory_warning(model, 32)


@pytest.mark.parametrize(
    ("setting", "has_gpu", "depthwise", "flags", "precision"),
    [
        ("float32", True, False, {"amx_bf16"}, "float32"),
        ("auto", True, True, set(), "float16"),
        ("auto", False, False, {"amx_bf16"}, "bfloat16"),
        ("auto", False, False, {"avx512_bf16", "fma"}, "bfloat16"),
        ("auto", False, True, {"amx_bf16"}, "float32"),
        ("auto", False, False, {"avx2"}, "float32"),
    ],
)
def test_the_precision_depends_on_the_device(
    monkeypatch: pytest.MonkeyPatch, setting: str, has_gpu: bool, depthwise: bool, flags: set[str], precision: str
):
    monkeypatch.setattr("bearcat.core.devices.cpu_flags", lambda: flags)
    assert choose_precision(setting, has_gpu, depthwise) == precision


def test_cpu_flags_are_strings_if_there_are_any():
    assert all(isinstance(flag, str) for flag in cpu_flags())


def test_a_network_of_bfloat16_becomes_one_of_float32_with_the_same_weights():
    keras.utils.set_random_seed(0)
    set_precision("bfloat16")
    try:
        coarse = build_model(CARD, TrainingConfig())
    finally:
        set_precision("float32")
    fine = to_float32(coarse)
    assert {layer.compute_dtype for layer in leaf_layers(coarse)} == {"bfloat16", "float32"}
    assert {layer.compute_dtype for layer in leaf_layers(fine)} == {"float32"}
    images = next(iter(one_batch()))[0]
    assert np.allclose(coarse.predict_on_batch(images), fine.predict_on_batch(images), atol=0.05)
    assert all(np.array_equal(one, other) for one, other in zip(coarse.weights, fine.weights, strict=True))
