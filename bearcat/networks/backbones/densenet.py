"""DenseNet-264, whose layers see the outputs of all earlier ones of their block (Huang et al. 2017, arXiv 1608.06993).

The smaller DenseNets are in keras.applications.
"""

from keras import layers

from bearcat.networks.backbones.blocks import norm_relu

# name → number of layers of each dense block (table 1)
VARIANTS: dict[str, tuple[int, ...]] = {
    "Densenet_264": (6, 12, 64, 48),
}
GROWTH = 32  # channels added by a layer
BOTTLENECK = 4  # × GROWTH channels between a layer's two convolutions
COMPRESSION = 2  # factor by which a transition reduces the channels
STEM_FILTERS = 64


def norm_relu_convolution(inputs, filters: int, kernel: int):
    """Batch normalization, ReLU and convolution, in this order everywhere but in the stem."""
    return layers.Conv2D(filters, kernel, padding="same", use_bias=False)(norm_relu(inputs))


def dense_layer(inputs):
    """Appends GROWTH channels to the inputs."""
    outputs = norm_relu_convolution(inputs, BOTTLENECK * GROWTH, kernel=1)
    outputs = norm_relu_convolution(outputs, GROWTH, kernel=3)
    return layers.Concatenate()([inputs, outputs])


def transition(inputs):
    """Halves channels, height and width."""
    outputs = norm_relu_convolution(inputs, inputs.shape[-1] // COMPRESSION, kernel=1)
    return layers.AveragePooling2D(2, strides=2, padding="same")(outputs)


def build(name: str, inputs):
    """Features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    outputs = layers.Conv2D(STEM_FILTERS, 7, strides=2, padding="same", use_bias=False)(inputs)
    outputs = layers.MaxPooling2D(3, strides=2, padding="same")(norm_relu(outputs))
    for block, depth in enumerate(VARIANTS[name]):
        if block > 0:
            outputs = transition(outputs)
        for _ in range(depth):
            outputs = dense_layer(outputs)
    return norm_relu(outputs)
