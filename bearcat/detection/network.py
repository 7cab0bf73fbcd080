"""EfficientDet (Tan, Pang, Le 2020) in Keras: a backbone, BiFPN cells over its levels, two heads shared by all levels.

Feature maps are (N, H, W, C).
"""

import math
import re

import keras
from keras import layers, ops

from bearcat.detection.configs import DetectorConfig
from bearcat.networks.backbones.adapt import MOMENTUM, adapt_backbone

PRIOR = 0.01  # initial probability of each class: most anchors show no object
FULL_STRIDES = ((2, 2),) * 5
_BLOCK_END = re.compile(r"block\d[a-z]_(add|project_bn)")


@keras.saving.register_keras_serializable("bearcat")
class FastFusion(layers.Layer):
    """Adds inputs of the same shape with learned, non-negative weights that sum to 1 (section 3.3, equation 3)."""

    def build(self, input_shape):
        self.shares = self.add_weight(shape=(len(input_shape),), initializer="ones", name="shares")

    def call(self, inputs):
        shares = ops.relu(self.shares)
        shares = ops.cast(shares / (ops.sum(shares) + 1e-4), inputs[0].dtype)
        return sum(shares[index] * maps for index, maps in enumerate(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape[0]


def build_detector(pixels, config: DetectorConfig, classes: int):
    """Builds a detector.

    Args:
        pixels: Pixels (N, H, W, C) in −1 … 1; H and W are multiples of the largest stride.
        config: The detector.
        classes: Number of classes.

    Returns:
        Outputs (N, anchors, 4 + classes): box offsets and class logits of each anchor, in the order of make_anchors.
    """
    features = BACKBONES[config.backbone.partition("_")[0]](pixels, config)
    for cell in range(config.cells):
        features = fuse_levels(features, config, first=cell == 0)
    offsets = apply_head(features, config, 4, "corrections", "zeros")
    bias = keras.initializers.Constant(-math.log((1 - PRIOR) / PRIOR))
    logits = apply_head(features, config, classes, "classes", bias)
    return layers.Concatenate(axis=-1, dtype="float32", name="detections")([offsets, logits])


def efficientnet_levels(pixels, config: DetectorConfig) -> list:
    """The last feature maps of an EfficientNet at strides 8, 16 and 32."""
    network = adapt_backbone(config.backbone, pixels.shape[1:], FULL_STRIDES)
    ends = {layer.output.shape[1]: layer.output for layer in network.layers if _BLOCK_END.fullmatch(layer.name)}
    outputs = [ends[pixels.shape[1] // 2**level] for level in config.levels[:3]]
    return keras.Model(network.input, outputs, name=config.backbone)(pixels)


def plain_levels(pixels, config: DetectorConfig) -> list:
    """Feature maps at strides 8, 16 and 32 by plain convolutions, most of them where maps are small."""
    maps = convolution_norm_relu(pixels, 24, 5, 2)
    maps = convolution_norm_relu(maps, 48, 3, 2)
    levels = []
    for filters, residuals in ((80, 2), (128, 2), (160, 1)):
        maps = convolution_norm_relu(maps, filters, 3, 2)
        for _ in range(residuals):
            maps = layers.Add()([maps, convolution_norm_relu(maps, filters, 3, 1)])
        levels.append(maps)
    return levels


BACKBONES = {"EfficientNet": efficientnet_levels, "plain": plain_levels}


def convolution_norm_relu(maps, filters: int, kernel: int, strides: int):
    """Convolution, batch normalization and ReLU."""
    maps = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(maps)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=MOMENTUM)(maps))


def fuse_levels(features: list, config: DetectorConfig, first: bool) -> list:
    """Applies a BiFPN cell: top-down, then bottom-up (section 3.2, figure 3).

    Args:
        features: A feature map per level, from fine to coarse.
        config: The detector.
        first: Whether this is the first cell, which adds the levels that the backbone lacks and projects all levels to
            the same number of filters.

    Returns:
        A feature map per level.
    """

    def fuse(*inputs):
        total = FastFusion()(list(inputs)) if config.weighted else layers.Add()(list(inputs))
        return norm(convolve(layers.Activation("swish")(total), config))

    def project(level):
        return norm(layers.Conv2D(config.filters, 1)(features[level])) if first else features[level]

    count = len(config.levels)
    inputs = [project(level) for level in range(len(features))]
    if first and count > len(features):
        inputs.append(downsample(project(len(features) - 1)))
    while len(inputs) < count:
        inputs.append(downsample(inputs[-1]))
    top_down = [None] * (count - 1) + [inputs[-1]]
    for level in reversed(range(count - 1)):
        top_down[level] = fuse(inputs[level], layers.UpSampling2D()(top_down[level + 1]))
    outputs = [top_down[0]]
    for level in range(1, count):
        # the backbone's levels have another projection for the bottom-up pass
        projected = project(level) if first and level < len(features) else inputs[level]
        intermediate = [top_down[level]] * (level < count - 1)
        outputs.append(fuse(projected, *intermediate, downsample(outputs[-1])))
    return outputs


def downsample(maps):
    """Max pooling with stride 2."""
    return layers.MaxPooling2D(3, 2, padding="same")(maps)


def norm(maps):
    """Batch normalization."""
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-3)(maps)


def convolve(maps, config: DetectorConfig):
    """3×3 convolution, separable or plain as in the detector's config."""
    return _convolution_class(config)(config.filters, 3, padding="same")(maps)


def _convolution_class(config: DetectorConfig) -> type[layers.Layer]:
    return layers.SeparableConv2D if config.separable else layers.Conv2D


def apply_head(features: list, config: DetectorConfig, values: int, name: str, bias):
    """Applies a head, whose convolutions are shared by all levels, with batch normalization of its own for each.

    Args:
        features: A feature map per level.
        config: The detector.
        values: Number of outputs per anchor.
        name: Name of the last layer, and prefix of the others.
        bias: Initializer of the last layer's bias.

    Returns:
        Outputs (N, anchors, values).
    """
    convolution_class = _convolution_class(config)
    convolutions = [
        convolution_class(config.filters, 3, padding="same", name=f"{name}_{index}") for index in range(config.depth)
    ]
    last = convolution_class(
        config.anchors_per_cell * values, 3, padding="same", bias_initializer=bias, dtype="float32", name=name
    )
    outputs = []
    for maps in features:
        for convolution in convolutions:
            maps = layers.Activation("swish")(norm(convolution(maps)))
        outputs.append(layers.Reshape((-1, values), dtype="float32")(last(maps)))
    return layers.Concatenate(axis=1, dtype="float32")(outputs)
