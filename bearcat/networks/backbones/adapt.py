"""Adapts published backbones, made for images of 224×224, to small images: fewer strides and padded borders."""

import math

import keras
from keras import layers

from bearcat.networks.layers import fused_class
from bearcat.networks.registry import load_backbone_module

PUBLISHED_SIDE = 224
MOMENTUM = 0.9  # of batch normalization: its averages must keep up with the few steps that a small data set gives
# (vertical, horizontal) strides of the layers that halve the maps, from the image's own resolution downwards
TEXT_STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (1, 1))  # text runs along the width, which keeps its columns
IMAGE_STRIDES = ((2, 2), (2, 2), (2, 2), (2, 2), (1, 1))


@keras.saving.register_keras_serializable("bearcat")
class ThinnedDepthwiseConv2D(layers.DepthwiseConv2D):
    """Depthwise convolution with unequal strides, which TensorFlow lacks: computes all outputs and drops some.

    Args:
        *args: As in keras.layers.DepthwiseConv2D.
        keep: Vertical and horizontal stride.
        **kwargs: As in keras.layers.DepthwiseConv2D.
    """

    def __init__(self, *args, keep: tuple[int, int], **kwargs):
        super().__init__(*args, **kwargs)
        self.keep = tuple(keep)

    def call(self, inputs):
        rows, columns = self.keep
        return super().call(inputs)[:, ::rows, ::columns]

    def compute_output_shape(self, input_shape):
        count, height, width, channels = super().compute_output_shape(input_shape)
        rows, columns = self.keep
        return count, height and -(-height // rows), width and -(-width // columns), channels

    def get_config(self):
        return super().get_config() | {"keep": self.keep}


def published_backbone(name: str, channels: int) -> keras.Model:
    """Builds a backbone as published, for images of 224×224, without pooling and classifier."""
    pixels = keras.Input((PUBLISHED_SIDE, PUBLISHED_SIDE, channels))
    return keras.Model(pixels, load_backbone_module(name).build(name, pixels), name=name)


def adapt_backbone(name: str, shape: tuple[int, int, int], strides=TEXT_STRIDES) -> keras.Model:
    """Builds a backbone for images of another size, with the weights and layer names of the published one.

    Args:
        name: A name in BACKBONES.
        shape: Height, width and channels of the images, whose pixels are in −1 … 1.
        strides: The strides to use at each resolution, like TEXT_STRIDES.
    """
    published = published_backbone(name, shape[-1])

    def adapt_layer(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if isinstance(layer, layers.ZeroPadding2D | layers.Rescaling | layers.Normalization):
            return layers.Identity(name=layer.name)  # "same" pads the borders, the pixels are scaled already
        if isinstance(layer, layers.BatchNormalization):
            config["momentum"] = MOMENTUM
        if "strides" not in config:
            return fused_class(layer).from_config(config)
        config["padding"] = "same"
        if max(config["strides"]) > 1:
            level = round(math.log2(PUBLISHED_SIDE / layer.input.shape[1]))
            config["strides"] = strides[level]
        return _strided_layer(type(layer), config)

    return keras.models.clone_model(published, input_tensors=keras.Input(shape), clone_function=adapt_layer)


def _strided_layer(layer_class: type[layers.Layer], config: dict) -> layers.Layer:
    if layer_class is layers.DepthwiseConv2D and len(set(config["strides"])) > 1:
        return ThinnedDepthwiseConv2D.from_config(config | {"strides": 1, "keep": config["strides"]})
    return layer_class.from_config(config)
