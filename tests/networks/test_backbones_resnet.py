"""ResNets, ResNeSt and LambdaNetworks are as published, and so are their layers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from bearcat.networks.backbones import lambda_networks, resnest, resnet
from bearcat.networks.backbones.blocks import GroupedConv2D
from tests.helpers.networks import count_parameters, feature_shape

FAMILIES = (resnet, resnest, lambda_networks)
# DenseNet-121 of torchvision's documentation; one with lambda layers was not published
DENSENET_121 = 7.978856
DENSE_LAYERS = 6 + 12 + 24 + 16
# in each dense layer, from 128 channels to 32: a 3×3 convolution …
CONVOLUTION = 9 * 128 * 32
# … is replaced with a lambda layer: queries (4 heads × 16), keys (16) and values (32 / 4 heads), the position
# embeddings of 23 × 23 offsets, and the scale and shift of the BatchNorms of queries and values
LAMBDA_LAYER = 128 * (4 * 16 + 16 + 32 // 4) + 23 * 23 * 16 + 2 * (4 * 16 + 32 // 4)
# name → millions of parameters with a classifier of 1000 classes, rounded as the source has it
PUBLISHED = {
    # torchvision's documentation (num_params)
    "ResNet_18": 11.689512,
    "ResNet_34": 21.797672,
    "ResNeXt_50": 25.028904,
    "ResNeXt_101": 88.791336,
    # timm's results-imagenet.csv (seresnet50, legacy_seresnet152, seresnext50_32x4d, resnest50d)
    "SEResNet_50": 28.09,
    "SEResNet_152": 66.82,
    "SEResNeXt_50": 27.56,
    "ResNeSt_50": 27.48,
    # Woo et al. 2018, table 4
    "CBAM_ResNet_50": 28.09,
    # Bello 2021, table 3
    "Lambda_ResNet_50": 15.0,
    "Lambda_Densenet_121": DENSENET_121 + DENSE_LAYERS * (LAMBDA_LAYER - CONVOLUTION) / 1e6,
}
VARIANTS = {name: family for family in FAMILIES for name in family.VARIANTS}
# the smallest of each kind → its features of 32 × 64 pixels
FEATURES = {
    "ResNet_18": (1, 1, 2, 512),
    "ResNeXt_50": (1, 1, 2, 2048),
    "CBAM_ResNet_50": (1, 1, 2, 2048),
    "ResNeSt_50": (1, 1, 2, 2048),
    "Lambda_ResNet_50": (1, 1, 2, 2048),
}


def test_every_variant_has_a_published_count():
    assert PUBLISHED.keys() == VARIANTS.keys()


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_has_the_published_parameters_and_a_stride_of_32(name: str):
    def build() -> keras.Model:
        pixels = keras.Input((224, 224, 3))
        features = VARIANTS[name].build(name, pixels)
        assert features.shape[1:3] == (7, 7)
        return keras.Model(pixels, layers.Dense(1000)(layers.GlobalAveragePooling2D()(features)))

    assert count_parameters(build) / 1e6 == pytest.approx(PUBLISHED[name], rel=0.01)


@pytest.mark.parametrize("name", FEATURES)
def test_the_features_of_small_grey_images(name: str):
    assert feature_shape(lambda pixels: VARIANTS[name].build(name, pixels)) == FEATURES[name]


@pytest.mark.parametrize("strides", [1, (2, 1)])
def test_a_grouped_convolution_sees_only_its_own_group(strides):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(2, 5, 7, 6)).astype(np.float32)
    layer = GroupedConv2D(4, 3, groups=2, strides=strides)
    outputs = layer(inputs)
    assert layer.compute_output_shape(inputs.shape) == tuple(outputs.shape)
    for group in range(2):
        kernel = layer.kernel[..., 2 * group : 2 * group + 2]
        expected = ops.conv(inputs[..., 3 * group : 3 * group + 3], kernel, strides=strides, padding="same")
        np.testing.assert_allclose(outputs[..., 2 * group : 2 * group + 2], expected, atol=1e-5)


def test_a_grouped_convolution_refuses_groups_that_leave_a_remainder():
    with pytest.raises(ValueError, match="4 groups do not divide 6 channels and 8 filters"):
        GroupedConv2D(8, 3, groups=4)(np.zeros((1, 2, 2, 6), np.float32))


def test_a_lambda_has_global_content_and_local_positions():
    generator = np.random.default_rng(0)
    height, width, heads, key_depth, depth, scope = 3, 4, 2, 5, 6, 3
    queries, keys, values = (
        generator.normal(size=(1, height, width, channels)).astype(np.float32)
        for channels in (heads * key_depth, key_depth, depth)
    )
    layer = lambda_networks.LambdaConvolution(heads, scope)
    outputs = np.asarray(layer([queries, keys, values]))
    assert layer.compute_output_shape([queries.shape, keys.shape, values.shape]) == outputs.shape
    embeddings = np.asarray(layer.embeddings)[:, :, 0]
    exponents = np.exp(keys[0])
    content = np.einsum("hwk,hwv->kv", exponents / exponents.sum((0, 1)), values[0])
    padded = np.pad(values[0], ((1, 1), (1, 1), (0, 0)))
    for row in range(height):
        for column in range(width):
            near = padded[row : row + scope, column : column + scope]
            pixel_lambda = content + np.einsum("hwk,hwv->kv", embeddings, near)
            expected = queries[0, row, column].reshape(heads, key_depth) @ pixel_lambda
            np.testing.assert_allclose(outputs[0, row, column], expected.ravel(), atol=1e-5)


def test_the_branch_weights_of_split_attention_sum_to_one():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 6, 8))
    model = keras.Model(inputs, resnest.split_attention(inputs, 8, radix=2))
    softmax = next(layer for layer in model.layers if isinstance(layer, layers.Softmax))
    weights = keras.Model(inputs, softmax.output)(np.random.default_rng(0).normal(size=(3, 4, 6, 8)))
    assert weights.shape == (3, 2, 1, 8)
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, atol=1e-5)


def test_channel_statistics_are_mean_and_maximum():
    statistics = resnet.ChannelStatistics()(np.array([[[[1.0, 2.0, 6.0]]]], np.float32))
    np.testing.assert_allclose(statistics, [[[[3.0, 6.0]]]])
