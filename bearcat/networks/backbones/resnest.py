"""ResNeSt: ResNet with split attention in place of the 3×3 convolutions (Zhang et al. 2020, arXiv 2004.08955).

With one cardinal group, and the average pooling of a strided block after its split attention.
"""

from dataclasses import dataclass

import keras
from keras import layers, ops

from bearcat.networks.backbones.blocks import convolution_norm, convolution_norm_relu
from bearcat.networks.backbones.resnet import DEPTHS_50, EXPANSION, add_shortcut, stack_stages

DEEP_STEM_FILTERS = (32, 32, 64)
ATTENTION_REDUCTION = 4  # of the channels of all branches, in the middle of the attention
MIN_ATTENTION = 32  # channels in the middle of the attention


@keras.saving.register_keras_serializable("bearcat")
class Split(layers.Layer):
    """Splits an axis into `sections` equal tensors, which it returns as a list."""

    def __init__(self, sections: int, axis: int = -1, **options):
        super().__init__(**options)
        self.sections = sections
        self.axis = axis

    def call(self, inputs):
        return ops.split(inputs, self.sections, axis=self.axis)

    def get_config(self):
        return {**super().get_config(), "sections": self.sections, "axis": self.axis}


@dataclass(frozen=True)
class Variant:
    """The parameters of a network: blocks per stage, and branches per split attention."""

    depths: tuple[int, int, int, int]
    radix: int

    def block(self, inputs, width: int, strides: int):
        """Residual block of a stage with a width."""
        outputs = convolution_norm_relu(inputs, width, 1)
        outputs = split_attention(outputs, width, self.radix)
        if strides > 1:
            outputs = layers.AveragePooling2D(3, strides=strides, padding="same")(outputs)
        outputs = convolution_norm(outputs, EXPANSION * width, 1)
        return add_shortcut(outputs, inputs, strides, pool_and_project)


VARIANTS: dict[str, Variant] = {"ResNeSt_50": Variant(DEPTHS_50, radix=2)}


def pool_and_project(inputs, filters: int, strides: int):
    """Shortcut of ResNet-D: average pooling and a 1×1 convolution, each only if the shape changes."""
    if strides > 1:
        inputs = layers.AveragePooling2D(strides, strides=strides, padding="same")(inputs)
    return inputs if inputs.shape[-1] == filters else convolution_norm(inputs, filters, 1)


def split_attention(inputs, filters: int, radix: int):
    """Sum of `radix` 3×3 convolutions, weighted per channel by a softmax over these branches (section 3.1)."""
    branches = Split(radix)(convolution_norm_relu(inputs, radix * filters, 3, groups=radix))
    gap = layers.GlobalAveragePooling2D(keepdims=True)(layers.Add()(branches))
    middle = max(radix * filters // ATTENTION_REDUCTION, MIN_ATTENTION)
    gap = convolution_norm_relu(gap, middle, 1)
    logits = layers.Concatenate(axis=1)([layers.Conv2D(filters, 1)(gap) for _ in range(radix)])
    weights = Split(radix, axis=1)(layers.Softmax(axis=1)(logits))
    weighted = [layers.Multiply()([branch, weight]) for branch, weight in zip(branches, weights, strict=True)]
    return layers.Add()(weighted)


def build(name: str, inputs):
    """Features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    variant = VARIANTS[name]
    outputs = inputs
    for index, filters in enumerate(DEEP_STEM_FILTERS):
        outputs = convolution_norm_relu(outputs, filters, 3, strides=2 if index == 0 else 1)
    outputs = layers.MaxPooling2D(3, strides=2, padding="same")(outputs)
    return stack_stages(outputs, variant.depths, variant.block)
