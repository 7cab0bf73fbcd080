"""The table of detectors: EfficientDet D0 to D7 (Tan, Pang, Le 2020, table 1), and a light one for a CPU. No Keras."""

from dataclasses import dataclass
from types import SimpleNamespace

from bearcat.core.settings_file import AUTO
from bearcat.data.images import InputSpec

LIGHT_PHI = -1


@dataclass(frozen=True)
class Variant:
    """A detector: its backbone, how wide and deep its feature network and heads are, and its anchors.

    `anchor_scale` times a level's stride is the side of its smallest anchor, in pixels.
    """

    backbone: str
    filters: int
    cells: int
    depth: int
    weighted: bool = True
    separable: bool = True
    levels: tuple[int, ...] = (3, 4, 5, 6, 7)
    anchor_scale: float = 4.0
    ratios: tuple[float, ...] = (1.0, 2.0, 0.5)
    octaves: tuple[float, ...] = (0.0, 1 / 3, 2 / 3)

    @property
    def anchors_a_cell(self) -> int:
        return len(self.ratios) * len(self.octaves)

    @property
    def largest_stride(self) -> int:
        return 2 ** self.levels[-1]

    def round_up(self, side: float) -> int:
        """Return the next multiple of the largest stride, in pixels."""
        return max(1, -(-round(side) // self.largest_stride)) * self.largest_stride


def detector_name(phi: int) -> str:
    """Return the name of a detector by its compound coefficient; −1 is the light one."""
    return "EfficientDet_light" if phi == LIGHT_PHI else f"EfficientDet_D{phi}"


_FILTERS = (64, 88, 112, 160, 224, 288, 384, 384)
_CELLS = (3, 4, 5, 6, 7, 7, 8, 8)
_DEPTHS = (3, 3, 3, 4, 4, 4, 5, 5)

DETECTORS: dict[str, Variant] = {
    # plain convolutions, since depthwise ones cost a CPU more than they save, and square anchors on three levels
    detector_name(LIGHT_PHI): Variant(
        "plain", 64, 2, 2, separable=False, levels=(3, 4, 5), anchor_scale=3.0, ratios=(1.0,)
    ),
    **{
        detector_name(phi): Variant(
            f"EfficientNet_b{min(phi, 6)}",
            _FILTERS[phi],
            _CELLS[phi],
            _DEPTHS[phi],
            weighted=phi < 6,  # the weights of the fusion make the largest networks unstable, says the paper
            anchor_scale=5.0 if phi == 7 else 4.0,
        )
        for phi in range(8)
    },
}


def choose_phi(phi: int | str, on_gpu: bool) -> int:
    """Return the compound coefficient that a setting names; 'auto' is the light detector on a CPU, D0 on a GPU."""
    return (0 if on_gpu else LIGHT_PHI) if phi == AUTO else phi


def input_spec(settings: SimpleNamespace, phi: int) -> InputSpec:
    """Return what a detector sees: a square of IMAGE_SIZES for D0 to D7, IMAGE_HEIGHT × IMAGE_WIDTH for the light one.

    Sides are rounded up to multiples of the coarsest level's stride.
    """
    height, width = settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH
    if phi != LIGHT_PHI:
        height = width = settings.IMAGE_SIZES[phi]
    variant = DETECTORS[detector_name(phi)]
    return InputSpec(variant.round_up(height), variant.round_up(width), settings.IMAGE_CHANNALS)
