"""The backbones of keras.applications."""

import keras

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


def build(name: str, inputs):
    """Features of the published network, without pooling and classifier, of pixels (N, H, W, C)."""
    class_name, arguments = VARIANTS[name]
    constructor = getattr(keras.applications, class_name)
    return constructor(include_top=False, weights=None, input_tensor=inputs, **arguments).output
