"""MnasNet-B1: inverted residuals as a search for a phone's fastest found them (Tan et al. 2019, arXiv 1807.11626)."""

from dataclasses import dataclass

from keras import layers

from bearcat.networks.backbones.blocks import convolution_norm_relu, norm_relu


@dataclass(frozen=True)
class Stage:
    """Some inverted residuals in a row, of which the first one has the strides."""

    expansion: int
    kernel: int
    filters: int
    units: int
    strides: int


# name → its stages; B1 is the one without squeeze-and-excitation, which torchvision calls mnasnet1_0
VARIANTS: dict[str, tuple[Stage, ...]] = {
    "MnasNet": (
        Stage(expansion=3, kernel=3, filters=24, units=3, strides=2),
        Stage(expansion=3, kernel=5, filters=40, units=3, strides=2),
        Stage(expansion=6, kernel=5, filters=80, units=3, strides=2),
        Stage(expansion=6, kernel=3, filters=96, units=2, strides=1),
        Stage(expansion=6, kernel=5, filters=192, units=4, strides=2),
        Stage(expansion=6, kernel=3, filters=320, units=1, strides=1),
    ),
}
STEM_FILTERS = 32
FIRST_FILTERS = 16
LAST_FILTERS = 1280


def separable_unit(inputs, filters: int, kernel: int, strides: int = 1):
    """Return a depthwise convolution with BatchNorm and ReLU, then a 1×1 one with BatchNorm alone."""
    outputs = layers.DepthwiseConv2D(kernel, strides=strides, padding="same", use_bias=False)(inputs)
    outputs = layers.Conv2D(filters, 1, padding="same", use_bias=False)(norm_relu(outputs))
    return layers.BatchNormalization()(outputs)


def inverted_residual(inputs, stage: Stage, strides: int):
    """Return a separable unit on expanded channels, and the inputs added to it where the shapes agree."""
    channels = inputs.shape[-1]
    outputs = convolution_norm_relu(inputs, channels * stage.expansion)
    outputs = separable_unit(outputs, stage.filters, stage.kernel, strides)
    if strides > 1 or channels != stage.filters:
        return outputs
    return layers.Add()([inputs, outputs])


def build(name: str, inputs):
    """Return features (N, H/32, W/32, 1280) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    outputs = convolution_norm_relu(inputs, STEM_FILTERS, kernel=3, strides=2)
    outputs = separable_unit(outputs, FIRST_FILTERS, kernel=3)
    for stage in VARIANTS[name]:
        outputs = inverted_residual(outputs, stage, stage.strides)
        for _ in range(stage.units - 1):
            outputs = inverted_residual(outputs, stage, strides=1)
    return convolution_norm_relu(outputs, LAST_FILTERS)
