"""Light plain networks of our own, which train fast on a CPU.

Plain convolutions only: depthwise ones cost a CPU more time than the multiplications they save. The stem and the
strides shrink the picture early, since the time goes where the maps are large.
"""

from keras import layers

from bearcat.backbones import MOMENTUM


def convolution_unit(inputs, filters: int, kernel: int = 3, strides: int | tuple[int, int] = 1):
    """Return ReLU(BatchNorm(convolution)) of a feature map (N, H, W, C)."""
    outputs = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(inputs)
    outputs = layers.BatchNormalization(momentum=MOMENTUM)(outputs)
    return layers.Activation("relu")(outputs)


def light(inputs):
    """Return features (N, H/16, W/4, 96): the height shrinks more, since text runs along the width."""
    outputs = convolution_unit(inputs, 24, kernel=5, strides=2)
    outputs = convolution_unit(outputs, 48, strides=2)
    outputs = convolution_unit(outputs, 64)
    outputs = convolution_unit(outputs, 64, strides=(2, 1))
    outputs = convolution_unit(outputs, 96)
    return convolution_unit(outputs, 96, strides=(2, 1))
