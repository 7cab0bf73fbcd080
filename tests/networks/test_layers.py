"""The fused batch normalisation: what Keras' layer computes, in training and after it, saved and found in backbones."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.networks.backbones.adapt import fitted_network
from bearcat.networks.layers import FusedBatchNormalization


def make_pair(shape: tuple[int, ...]) -> list[keras.layers.Layer]:
    """Return Keras' layer and ours with the same weights."""
    made = [kind(momentum=0.9, dtype="float32") for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)]
    random = np.random.default_rng(1)
    weights = [random.uniform(0.5, 1.5, shape[-1:]).astype(np.float32) for _ in range(4)]
    for layer in made:
        layer.build(shape)
        layer.set_weights(weights)
    return made


@pytest.mark.parametrize("shape", [(4, 5, 6, 3), (4, 7, 3)])
def test_outputs_gradients_and_averages_are_those_of_keras(shape: tuple[int, ...]):
    inputs = tf.constant(np.random.default_rng(0).normal(2, 3, shape), tf.float32)
    figures = []
    for layer in make_pair(shape):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            total = tf.reduce_sum(outputs * tf.sin(inputs))
        gradients = tape.gradient(total, [inputs, *layer.trainable_variables])
        figures.append([outputs, *gradients, layer.moving_mean, layer.moving_variance, layer(inputs, training=False)])
    for one, other in zip(*figures, strict=True):
        assert np.allclose(one, other, atol=1e-4)


def test_a_frozen_layer_keeps_its_averages():
    _, layer = make_pair((4, 3, 3, 2))
    layer.trainable = False
    before = [np.array(weight) for weight in layer.weights]
    layer(np.ones((4, 3, 3, 2), np.float32), training=True)
    assert all(np.array_equal(one, other) for one, other in zip(before, layer.weights, strict=True))


@pytest.mark.parametrize("name", ["light", "MobileNetV3Small", "ResNet_18"])
def test_every_backbone_has_it(name: str):
    layers = [layer for layer in fitted_network(name, (48, 64, 1)).layers if "BatchNorm" in type(layer).__name__]
    assert layers
    assert {type(layer) for layer in layers} == {FusedBatchNormalization}


def test_it_is_saved_and_loaded(tmp_path: Path):
    inputs = keras.Input((3, 3, 2))
    model = keras.Model(inputs, FusedBatchNormalization(momentum=0.8)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], FusedBatchNormalization)
    assert loaded.layers[-1].momentum == 0.8
