"""LambdaNetworks: lambda layers in place of the 3×3 convolutions of ResNet and DenseNet (Bello 2021, arXiv 2102.08602).

A lambda layer turns the context of each pixel into a linear map, its lambda, and applies it to the pixel's queries.
"""

from collections.abc import Callable
from functools import partial

import keras
from keras import layers, ops

from bearcat.networks.backbones import densenet
from bearcat.networks.backbones.blocks import convolution_norm, convolution_norm_relu, norm_relu
from bearcat.networks.backbones.resnet import DEPTHS_50, EXPANSION, add_shortcut, stack_stages, stem

# the paper's settings for ImageNet: |k|, |h|, and |r| of the local context of |r|×|r| pixels
KEY_DEPTH = 16
HEADS = 4
SCOPE = 23
DENSENET_121 = (6, 12, 24, 16)  # number of layers of each dense block (Huang et al. 2017, table 1)


@keras.saving.register_keras_serializable("bearcat")
class LambdaConvolution(layers.Layer):
    """Lambda layer of global content and local positions (section 3), with intra-depth 1 and its lambda convolution.

    The inputs are queries (N, H, W, heads × k), keys (N, H, W, k) and values (N, H, W, v), the output is
    (N, H, W, heads × v). The only weight holds k position embeddings per offset within the scope, so that maps of any
    size are possible.

    Args:
        heads: Number of queries per pixel.
        scope: Side in pixels of the square of positions that a pixel sees (r).
    """

    def __init__(self, heads: int, scope: int, **options):
        super().__init__(**options)
        self.heads = heads
        self.scope = scope

    def build(self, input_shape):
        keys = input_shape[1][-1]
        self.embeddings = self.add_weight(
            shape=(self.scope, self.scope, 1, keys), initializer="he_normal", name="embeddings"
        )

    def call(self, inputs):
        queries, keys, values = inputs
        _, height, width, depth = ops.shape(values)
        lambdas = self._content_lambda(keys, values) + self._position_lambdas(values)
        queries = ops.reshape(queries, (-1, height, width, self.heads, keys.shape[-1]))
        return ops.reshape(ops.matmul(queries, lambdas), (-1, height, width, self.heads * depth))

    def compute_output_shape(self, input_shape):
        return (*input_shape[2][:-1], self.heads * input_shape[2][-1])

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "scope": self.scope}

    @staticmethod
    def _content_lambda(keys, values):
        """Mean of the values over all pixels, weighted by the softmax of each key: (N, 1, 1, k, v)."""
        pixels = ops.shape(keys)[1] * ops.shape(keys)[2]
        keys = ops.reshape(keys, (-1, pixels, keys.shape[-1]))
        values = ops.reshape(values, (-1, pixels, values.shape[-1]))
        content = ops.matmul(ops.transpose(ops.softmax(keys, axis=1), (0, 2, 1)), values)
        return ops.expand_dims(content, (1, 2))

    def _position_lambdas(self, values):
        """Each of the v value maps convolved with the same k embeddings: (N, H, W, k, v)."""
        _, height, width, depth = ops.shape(values)
        maps = ops.reshape(ops.transpose(values, (0, 3, 1, 2)), (-1, height, width, 1))
        maps = ops.conv(maps, self.embeddings, padding="same")
        maps = ops.reshape(maps, (-1, depth, height, width, maps.shape[-1]))
        return ops.transpose(maps, (0, 2, 3, 4, 1))


def lambda_layer(inputs, filters: int):
    """Lambda layer in place of a 3×3 convolution, with batch normalization of queries and values."""
    queries = convolution_norm(inputs, HEADS * KEY_DEPTH, 1)
    keys = layers.Conv2D(KEY_DEPTH, 1, use_bias=False)(inputs)
    values = convolution_norm(inputs, filters // HEADS, 1)
    return LambdaConvolution(HEADS, SCOPE)([queries, keys, values])


def bottleneck(inputs, width: int, strides: int):
    """Bottleneck of ResNet with a lambda layer, and with average pooling for the strides of its 3×3 convolution."""
    outputs = lambda_layer(convolution_norm_relu(inputs, width, 1), width)
    if strides > 1:
        outputs = layers.AveragePooling2D(3, strides=strides, padding="same")(outputs)
    outputs = norm_relu(outputs)
    return add_shortcut(convolution_norm(outputs, EXPANSION * width, 1), inputs, strides)


def dense_layer(inputs):
    """Layer of DenseNet with a lambda layer."""
    outputs = densenet.norm_relu_convolution(inputs, densenet.BOTTLENECK * densenet.GROWTH, kernel=1)
    outputs = lambda_layer(norm_relu(outputs), densenet.GROWTH)
    return layers.Concatenate()([inputs, outputs])


def lambda_resnet(inputs, depths: tuple[int, ...]):
    """ResNet with lambda layers in all stages (table 3: 15.0 million parameters)."""
    return stack_stages(stem(inputs), depths, bottleneck)


def lambda_densenet(inputs, depths: tuple[int, ...]):
    """DenseNet with lambda layers in all blocks, by analogy with the ResNet; not published."""
    outputs = stem(inputs)
    for block, depth in enumerate(depths):
        if block > 0:
            outputs = densenet.transition(outputs)
        for _ in range(depth):
            outputs = dense_layer(outputs)
    return norm_relu(outputs)


VARIANTS: dict[str, Callable] = {
    "Lambda_ResNet_50": partial(lambda_resnet, depths=DEPTHS_50),
    "Lambda_Densenet_121": partial(lambda_densenet, depths=DENSENET_121),
}


def build(name: str, inputs):
    """Features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    return VARIANTS[name](inputs)
