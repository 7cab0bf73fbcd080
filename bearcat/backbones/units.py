"""What several families are built of: convolution, BatchNorm and ReLU, and squeeze-and-excitation."""

from keras import layers

from bearcat.backbones.grouped import grouped_convolution


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
