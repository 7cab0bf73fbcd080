"""EfficientDet (Tan, Pang, Le 2020) in Keras: a backbone's levels, BiFPN cells over them, two heads shared by all."""

import math
import re

import keras
from keras import layers, ops

from bearcat.detection.configs import Variant
from bearcat.networks.backbones.adapt import MOMENTUM, fitted_network

PRIOR = 0.01  # the probability that a fresh network gives each class: most anchors show nothing
FULL_STRIDES = ((2, 2),) * 5
_BLOCK_END = re.compile(r"block\d[a-z]_(add|project_bn)")


@keras.saving.register_keras_serializable("bearcat")
class FastFusion(layers.Layer):
    """Adds inputs of one shape with learnt weights that are not negative and add up to 1 (section 3.3, equation 3)."""

    def build(self, input_shape):
        """Make one weight an input."""
        self.shares = self.add_weight(shape=(len(input_shape),), initializer="ones", name="shares")

    def call(self, inputs):
        """Return Σ wᵢ · inputᵢ / (ε + Σ wᵢ), in the inputs' type."""
        shares = ops.relu(self.shares)
        shares = ops.cast(shares / (ops.sum(shares) + 1e-4), inputs[0].dtype)
        return sum(shares[number] * maps for number, maps in enumerate(inputs))

    def compute_output_shape(self, input_shape):
        """Return the shape that all inputs have."""
        return input_shape[0]


def build_detector(pixels, variant: Variant, classes: int):
    """Return the output (N, anchors, 4 + classes), corrections and logits, of pixels (N, H, W, C) in −1 … 1.

    H and W are multiples of the coarsest level's stride. Anchors are in make_anchors' order.
    """
    features = LEVELS[variant.backbone.partition("_")[0]](pixels, variant)
    for number in range(variant.cells):
        features = fuse_levels(features, variant, first=number == 0)
    corrections = apply_head(features, variant, 4, "corrections", "zeros")
    bias = keras.initializers.Constant(-math.log((1 - PRIOR) / PRIOR))
    logits = apply_head(features, variant, classes, "classes", bias)
    return layers.Concatenate(axis=-1, dtype="float32", name="detections")([corrections, logits])


def efficientnet_levels(pixels, variant: Variant) -> list:
    """Return the last maps of an EfficientNet at strides 8, 16 and 32."""
    network = fitted_network(variant.backbone, pixels.shape[1:], FULL_STRIDES)
    ends = {layer.output.shape[1]: layer.output for layer in network.layers if _BLOCK_END.fullmatch(layer.name)}
    wanted = [ends[pixels.shape[1] // 2**level] for level in variant.levels[:3]]
    return keras.Model(network.input, wanted, name=variant.backbone)(pixels)


def plain_levels(pixels, variant: Variant) -> list:
    """Return maps at strides 8, 16 and 32 by plain convolutions, most of the work done where the maps are small."""
    maps = convolve(pixels, 24, 5, 2)
    maps = convolve(maps, 48, 3, 2)
    levels = []
    for filters, residuals in ((80, 2), (128, 2), (160, 1)):
        maps = convolve(maps, filters, 3, 2)
        for _ in range(residuals):
            maps = layers.Add()([maps, convolve(maps, filters, 3, 1)])
        levels.append(maps)
    return levels


LEVELS = {"EfficientNet": efficientnet_levels, "plain": plain_levels}


def convolve(maps, filters: int, kernel: int, strides: int):
    """Return ReLU(BatchNorm(convolution))."""
    maps = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(maps)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=MOMENTUM)(maps))


def fuse_levels(features: list, variant: Variant, first: bool) -> list:
    """Return the levels after one BiFPN cell: from coarse to fine, and back (section 3.2, figure 3).

    The first cell makes the levels that the backbone lacks, and brings all to the same number of filters.
    """

    def fuse(*inputs):
        total = FastFusion()(list(inputs)) if variant.weighted else layers.Add()(list(inputs))
        return norm(sharpen(layers.Activation("swish")(total), variant))

    def enter(level):
        return norm(layers.Conv2D(variant.filters, 1)(features[level])) if first else features[level]

    count = len(variant.levels)
    inputs = [enter(level) for level in range(len(features))]
    if first and count > len(features):
        inputs.append(shrink(enter(len(features) - 1)))
    while len(inputs) < count:
        inputs.append(shrink(inputs[-1]))
    middle = [None] * (count - 1) + [inputs[-1]]
    for level in reversed(range(count - 1)):
        middle[level] = fuse(inputs[level], layers.UpSampling2D()(middle[level + 1]))
    outputs = [middle[0]]
    for level in range(1, count):
        # a level of the backbone enters the way back by a convolution of its own
        again = enter(level) if first and level < len(features) else inputs[level]
        between = [middle[level]] * (level < count - 1)
        outputs.append(fuse(again, *between, shrink(outputs[-1])))
    return outputs


def shrink(maps):
    """Return maps of half the size."""
    return layers.MaxPooling2D(3, 2, padding="same")(maps)


def norm(maps):
    """Return BatchNorm(maps)."""
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-3)(maps)


def sharpen(maps, variant: Variant):
    """Return maps of the same size after a 3×3 convolution."""
    kind = layers.SeparableConv2D if variant.separable else layers.Conv2D
    return kind(variant.filters, 3, padding="same")(maps)


def apply_head(features: list, variant: Variant, values: int, name: str, bias) -> object:
    """Return `values` an anchor (N, anchors, values): convolutions shared by all levels, BatchNorm of each its own."""
    kind = layers.SeparableConv2D if variant.separable else layers.Conv2D
    convolutions = [kind(variant.filters, 3, padding="same", name=f"{name}_{n}") for n in range(variant.depth)]
    last = kind(variant.anchors_a_cell * values, 3, padding="same", bias_initializer=bias, dtype="float32", name=name)
    outputs = []
    for maps in features:
        for convolution in convolutions:
            maps = layers.Activation("swish")(norm(convolution(maps)))
        outputs.append(layers.Reshape((-1, values), dtype="float32")(last(maps)))
    return layers.Concatenate(axis=1, dtype="float32")(outputs)
