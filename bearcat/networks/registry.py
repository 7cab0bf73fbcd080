"""The table of backbones: name → the module that builds it. Free of TensorFlow, so that any script can check a name."""

import importlib
import math

# name → module; modules after the first two hold what keras.applications lacks
BACKBONES: dict[str, str] = {
    **dict.fromkeys(["light", "tiny", "wide"], "light"),
    **dict.fromkeys(["Densenet_121", "Densenet_169", "Densenet_201"], "applications"),
    **dict.fromkeys([f"EfficientNet_b{number}" for number in range(8)], "applications"),
    **dict.fromkeys(["InceptionResNetV2", "InceptionV3", "ResNet_50", "ResNet_101", "ResNet_152"], "applications"),
    **dict.fromkeys(["MobileNetV1", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"], "applications"),
    "Densenet_264": "densenet",
    **dict.fromkeys(["ResNet_18", "ResNet_34", "ResNeXt_50", "ResNeXt_101", "CBAM_ResNet_50"], "resnet"),
    **dict.fromkeys(["SEResNet_50", "SEResNet_152", "SEResNeXt_50"], "resnet"),
    "ResNeSt_50": "resnest",
    **dict.fromkeys([f"RegNet{kind}_{size}" for kind in "XY" for size in ("400MF", "800MF", "4GF")], "regnet"),
    **dict.fromkeys([f"ShuffleNetV2_{width}" for width in ("0_5", "1_0", "1_5", "2_0")], "shufflenet"),
    "SqueezeNet": "squeezenet",
    "MnasNet": "mnasnet",
    **dict.fromkeys(["Lambda_ResNet_50", "Lambda_Densenet_121"], "lambda_networks"),
}
# their depthwise convolutions gain nothing from bfloat16 on a CPU
DEPTHWISE = ("EfficientDet_D", "EfficientNet", "MobileNet", "ShuffleNet", "MnasNet")


def is_depthwise(name: str) -> bool:
    """Tell whether a backbone's convolutions are mostly depthwise."""
    return name.startswith(DEPTHWISE)


def is_own(name: str) -> bool:
    """Tell whether a backbone is one of our own light networks, which base weights exist for."""
    return BACKBONES[name] == "light"


def load_family(name: str):
    """Return the module of a backbone, with its layers registered; it imports Keras."""
    return importlib.import_module(f"bearcat.networks.backbones.{BACKBONES[name]}")


# ---- merged from names: The table of optimizers: name → where its class is. Free of Keras, so that any script can check a name.
#
# Not in it: Ftrl, whose weights in Keras are a sum times the learning rate and shrink whenever t

# name → module and class
OPTIMIZER_NAMES: dict[str, tuple[str, str]] = {
    "AdamW": ("keras.optimizers", "AdamW"),
    "AdaBelief": ("bearcat.networks.optimizers", "AdaBelief"),
    "Adam": ("keras.optimizers", "Adam"),
    "SGD": ("keras.optimizers", "SGD"),
    "RMSprop": ("keras.optimizers", "RMSprop"),
    "Nadam": ("keras.optimizers", "Nadam"),
    "Lion": ("keras.optimizers", "Lion"),
    "Adamax": ("keras.optimizers", "Adamax"),
    "Adagrad": ("keras.optimizers", "Adagrad"),
    "Adafactor": ("keras.optimizers", "Adafactor"),
    "Lamb": ("keras.optimizers", "Lamb"),
    "Muon": ("keras.optimizers", "Muon"),
}


# ---- merged from sight: At what size our own networks see text: at one height, whatever the images' is, so that they can share a base.


HEIGHT = 48  # pixels
LEAST_WIDTH = 160  # pixels
WIDTH_OF_SHAPE = 32  # pixels of width for each time that an image is as wide as high
STEP = 8  # widths are multiples of it
PIXELS_A_STEP = 4  # along the width


def sight_of(height: int, width: int) -> tuple[int, int]:
    """Return the height and width in pixels at which a network sees text on images of a size.

    Most captchas, 1.5 to 5 times as wide as high, are stretched or squeezed to the same 48×160; longer ones are wider.
    """
    return HEIGHT, max(LEAST_WIDTH, round(WIDTH_OF_SHAPE * width / height / STEP) * STEP)


def width_with(steps: int, height: int) -> int:
    """Return how wide images of a height must be for a network of ours to have so many time steps."""
    return math.ceil(steps * PIXELS_A_STEP * height / WIDTH_OF_SHAPE)
