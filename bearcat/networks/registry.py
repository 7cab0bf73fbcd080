"""Names of backbones and optimizers, and input sizes of the light backbones. Does not import Keras."""

import importlib
import math

# name → module of bearcat.networks.backbones
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
IMAGENET_BACKBONE = "MobileNetV2"  # for ImageNet weights, unless another one is set
DEPTHWISE_PREFIXES = ("EfficientDet_D", "EfficientNet", "MobileNet", "ShuffleNet", "MnasNet")

# name → module and class. Left out: Ftrl, whose weights in Keras are a sum times the learning rate and so shrink
# whenever that is lowered; Adadelta, which needs a learning rate of 1 where the others need a thousandth.
OPTIMIZERS: dict[str, tuple[str, str]] = {
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

# The light backbones see text at one height, whatever the height of the images, so that one set of pretrained weights
# fits every data set. All in pixels.
TEXT_HEIGHT = 48
MIN_TEXT_WIDTH = 160
WIDTH_PER_ASPECT = 32  # of the input, for an aspect ratio (width / height) of 1
WIDTH_MULTIPLE = 8
PIXELS_PER_STEP = 4  # along the width, of every backbone


def is_depthwise(name: str) -> bool:
    """Whether most convolutions of a backbone or detector are depthwise, which gain nothing from bfloat16 on a CPU."""
    return name.startswith(DEPTHWISE_PREFIXES)


def is_light(name: str) -> bool:
    """Whether a backbone is one of the toolkit's own light networks."""
    return BACKBONES[name] == "light"


def has_imagenet_weights(name: str) -> bool:
    """Whether there are ImageNet weights of a backbone, which Keras downloads."""
    return BACKBONES.get(name) == "applications"


def load_backbone_module(name: str):
    """Imports and returns the module that builds a backbone, which registers its layers with Keras."""
    return importlib.import_module(f"bearcat.networks.backbones.{BACKBONES[name]}")


def input_size_for(height: int, width: int) -> tuple[int, int]:
    """Height and width in pixels to which text images of a size are resized for the light backbones.

    Most captchas have an aspect ratio of 1.5 to 5 and are resized to 48×160; longer ones become wider.
    """
    return TEXT_HEIGHT, max(MIN_TEXT_WIDTH, round(WIDTH_PER_ASPECT * width / height / WIDTH_MULTIPLE) * WIDTH_MULTIPLE)


def width_for_steps(steps: int, height: int) -> int:
    """Width in pixels that images of a height need for a light backbone to have a number of time steps."""
    return math.ceil(steps * PIXELS_PER_STEP * height / WIDTH_PER_ASPECT)
