"""Blocks that several backbones share: convolution, batch normalization and ReLU; grouped convolution; SE.

Feature maps are (N, H, W, C).
"""

import keras
from keras import layers, ops


def norm_relu(inputs):
    """Batch normalization and ReLU."""
    return layers.Activation("relu")(layers.BatchNormalization()(inputs))


def convolution_norm(inputs, filters: int, kernel: int = 1, strides: int = 1, groups: int = 1):
    """Convolution and batch normalization."""
    return layers.BatchNormalization()(grouped_convolution(inputs, filters, kernel, strides, groups))


def convolution_norm_relu(inputs, filters: int, kernel: int = 1, strides: int = 1, groups: int = 1):
    """Convolution, batch normalization and ReLU."""
    return norm_relu(grouped_convolution(inputs, filters, kernel, strides, groups))


def squeeze_and_excite(inputs, squeezed: int):
    """Squeeze-and-excitation (Hu et al. 2018, figure 3) with `squeezed` channels in the middle."""
    weights = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    weights = layers.Conv2D(squeezed, 1, activation="relu")(weights)
    weights = layers.Conv2D(inputs.shape[-1], 1, activation="sigmoid")(weights)
    return layers.Multiply()([inputs, weights])


def grouped_convolution(inputs, filters: int, kernel: int, strides: int | tuple[int, int], groups: int):
    """Convolution without bias; a plain Conv2D if there is one group."""
    if groups == 1:
        return layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(inputs)
    return GroupedConv2D(filters, kernel, groups, strides=strides)(inputs)


@keras.saving.register_keras_serializable("bearcat")
class GroupedConv2D(layers.Layer):
    """Grouped convolution without bias (Krizhevsky et al. 2012, section 3.5) that trains on a CPU and exports to ONNX.

    Keras' own Conv2D(groups=…) goes through an XLA-compiled call under TensorFlow: on a CPU a training step takes a
    hundred times as long as with the split below, and tf2onnx refuses the call.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernel, which has the shape
            (kernel_size, kernel_size, channels / groups, filters).
        groups: Number of groups, which must divide the channels and the filters.
        strides: One stride, or a vertical and a horizontal one.
        padding: "same" or "valid".
    """

    def __init__(self, filters: int, kernel_size: int, groups: int, strides=1, padding: str = "same", **options):
        super().__init__(**options)
        self.filters = filters
        self.kernel_size = kernel_size
        self.groups = groups
        self.strides = (strides, strides) if isinstance(strides, int) else tuple(strides)
        self.padding = padding

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {channels} channels and {self.filters} filters")
        shape = (self.kernel_size, self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="he_normal", name="kernel")

    def call(self, inputs):
        if keras.backend.backend() != "tensorflow":
            return self._convolve(inputs, self.kernel)
        slices = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(self.kernel, self.groups, axis=-1)
        return ops.concatenate([self._convolve(*pair) for pair in zip(slices, kernels, strict=True)], axis=-1)

    def compute_output_shape(self, input_shape):
        # without it Keras traces `call`, which takes long for many groups
        ungrouped = layers.Conv2D(self.filters, self.kernel_size, strides=self.strides, padding=self.padding)
        return ungrouped.compute_output_shape(input_shape)

    def get_config(self):
        names = ("filters", "kernel_size", "groups", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _convolve(self, inputs, kernel):
        return ops.conv(inputs, kernel, strides=self.strides, padding=self.padding)
