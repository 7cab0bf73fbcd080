"""ShuffleNet V2, whose blocks transform only half of the channels (Ma et al. 2018, arXiv 1807.11164)."""

import keras
from keras import layers, ops

from bearcat.networks.backbones.blocks import convolution_norm_relu

# name → channels of stages 2, 3 and 4 and of the last convolution (table 5)
VARIANTS: dict[str, tuple[int, int, int, int]] = {
    "ShuffleNetV2_0_5": (48, 96, 192, 1024),
    "ShuffleNetV2_1_0": (116, 232, 464, 1024),
    "ShuffleNetV2_1_5": (176, 352, 704, 1024),
    "ShuffleNetV2_2_0": (244, 488, 976, 2048),
}
STEM_FILTERS = 24
DEPTHS = (4, 8, 4)  # blocks of stages 2, 3 and 4
BRANCHES = 2


@keras.saving.register_keras_serializable("bearcat")
class ChannelHalf(layers.Layer):
    """Returns the first (`half` = 0) or second (1) half of the channels of a map (N, H, W, C), C even."""

    def __init__(self, half: int, **options):
        super().__init__(**options)
        self.half = half

    def call(self, inputs):
        return ops.split(inputs, BRANCHES, axis=-1)[self.half]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // BRANCHES)

    def get_config(self):
        return super().get_config() | {"half": self.half}


@keras.saving.register_keras_serializable("bearcat")
class ChannelShuffle(layers.Layer):
    """Interleaves the channels of a map (N, H, W, C): one of each of `groups` groups in turn."""

    def __init__(self, groups: int, **options):
        super().__init__(**options)
        self.groups = groups

    def call(self, inputs):
        grouped = ops.reshape(inputs, (-1, self.groups, inputs.shape[-1] // self.groups))
        return ops.reshape(ops.transpose(grouped, (0, 2, 1)), ops.shape(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"groups": self.groups}


def depthwise_norm(inputs, strides: int = 1):
    """Depthwise 3×3 convolution and batch normalization, without ReLU (figure 3)."""
    outputs = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(inputs)
    return layers.BatchNormalization()(outputs)


def main_branch(inputs, filters: int, strides: int = 1):
    """The branch of all blocks: 1×1, depthwise 3×3 and 1×1 convolutions."""
    outputs = convolution_norm_relu(inputs, filters)
    return convolution_norm_relu(depthwise_norm(outputs, strides), filters)


def concatenate_and_shuffle(left, right):
    """Concatenates two branches so that each half of the channels has channels of both."""
    return ChannelShuffle(BRANCHES)(layers.Concatenate()([left, right]))


def basic_block(inputs):
    """Block of figure 3 c: half of the channels are passed on unchanged."""
    half = inputs.shape[-1] // BRANCHES
    return concatenate_and_shuffle(ChannelHalf(0)(inputs), main_branch(ChannelHalf(1)(inputs), half))


def downsampling_block(inputs, filters: int):
    """Block of figure 3 d, which halves the map: both branches see all channels."""
    half = filters // BRANCHES
    shortcut = convolution_norm_relu(depthwise_norm(inputs, strides=2), half)
    return concatenate_and_shuffle(shortcut, main_branch(inputs, half, strides=2))


def build(name: str, inputs):
    """Features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    *stages, last = VARIANTS[name]
    outputs = convolution_norm_relu(inputs, STEM_FILTERS, kernel=3, strides=2)
    outputs = layers.MaxPooling2D(3, strides=2, padding="same")(outputs)
    for filters, depth in zip(stages, DEPTHS, strict=True):
        outputs = downsampling_block(outputs, filters)
        for _ in range(depth - 1):
            outputs = basic_block(outputs)
    return convolution_norm_relu(outputs, last)
