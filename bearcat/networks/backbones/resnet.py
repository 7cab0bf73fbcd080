"""Residual networks: ResNet, ResNeXt, and both with attention (SE, CBAM).

He et al. 2015 (arXiv 1512.03385); the bottleneck strides in its 3×3 convolution, which is ResNet v1.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers, ops

from bearcat.networks.backbones.blocks import convolution_norm, convolution_norm_relu, squeeze_and_excite

STEM_FILTERS = 64  # also the width of the first stage; each further stage is twice as wide
EXPANSION = 4  # times as many channels leave a bottleneck as pass through its middle
REDUCTION = 16  # times fewer channels in the middle of a channel attention
SPATIAL_KERNEL = 7  # of CBAM's spatial attention


@keras.saving.register_keras_serializable("bearcat")
class ChannelStatistics(layers.Layer):
    """Gives the mean and the maximum over the channels: (N, H, W, C) → (N, H, W, 2)."""

    def call(self, inputs):
        """Return the two maps."""
        statistics = [ops.mean(inputs, axis=-1, keepdims=True), ops.max(inputs, axis=-1, keepdims=True)]
        return ops.concatenate(statistics, axis=-1)


def unchanged(inputs):
    """Return the inputs: no attention."""
    return inputs


def recalibrate(inputs):
    """Return each channel times a weight that it gets from the means of all (Hu et al. 2018, arXiv 1709.01507)."""
    return squeeze_and_excite(inputs, inputs.shape[-1] // REDUCTION)


def attend_twice(inputs):
    """Return the inputs after CBAM's channel attention and its spatial one (Woo et al. 2018, arXiv 1807.06521)."""
    filters = inputs.shape[-1]
    squeeze = layers.Conv2D(filters // REDUCTION, 1, activation="relu")
    excite = layers.Conv2D(filters, 1)
    poolings = [layers.GlobalAveragePooling2D(keepdims=True), layers.GlobalMaxPooling2D(keepdims=True)]
    weights = layers.Add()([excite(squeeze(pooling(inputs))) for pooling in poolings])  # one perceptron for both
    outputs = layers.Multiply()([inputs, layers.Activation("sigmoid")(weights)])
    weights = layers.Conv2D(1, SPATIAL_KERNEL, padding="same", activation="sigmoid")(ChannelStatistics()(outputs))
    return layers.Multiply()([outputs, weights])


@dataclass(frozen=True)
class Variant:
    """What makes a network: blocks of each stage, kind of block, groups of the 3×3 and their width at first."""

    depths: tuple[int, int, int, int]
    is_bottleneck: bool = True
    groups: int = 1
    group_width: int = STEM_FILTERS
    attend: Callable = unchanged

    def block(self, inputs, width: int, strides: int):
        """Return a residual block of a stage's width."""
        if not self.is_bottleneck:
            outputs = convolution_norm_relu(inputs, width, 3, strides)
            return add_shortcut(self.attend(convolution_norm(outputs, width, 3)), inputs, strides)
        middle = width * self.groups * self.group_width // STEM_FILTERS
        outputs = convolution_norm_relu(inputs, middle, 1)
        outputs = convolution_norm_relu(outputs, middle, 3, strides, self.groups)
        outputs = convolution_norm(outputs, EXPANSION * width, 1)
        return add_shortcut(self.attend(outputs), inputs, strides)


DEPTHS_50 = (3, 4, 6, 3)
DEPTHS_101 = (3, 4, 23, 3)
DEPTHS_152 = (3, 8, 36, 3)
# name → network: He et al. 2015, table 1; Xie et al. 2017 (arXiv 1611.05431), table 1; attention at each block's end
VARIANTS: dict[str, Variant] = {
    "ResNet_18": Variant((2, 2, 2, 2), is_bottleneck=False),
    "ResNet_34": Variant((3, 4, 6, 3), is_bottleneck=False),
    "ResNeXt_50": Variant(DEPTHS_50, groups=32, group_width=4),
    "ResNeXt_101": Variant(DEPTHS_101, groups=32, group_width=8),
    "SEResNet_50": Variant(DEPTHS_50, attend=recalibrate),
    "SEResNet_152": Variant(DEPTHS_152, attend=recalibrate),
    "SEResNeXt_50": Variant(DEPTHS_50, groups=32, group_width=4, attend=recalibrate),
    "CBAM_ResNet_50": Variant(DEPTHS_50, attend=attend_twice),
}


def project(inputs, filters: int, strides: int):
    """Return a shortcut that fits: the inputs, or a 1×1 convolution of them (option B of He et al. 2015)."""
    fits = strides == 1 and inputs.shape[-1] == filters
    return inputs if fits else convolution_norm(inputs, filters, 1, strides)


def add_shortcut(outputs, inputs, strides: int, shortcut: Callable = project):
    """Return ReLU(outputs + shortcut of the inputs)."""
    return layers.Activation("relu")(layers.Add()([outputs, shortcut(inputs, outputs.shape[-1], strides)]))


def stem(inputs):
    """Return the map (N, H/4, W/4, 64) that the first stage sees."""
    outputs = convolution_norm_relu(inputs, STEM_FILTERS, 7, strides=2)
    return layers.MaxPooling2D(3, strides=2, padding="same")(outputs)


def stack_stages(inputs, depths: tuple[int, ...], block: Callable):
    """Return a map (N, H/8, W/8, C) after stages of `block(inputs, width, strides)`; all but the first halve it."""
    for stage, depth in enumerate(depths):
        for index in range(depth):
            strides = 2 if stage > 0 and index == 0 else 1
            inputs = block(inputs, STEM_FILTERS * 2**stage, strides)
    return inputs


def build(name: str, inputs):
    """Return features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    variant = VARIANTS[name]
    return stack_stages(stem(inputs), variant.depths, variant.block)
