"""RegNet X and Y: block widths on a quantized straight line (Radosavovic et al. 2020, arXiv 2003.13678)."""

import math
from collections import Counter
from dataclasses import dataclass

from keras import layers

from bearcat.networks.backbones.blocks import convolution_norm, grouped_convolution, norm_relu, squeeze_and_excite

STEM_FILTERS = 32
WIDTH_MULTIPLE = 8
SQUEEZE = 4  # reduction of the channels in the middle of squeeze-and-excitation


@dataclass(frozen=True)
class Line:
    """The parameters of a network; the bottleneck ratio is 1 (section 4)."""

    slope: float  # w_a
    initial_width: int  # w_0
    multiplier: float  # w_m
    depth: int  # d
    group_width: int  # g
    squeezes: bool  # RegNetY: squeeze-and-excitation in each block

    def block_widths(self) -> list[int]:
        """Width of each block: w_0 times the power of w_m that is nearest to the line (equations 2–4)."""
        line = [self.initial_width + self.slope * block for block in range(self.depth)]
        powers = [round(math.log(width / self.initial_width, self.multiplier)) for width in line]
        widths = [self.initial_width * self.multiplier**power for power in powers]
        return [WIDTH_MULTIPLE * round(width / WIDTH_MULTIPLE) for width in widths]

    def stages(self) -> list[tuple[int, int, int]]:
        """Width, number of blocks and number of groups of each stage, a run of blocks of one width.

        Widths are rounded to multiples of the group width, which is at most the stage's width.
        """
        stages = []
        for width, blocks in Counter(self.block_widths()).items():
            group_width = min(self.group_width, width)
            groups = round(width / group_width)
            stages.append((groups * group_width, blocks, groups))
        return stages


# tables of the best RegNetX and RegNetY models in the paper
VARIANTS: dict[str, Line] = {
    "RegNetX_400MF": Line(24.48, 24, 2.54, depth=22, group_width=16, squeezes=False),
    "RegNetX_800MF": Line(35.73, 56, 2.28, depth=16, group_width=16, squeezes=False),
    "RegNetX_4GF": Line(38.65, 96, 2.43, depth=23, group_width=40, squeezes=False),
    "RegNetY_400MF": Line(27.89, 48, 2.09, depth=16, group_width=8, squeezes=True),
    "RegNetY_800MF": Line(38.84, 56, 2.40, depth=14, group_width=16, squeezes=True),
    "RegNetY_4GF": Line(31.41, 96, 2.24, depth=22, group_width=64, squeezes=True),
}


def block(inputs, width: int, groups: int, strides: int, squeezes: bool):
    """Block of figure 4: 1×1, grouped 3×3 and 1×1 convolutions with a shortcut."""
    channels = inputs.shape[-1]
    outputs = layers.Activation("relu")(convolution_norm(inputs, width))
    outputs = norm_relu(grouped_convolution(outputs, width, 3, strides, groups))
    if squeezes:
        outputs = squeeze_and_excite(outputs, channels // SQUEEZE)
    outputs = convolution_norm(outputs, width)
    is_same = strides == 1 and channels == width
    shortcut = inputs if is_same else convolution_norm(inputs, width, strides=strides)
    return layers.Activation("relu")(layers.Add()([shortcut, outputs]))


def build(name: str, inputs):
    """Features (N, H/32, W/32, C) of pixels (N, H, W, 1 or 3) in −1 … 1."""
    line = VARIANTS[name]
    outputs = norm_relu(layers.Conv2D(STEM_FILTERS, 3, strides=2, padding="same", use_bias=False)(inputs))
    for width, blocks, groups in line.stages():
        for index in range(blocks):
            outputs = block(outputs, width, groups, 2 if index == 0 else 1, line.squeezes)
    return outputs
