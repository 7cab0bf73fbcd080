"""What several families are built of: convolution, BatchNorm and ReLU, and squeeze-and-excitation."""

import keras
from keras import layers, ops


def norm_relu(inputs):
    """Return ReLU(BatchNorm(inputs))."""
    return layers.Activation("relu")(layers.BatchNormalization()(inputs))


def convolution_norm(inputs, filters: int, kernel: int = 1, strides: int = 1, groups: int = 1):
    """Return BatchNorm(convolution) of a map (N, H, W, C)."""
    return layers.BatchNormalization()(grouped_convolution(inputs, filters, kernel, strides, groups))


def convolution_norm_relu(inputs, filters: int, kernel: int = 1, strides: int = 1, groups: int = 1):
    """Return ReLU(BatchNorm(convolution)) of a map (N, H, W, C)."""
    return norm_relu(grouped_convolution(inputs, filters, kernel, strides, groups))


def squeeze_and_excite(inputs, squeezed: int):
    """Return each channel times a weight that it gets, by way of `squeezed` numbers, from the means of all.

    Hu et al. 2018, "Squeeze-and-Excitation Networks", figure 3.
    """
    weights = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    weights = layers.Conv2D(squeezed, 1, activation="relu")(weights)
    weights = layers.Conv2D(inputs.shape[-1], 1, activation="sigmoid")(weights)
    return layers.Multiply()([inputs, weights])


# ---- merged from backbones.grouped: The grouped convolution of ResNeXt and RegNet, in a form that trains on a CPU and exports to ONNX.
#
# Keras' own Conv2D(groups=…) goes through an XLA-compiled call under TensorFlow: on a CPU a training


@keras.saving.register_keras_serializable("bearcat")
class GroupedConv2D(layers.Layer):
    """Convolves each of `groups` equal slices of the channels with filters of its own; no bias.

    The kernel has the shape (kernel, kernel, channels / groups, filters). Krizhevsky et al. 2012, section 3.5.
    """

    def __init__(self, filters: int, kernel_size: int, groups: int, strides=1, padding: str = "same", **options):
        super().__init__(**options)
        self.filters = filters
        self.kernel_size = kernel_size
        self.groups = groups
        self.strides = (strides, strides) if isinstance(strides, int) else tuple(strides)
        self.padding = padding

    def build(self, input_shape):
        """Make the kernel; raise ValueError where the groups divide the channels or the filters with a remainder."""
        channels = input_shape[-1]
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {channels} channels and {self.filters} filters")
        shape = (self.kernel_size, self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="he_normal", name="kernel")

    def call(self, inputs):
        """Return a feature map (N, H / strides, W / strides, filters)."""
        if keras.backend.backend() != "tensorflow":
            return self._convolve(inputs, self.kernel)
        slices = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(self.kernel, self.groups, axis=-1)
        return ops.concatenate([self._convolve(*pair) for pair in zip(slices, kernels, strict=True)], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return the shape of what `call` returns, without the time that tracing it would take."""
        whole = layers.Conv2D(self.filters, self.kernel_size, strides=self.strides, padding=self.padding)
        return whole.compute_output_shape(input_shape)

    def get_config(self):
        """Return the arguments."""
        names = ("filters", "kernel_size", "groups", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _convolve(self, inputs, kernel):
        return ops.conv(inputs, kernel, strides=self.strides, padding=self.padding)


def grouped_convolution(inputs, filters: int, kernel: int, strides: int | tuple[int, int], groups: int):
    """Return the convolution without bias of a feature map (N, H, W, C); a plain Conv2D where there is one group."""
    if groups == 1:
        return layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(inputs)
    return GroupedConv2D(filters, kernel, groups, strides=strides)(inputs)
