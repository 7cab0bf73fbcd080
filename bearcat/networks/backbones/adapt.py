"""Fit a published network, made for images of 224², to small ones: fewer strides, borders kept, quick averages."""

import math

import keras
from keras import layers

from bearcat.networks.layers import fused
from bearcat.networks.registry import load_family

PUBLISHED_SIDE = 224
# BatchNorm's moving averages must keep up with the few steps that a small data set gives
MOMENTUM = 0.9
# how each level of maps is shrunk (height, width) on its way to the next, the image's own level first
TEXT_STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (1, 1))  # text runs along the width, which must keep its columns
IMAGE_STRIDES = ((2, 2), (2, 2), (2, 2), (2, 2), (1, 1))


@keras.saving.register_keras_serializable("bearcat")
class ThinnedDepthwiseConv2D(layers.DepthwiseConv2D):
    """A depthwise convolution of which only every `keep`th row and column is kept: unequal strides, for TensorFlow."""

    def __init__(self, *args, keep: tuple[int, int], **kwargs):
        super().__init__(*args, **kwargs)
        self.keep = tuple(keep)

    def call(self, inputs):
        """Return the maps (N, H / keep, W / keep, C)."""
        rows, columns = self.keep
        return super().call(inputs)[:, ::rows, ::columns]

    def compute_output_shape(self, input_shape):
        """Return the shape of what `call` returns."""
        count, height, width, channels = super().compute_output_shape(input_shape)
        rows, columns = self.keep
        return count, height and -(-height // rows), width and -(-width // columns), channels

    def get_config(self):
        """Return what builds this layer again."""
        return super().get_config() | {"keep": self.keep}


def published_network(name: str, channels: int) -> keras.Model:
    """Return a backbone as its paper has it, for images of 224², without pooling and classifier."""
    pixels = keras.Input((PUBLISHED_SIDE, PUBLISHED_SIDE, channels))
    return keras.Model(pixels, load_family(name).build(name, pixels), name=name)


def fitted_network(name: str, shape: tuple[int, int, int], strides=TEXT_STRIDES) -> keras.Model:
    """Return a backbone for pixels of a shape (H, W, C) in −1 … 1, its maps shrunk as `strides` say.

    Weights and layer names are those of the published network.
    """
    published = published_network(name, shape[-1])

    def fit_layer(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if isinstance(layer, layers.ZeroPadding2D | layers.Rescaling | layers.Normalization):
            return layers.Identity(name=layer.name)  # borders come from "same", pixels are scaled already
        if isinstance(layer, layers.BatchNormalization):
            config["momentum"] = MOMENTUM
        if "strides" not in config:
            return fused(layer).from_config(config)
        config["padding"] = "same"
        if max(config["strides"]) > 1:
            level = round(math.log2(PUBLISHED_SIDE / layer.input.shape[1]))
            config["strides"] = strides[level]
        return _strided(type(layer), config)

    return keras.models.clone_model(published, input_tensors=keras.Input(shape), clone_function=fit_layer)


def _strided(kind: type, config: dict) -> layers.Layer:
    if kind is layers.DepthwiseConv2D and len(set(config["strides"])) > 1:
        return ThinnedDepthwiseConv2D.from_config(config | {"strides": 1, "keep": config["strides"]})
    return kind.from_config(config)
