"""SqueezeNet 1.0, with few channels before each 3×3 convolution (Iandola et al. 2016, arXiv 1602.07360)."""

from dataclasses import dataclass

from keras import layers


@dataclass(frozen=True)
class Fire:
    """A fire module: `squeeze` 1×1 filters, then `expand` 1×1 and `expand` 3×3 filters in parallel."""

    squeeze: int
    expand: int


POOLING = "max pooling"
# name → the layers after the stem (table 1)
VARIANTS: dict[str, tuple[Fire | str, ...]] = {
    "SqueezeNet": (
        POOLING,
        Fire(16, 64),
        Fire(16, 64),
        Fire(32, 128),
        POOLING,
        Fire(32, 128),
        Fire(48, 192),
        Fire(48, 192),
        Fire(64, 256),
        POOLING,
        Fire(64, 256),
    ),
}
STEM_FILTERS = 96


def convolution(inputs, filters: int, kernel: int, strides: int = 1):
    """Convolution with bias and ReLU; the network has no batch normalization.

    The initialization of He et al. (2015) keeps the size of the signal over 18 ReLUs; Keras' default, Glorot's, made
    it ten thousand times smaller.
    """
    return layers.Conv2D(
        filters, kernel, strides=strides, padding="same", activation="relu", kernel_initializer="he_uniform"
    )(inputs)


def fire_module(inputs, fire: Fire):
    """Fire module (figure 1), with 2 × `expand` output channels."""
    squeezed = convolution(inputs, fire.squeeze, kernel=1)
    expanded = [convolution(squeezed, fire.expand, kernel) for kernel in (1, 3)]
    return layers.Concatenate()(expanded)


def build(name: str, inputs):
    """Features (N, H/16, W/16, 512) of pixels (N, H, W, 1 or 3) in −1 … 1; 16 is the published stride."""
    outputs = convolution(inputs, STEM_FILTERS, kernel=7, strides=2)
    for part in VARIANTS[name]:
        if isinstance(part, Fire):
            outputs = fire_module(outputs, part)
        else:
            outputs = layers.MaxPooling2D(3, strides=2, padding="same")(outputs)
    return outputs
