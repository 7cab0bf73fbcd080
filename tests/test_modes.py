"""What BACKBONE = 'auto' stands for."""

import pytest

from bearcat.modes import MODES, choose_backbone
from bearcat.networks.registry import BACKBONES, is_light


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.auto_backbones])
def test_auto_is_a_light_backbone_on_a_cpu(mode: str):
    on_cpu, on_gpu = (choose_backbone("auto", mode, on_gpu=has_gpu) for has_gpu in (False, True))
    assert is_light(on_cpu)
    assert on_gpu in BACKBONES
    assert choose_backbone("ResNet_18", mode, on_gpu=True) == "ResNet_18"
