"""ResNet (He et al. 2015, arXiv 1512.03385), ResNeXt, and both with attention (SE, CBAM).

The strides of a bottleneck are those of its 3×3 convolution, as in ResNet v1.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers, ops

from bearcat.networks.backbones.blocks import convolution_norm, convolution_norm_relu, squeeze_and_excite

STEM_FILTERS = 64  # also the width of the first stage; the width doubles with each stage
EXPANSION = 4  # ratio of a bottleneck's output channels to its width
REDUCTION = 16  # of the channels in the middle of channel attention
SPATIAL_KERNEL = 7  # of CBAM's spatial attention


@keras.saving.register_keras_serializable("bearcat")
class ChannelStatistics(layers.Layer):
    """Computes mean and maximum over the channels: (N, H, W, C) → (N, H, W, 2)."""

    def call(self, inputs):
        statistics = [ops.mean(inputs, axis=-1, keepdims=True), ops.max(inputs, axis=-1, keepdims=True)]
        return ops.concatenate(statistics, axis=-1)


def no_attention(inputs):
    """Returns the inputs."""
    return inputs


def se_attention(inputs):
    """Squeeze-and-excitation (Hu et al. 2018, arXiv 1709.01507)."""
    return squeeze_and_excite(inputs, inputs.shape[-1] // REDUCTION)


def cbam_attention(inputs):
    """CBAM: channel attention, then spatial attention (Woo et al. 2018, arXiv 1807.06521)."""
    filters = inputs.shape[-1]
    squeeze = layers.Conv2D(filters // REDUCTION, 1, activation="relu")
    excite = layers.Conv2D(filters, 1)
    poolings = [layers.GlobalAveragePooling2D(keepdims=True), layers.GlobalMaxPooling2D(keepdims=True)]
    weights = layers.Add()([excite(squeeze(pooling(inputs))) for pooling in poolings])  # one shared perceptron
    outputs = layers.Multiply()([inputs, layers.Activation("sigmoid")(weights)])
    weights = layers.Conv2D(1, SPATIAL_KERNEL, padding="same", activation="sigmoid")(ChannelStatistics()(outputs))
    return layers.Multiply()([outputs, weights])


@dataclass(frozen=True)
class Variant:
    """The parameters of a network.

    Args:
        depths: Number of blocks of each stage.
        is_bottleneck: Whether blocks are bottlenecks or two 3×3 convolutions.
        groups: Number of groups of the 3×3 convolutions.
        group_width: Width of a group in the first stage.
        attend: Attention at the end of each block.
    """

    depths: tuple[int, int, int, int]
    is_bottleneck: bool = True
    groups: int = 1
    group_width: int = STEM_FILTERS
    attend: Callable = no_attention

    def block(self, inputs, width: int, strides: int):
        """Residual block of a stage with a width."""
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
# He et al. 2015, table 1; Xie et al. 2017 (arXiv 1611.05431), table 1
VARIANTS: dict[str, Variant] = {
    "ResNet_18": Variant((2, 2, 2, 2), is_bottleneck=False),
    "ResNet_34": Variant((3, 4, 6, 3), is_bottleneck=False),
    "ResNeXt_50": Variant(DEPTHS_50, groups=32, group_width=4),
    "ResNeXt_101": Variant(DEPTHS_101, groups=32, group_width=8),
    "SEResNet_50": Variant(DEPTHS_50, attend=se_attention),
    "SEResNet_152": Variant(DEPTHS_152, attend=se_attention),
    "SEResNeXt_50": Variant(DEPTHS_50, groups=32, group_width=4, attend=se_attention),
    "CBAM_ResNet_50": Variant(DEPTHS_50, attend=cbam_attention),
}


def project(inputs, filters: int, strides: int):
    """Shortcut: the inputs, or a 1×1 convolution of them if the shape changes (option B of He et al. 2015)."""
    fits = strides == 1 and inputs.shape[-1] == filters
    return inputs if fits else convolution_norm(inputs, filters, 1, strides)


def add_shortcut(outputs, inputs, strides: int, shortcut: Callable = project):
    """Adds the shortcut of a block's inputs to its outputs, and applies ReLU."""
    return layers.Activation("relu")(layers.Add()([outputs, shortcut(inputs, outputs.shape[-1], strides)]))


def stem(inputs):
    """7×7 convolution and max pooling: (N, H, W, C) → (N, H/4, W/4, 64)."""
    outputs = convolution_norm_relu(inputs, STEM_FILTERS, 7, strides=2)
    return layers.MaxPooling2D(3, strides=2, padding="same")(outputs)


def stack_stages(inputs, depths: tuple[int, ...], block: Callable):
    """Stacks stages of `block(inputs, width, strides)`; each stage but the first halves the maps."""
    for stage, depth in enumerate(depths):
        for index in range(depth):
            strides = 2 if stage > 0 and index == 0 else 1
            inputs = block(inputs, STEM_FILTERS * 2**stage, strides)
    return inputs


def build(name: str, inputs):
    """Features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    variant = VARIANTS[name]
    return stack_stages(stem(inputs), variant.depths, variant.block)
