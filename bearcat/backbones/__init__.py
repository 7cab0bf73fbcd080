"""The table of backbones: name → where its builder is. Free of TensorFlow, so that any script can check a name."""

import importlib
from collections.abc import Callable

# BatchNorm's moving averages must keep up with the few steps that a small data set gives
MOMENTUM = 0.9

# name → module and function
BACKBONES: dict[str, tuple[str, str]] = {
    "light": ("bearcat.backbones.light", "light"),
}


def load_backbone(name: str) -> Callable:
    """Return the builder of a backbone: pixels (N, H, W, C) in −1 … 1 → features (N, H/16, W/4, filters)."""
    module, function = BACKBONES[name]
    return getattr(importlib.import_module(module), function)
