"""The table of backbones: name → the module that builds it. Free of TensorFlow, so that any script can check a name."""

import importlib

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
AUTO = "auto"
# mode → what 'auto' takes on a CPU, and on a GPU where no base is started from (there the original's networks)
AUTO_BACKBONES: dict[str, tuple[str, str]] = {
    "ORDINARY": ("light", "Densenet_169"),
    "NUM_CLASSES": ("light", "MobileNetV3Small"),
    "CTC": ("light", "wide"),
    "CTC_TINY": ("tiny", "MobileNetV3Small"),
}
# their depthwise convolutions gain nothing from bfloat16 on a CPU
DEPTHWISE = ("EfficientDet_D", "EfficientNet", "MobileNet", "ShuffleNet", "MnasNet")


def choose_backbone(name: str, mode: str, on_gpu: bool) -> str:
    """Return the backbone that a setting names; 'auto' depends on the mode and on what computes."""
    return AUTO_BACKBONES[mode][on_gpu] if name == AUTO else name


def is_depthwise(name: str) -> bool:
    """Tell whether a backbone's convolutions are mostly depthwise."""
    return name.startswith(DEPTHWISE)


def is_own(name: str) -> bool:
    """Tell whether a backbone is one of our own light networks, which base weights exist for."""
    return BACKBONES[name] == "light"


def load_family(name: str):
    """Return the module of a backbone, with its layers registered; it imports Keras."""
    return importlib.import_module(f"{__name__}.{BACKBONES[name]}")
