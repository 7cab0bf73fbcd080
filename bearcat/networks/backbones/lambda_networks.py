"""LambdaNetworks: networks whose 3×3 convolutions are lambda layers (Bello 2021, arXiv 2102.08602).

A lambda layer makes of each pixel's surroundings a linear map, its lambda, and applies it to the pixel's queries.
"""

from collections.abc import Callable
from functools import partial

import keras
from keras import layers, ops

from bearcat.networks.backbones import densenet
from bearcat.networks.backbones.blocks import convolution_norm, convolution_norm_relu, norm_relu
from bearcat.networks.backbones.resnet import DEPTHS_50, EXPANSION, add_shortcut, stack_stages, stem

# the paper's settings for ImageNet: |k|, |h|, and the local context of |r|×|r| pixels
KEY_DEPTH = 16
HEADS = 4
SCOPE = 23
DENSENET_121 = (6, 12, 24, 16)  # layers of each dense block (Huang et al. 2017, table 1)


@keras.saving.register_keras_serializable("bearcat")
class LambdaConvolution(layers.Layer):
    """Applies to each pixel's queries the lambda of the whole map's content plus that of its r×r surroundings.

    Inputs: queries (N, H, W, heads × k), keys (N, H, W, k), values (N, H, W, v). The one weight holds k position
    embeddings for each offset within `scope` = r, so that no map size is fixed. Section 3 of the paper, with
    intra-depth 1 and the positions by its lambda convolution.
    """

    def __init__(self, heads: int, scope: int, **options):
        super().__init__(**options)
        self.heads = heads
        self.scope = scope

    def build(self, input_shape):
        """Make the position embeddings."""
        keys = input_shape[1][-1]
        self.embeddings = self.add_weight(
            shape=(self.scope, self.scope, 1, keys), initializer="he_normal", name="embeddings"
        )

    def call(self, inputs):
        """Return the outputs (N, H, W, heads × v)."""
        queries, keys, values = inputs
        _, height, width, depth = ops.shape(values)
        lambdas = self._content_lambda(keys, values) + self._position_lambdas(values)
        queries = ops.reshape(queries, (-1, height, width, self.heads, keys.shape[-1]))
        return ops.reshape(ops.matmul(queries, lambdas), (-1, height, width, self.heads * depth))

    def compute_output_shape(self, input_shape):
        """Return the shape of what `call` returns."""
        return (*input_shape[2][:-1], self.heads * input_shape[2][-1])

    def get_config(self):
        """Return the arguments."""
        return {**super().get_config(), "heads": self.heads, "scope": self.scope}

    @staticmethod
    def _content_lambda(keys, values):
        """Return (N, 1, 1, k, v): the values' mean over all pixels, weighed by each key's softmax."""
        pixels = ops.shape(keys)[1] * ops.shape(keys)[2]
        keys = ops.reshape(keys, (-1, pixels, keys.shape[-1]))
        values = ops.reshape(values, (-1, pixels, values.shape[-1]))
        content = ops.matmul(ops.transpose(ops.softmax(keys, axis=1), (0, 2, 1)), values)
        return ops.expand_dims(content, (1, 2))

    def _position_lambdas(self, values):
        """Return (N, H, W, k, v): each of the v value maps convolved with the same k embeddings."""
        _, height, width, depth = ops.shape(values)
        maps = ops.reshape(ops.transpose(values, (0, 3, 1, 2)), (-1, height, width, 1))
        maps = ops.conv(maps, self.embeddings, padding="same")
        maps = ops.reshape(maps, (-1, depth, height, width, maps.shape[-1]))
        return ops.transpose(maps, (0, 2, 3, 4, 1))


def lambda_layer(inputs, filters: int):
    """Return a map (N, H, W, filters) in place of a 3×3 convolution's; queries and values pass a BatchNorm."""
    queries = convolution_norm(inputs, HEADS * KEY_DEPTH, 1)
    keys = layers.Conv2D(KEY_DEPTH, 1, use_bias=False)(inputs)
    values = convolution_norm(inputs, filters // HEADS, 1)
    return LambdaConvolution(HEADS, SCOPE)([queries, keys, values])


def bottleneck(inputs, width: int, strides: int):
    """Return ResNet's block with a lambda layer; average pooling where the 3×3 convolution would stride."""
    outputs = lambda_layer(convolution_norm_relu(inputs, width, 1), width)
    if strides > 1:
        outputs = layers.AveragePooling2D(3, strides=strides, padding="same")(outputs)
    outputs = norm_relu(outputs)
    return add_shortcut(convolution_norm(outputs, EXPANSION * width, 1), inputs, strides)


def dense_layer(inputs):
    """Return the inputs and DenseNet's growth of channels, from a lambda layer."""
    outputs = densenet.norm_relu_convolution(inputs, densenet.BOTTLENECK * densenet.GROWTH, kernel=1)
    outputs = lambda_layer(norm_relu(outputs), densenet.GROWTH)
    return layers.Concatenate()([inputs, outputs])


def lambda_resnet(inputs, depths: tuple[int, ...]):
    """Return ResNet's features with lambda layers in all stages (table 3: 15.0 million parameters)."""
    return stack_stages(stem(inputs), depths, bottleneck)


def lambda_densenet(inputs, depths: tuple[int, ...]):
    """Return DenseNet's features with lambda layers in all blocks, after the ResNet's example; no paper has it."""
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
    """Return features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    return VARIANTS[name](inputs)
