"""The backbones of keras.applications, and their ImageNet weights, which Keras downloads into its cache folder."""

from typing import NamedTuple

import keras
from keras import layers

RGB = 3  # channels
PUBLISHED_SHAPE = (224, 224, RGB)  # of the images that the ImageNet weights were trained on, or close to it

# name → class in keras.applications, and arguments of its constructor
VARIANTS: dict[str, tuple[str, dict]] = {
    "Densenet_121": ("DenseNet121", {}),
    "Densenet_169": ("DenseNet169", {}),
    "Densenet_201": ("DenseNet201", {}),
    **{f"EfficientNet_b{number}": (f"EfficientNetB{number}", {}) for number in range(8)},
    "InceptionResNetV2": ("InceptionResNetV2", {}),
    "InceptionV3": ("InceptionV3", {}),
    "ResNet_50": ("ResNet50", {}),
    "ResNet_101": ("ResNet101", {}),
    "ResNet_152": ("ResNet152", {}),
    "MobileNetV1": ("MobileNet", {}),
    "MobileNetV2": ("MobileNetV2", {}),
    "MobileNetV3Small": ("MobileNetV3Small", {"include_preprocessing": False}),
    "MobileNetV3Large": ("MobileNetV3Large", {"include_preprocessing": False}),
}


class Scaling(NamedTuple):
    """What weights expect of pixels in 0 … 255: each channel of RGB times a factor, plus an offset.

    Args:
        factors: The factors of red, green and blue.
        offsets: The offsets of red, green and blue.
        takes_bgr: Whether the weights expect blue as the first channel.
    """

    factors: tuple[float, ...]
    offsets: tuple[float, ...]
    takes_bgr: bool = False


MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in 0 … 1, per channel of RGB
STANDARDIZED = Scaling(
    tuple(1 / (255 * deviation) for deviation in DEVIATIONS),
    tuple(-mean / deviation for mean, deviation in zip(MEANS, DEVIATIONS, strict=True)),
)
CENTRED = Scaling((1.0,) * RGB, (-123.68, -116.779, -103.939), takes_bgr=True)
SYMMETRIC = Scaling((1 / 127.5,) * RGB, (-1.0,) * RGB)
# beginning of a class name in keras.applications → what its ImageNet weights expect, as its preprocess_input says
SCALINGS: dict[str, Scaling] = {
    "DenseNet": STANDARDIZED,
    "EfficientNet": STANDARDIZED,
    "Inception": SYMMETRIC,
    "MobileNet": SYMMETRIC,
    "ResNet": CENTRED,
}


def build(name: str, inputs):
    """Features of the published network, without pooling and classifier, of pixels (N, H, W, C)."""
    class_name, arguments = VARIANTS[name]
    constructor = getattr(keras.applications, class_name)
    return constructor(include_top=False, weights=None, input_tensor=inputs, **arguments).output


def download_imagenet(name: str) -> keras.Model:
    """Builds the published network with ImageNet weights, which Keras downloads unless they are in its cache folder."""
    class_name, arguments = VARIANTS[name]
    constructor = getattr(keras.applications, class_name)
    return constructor(include_top=False, weights="imagenet", input_shape=PUBLISHED_SHAPE, **arguments)


def scaling_of(name: str) -> Scaling:
    """What the ImageNet weights of a backbone expect of pixels."""
    class_name, _ = VARIANTS[name]
    return next(scaling for start, scaling in SCALINGS.items() if class_name.startswith(start))


def scale_for_imagenet(name: str, pixels):
    """Scales pixels (N, H, W, C) in 0 … 255 for the ImageNet weights of a backbone; grey ones become RGB.

    The order of the channels stays RGB: weights that expect BGR are reordered when they are loaded.
    """
    scaling = scaling_of(name)
    if pixels.shape[-1] != RGB:
        pixels = layers.Concatenate(name="grey_to_rgb")([pixels] * RGB)
    return layers.Rescaling(list(scaling.factors), list(scaling.offsets))(pixels)
