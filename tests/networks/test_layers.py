"""The layers compute what those of Keras and Pillow do, and are saved and loaded."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from bearcat.networks.backbones.adapt import adapt_backbone
from bearcat.networks.layers import AppendGreyness, FusedBatchNormalization, ManyLogits, ResizeBilinear
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT


@pytest.mark.parametrize(("height", "width"), [(80, 240), (27, 72), (48, 160), (60, 100)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_resized_as_by_pillow(height: int, width: int, channels: int):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    image = Image.fromarray(pixels.squeeze()).resize((MIN_TEXT_WIDTH, TEXT_HEIGHT), Image.Resampling.BILINEAR)
    resized = np.array(ResizeBilinear(TEXT_HEIGHT, MIN_TEXT_WIDTH)(pixels[None].astype(np.float32)))[0]
    assert np.abs(resized.squeeze() - np.asarray(image, np.float32)).max() <= 1


def test_many_logits_and_their_gradients_are_those_of_a_dense_layer():
    random = np.random.default_rng(0)
    features = tf.constant(random.normal(size=(4, 6, 32)), tf.float32)
    weights = [random.normal(size=shape).astype(np.float32) for shape in ((32, 600), (600,))]
    results = []
    for layer_class in (keras.layers.Dense, ManyLogits):
        layer = layer_class(600, dtype="float32")
        layer.build(features.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(features)
            trained = layer(features, training=True)
            total = tf.reduce_sum(tf.sin(trained / 10))
        gradients = tape.gradient(total, [features, layer.kernel.value, layer.bias.value])
        assert {value.dtype for value in (trained, *gradients)} == {tf.float32}
        results.append([layer(features, training=False), trained, *gradients])
    for number, (one, other) in enumerate(zip(*results, strict=True)):
        # bfloat16 has three digits; outside training all is float32
        assert np.abs(one - other).max() <= (0.01 if number else 0) * np.abs(one).max()
    assert np.any(results[0][1] != results[1][1])


def make_pair(shape: tuple[int, ...]) -> list[keras.layers.Layer]:
    """Returns Keras' batch normalization and the fused one with the same weights."""
    pair = [
        layer_class(momentum=0.9, dtype="float32")
        for layer_class in (keras.layers.BatchNormalization, FusedBatchNormalization)
    ]
    random = np.random.default_rng(1)
    weights = [random.uniform(0.5, 1.5, shape[-1:]).astype(np.float32) for _ in range(4)]
    for layer in pair:
        layer.build(shape)
        layer.set_weights(weights)
    return pair


@pytest.mark.parametrize("shape", [(4, 5, 6, 3), (4, 7, 3)])
def test_fused_batch_normalization_has_the_outputs_gradients_and_averages_of_keras(shape: tuple[int, ...]):
    inputs = tf.constant(np.random.default_rng(0).normal(2, 3, shape), tf.float32)
    results = []
    for layer in make_pair(shape):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            total = tf.reduce_sum(outputs * tf.sin(inputs))
        gradients = tape.gradient(total, [inputs, *layer.trainable_variables])
        results.append([outputs, *gradients, layer.moving_mean, layer.moving_variance, layer(inputs, training=False)])
    for one, other in zip(*results, strict=True):
        assert np.allclose(one, other, atol=1e-4)


def test_a_frozen_fused_batch_normalization_keeps_its_averages():
    _, layer = make_pair((4, 3, 3, 2))
    layer.trainable = False
    before = [np.array(weight) for weight in layer.weights]
    layer(np.ones((4, 3, 3, 2), np.float32), training=True)
    assert all(np.array_equal(one, other) for one, other in zip(before, layer.weights, strict=True))


def test_a_fused_batch_normalization_that_keeps_its_averages_trains_as_it_predicts():
    _, layer = make_pair((4, 3, 3, 2))
    layer.keeps_averages = True
    inputs = np.random.default_rng(0).normal(2, 3, (4, 3, 3, 2)).astype(np.float32)
    before = [np.array(weight) for weight in layer.weights]
    with tf.GradientTape() as tape:
        trained = layer(inputs, training=True)
    assert all(np.abs(gradient).min() > 0 for gradient in tape.gradient(trained, layer.trainable_variables))
    assert np.array_equal(trained, layer(inputs, training=False))
    assert all(np.array_equal(one, other) for one, other in zip(before, layer.weights, strict=True))


@pytest.mark.parametrize("name", ["light", "MobileNetV3Small", "ResNet_18"])
def test_backbones_have_fused_batch_normalization(name: str):
    layers = [layer for layer in adapt_backbone(name, (48, 64, 1)).layers if "BatchNorm" in type(layer).__name__]
    assert layers
    assert {type(layer) for layer in layers} == {FusedBatchNormalization}


def test_fused_batch_normalization_is_saved_and_loaded(tmp_path: Path):
    inputs = keras.Input((3, 3, 2))
    model = keras.Model(inputs, FusedBatchNormalization(momentum=0.8, keeps_averages=True)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], FusedBatchNormalization)
    assert loaded.layers[-1].momentum == 0.8
    assert loaded.layers[-1].keeps_averages
    assert "keeps_averages" not in FusedBatchNormalization().get_config()  # earlier versions load it then


def test_greyness_is_white_where_an_image_is_grey_and_dark_in_any_hue():
    pixels = np.array([[[[90, 90, 90], [255, 255, 255], [255, 0, 0], [40, 90, 60]]]], np.float32)
    layer = AppendGreyness()
    appended = np.array(layer(pixels))
    assert np.array_equal(appended[..., :3], pixels)
    assert appended[0, 0, :, 3].tolist() == [255, 255, 0, 205]
    assert layer.compute_output_shape(pixels.shape) == appended.shape
