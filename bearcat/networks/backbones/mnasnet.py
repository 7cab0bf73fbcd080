"""MnasNet-B1, found by architecture search for low latency on a phone (Tan et al. 2019, arXiv 1807.11626)."""

from dataclasses import dataclass

from keras import layers

from bearcat.networks.backbones.blocks import convolution_norm_relu, norm_relu


@dataclass(frozen=True)
class Stage:
    """A stage of inverted residual blocks, the first of which has the strides."""

    expansion: int
    kernel: int
    filters: int
    blocks: int
    strides: int


# name → stages; B1, without squeeze-and-excitation, is torchvision's mnasnet1_0
VARIANTS: dict[str, tuple[Stage, ...]] = {
    "MnasNet": (
        Stage(expansion=3, kernel=3, filters=24, blocks=3, strides=2),
        Stage(expansion=3, kernel=5, filters=40, blocks=3, strides=2),
        Stage(expansion=6, kernel=5, filters=80, blocks=3, strides=2),
        Stage(expansion=6, kernel=3, filters=96, blocks=2, strides=1),
        Stage(expansion=6, kernel=5, filters=192, blocks=4, strides=2),
        Stage(expansion=6, kernel=3, filters=320, blocks=1, strides=1),
    ),
}
STEM_FILTERS = 32
FIRST_FILTERS = 16
LAST_FILTERS = 1280


def separable_convolution(inputs, filters: int, kernel: int, strides: int = 1):
    """Depthwise convolution, batch normalization and ReLU, then 1×1 convolution and batch normalization."""
    outputs = layers.DepthwiseConv2D(kernel, strides=strides, padding="same", use_bias=False)(inputs)
    outputs = layers.Conv2D(filters, 1, padding="same", use_bias=False)(norm_relu(outputs))
    return layers.BatchNormalization()(outputs)


def inverted_residual(inputs, stage: Stage, strides: int):
    """Separable convolution of expanded channels, with a shortcut if the shapes agree."""
    channels = inputs.shape[-1]
    outputs = convolution_norm_relu(inputs, channels * stage.expansion)
    outputs = separable_convolution(outputs, stage.filters, stage.kernel, strides)
    if strides > 1 or channels != stage.filters:
        return outputs
    return layers.Add()([inputs, outputs])


def build(name: str, inputs):
    """Features (N, H/32, W/32, 1280) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    outputs = convolution_norm_relu(inputs, STEM_FILTERS, kernel=3, strides=2)
    outputs = separable_convolution(outputs, FIRST_FILTERS, kernel=3)
    for stage in VARIANTS[name]:
        outputs = inverted_residual(outputs, stage, stage.strides)
        for _ in range(stage.blocks - 1):
            outputs = inverted_residual(outputs, stage, strides=1)
    return convolution_norm_relu(outputs, LAST_FILTERS)
