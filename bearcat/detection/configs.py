"""The detectors: EfficientDet D0 to D7 (Tan, Pang, Le 2020, table 1), and a light one for CPUs. Free of Keras."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

from bearcat.data.images import InputSpec

LIGHT_PHI = -1


@dataclass(frozen=True)
class DetectorConfig:
    """The hyperparameters of a detector.

    Args:
        backbone: "plain", or an EfficientNet of bearcat.networks.registry.
        filters: Channels of the feature pyramid and the heads.
        cells: Number of BiFPN cells.
        depth: Number of convolutions in each head before its last.
        weighted: Whether BiFPN cells add their inputs with learned weights.
        separable: Whether convolutions of the feature pyramid and the heads are depthwise separable.
        levels: Binary logarithms of the strides of the feature pyramid, from fine to coarse.
        anchor_scale: Side of a level's smallest square anchor, in strides of the level.
        ratios: Aspect ratios (width / height) of the anchors.
        octaves: Sizes of the anchors, as powers of 2 of the smallest.
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
    def anchors_per_cell(self) -> int:
        return len(self.ratios) * len(self.octaves)

    @property
    def largest_stride(self) -> int:
        return 2 ** self.levels[-1]

    def round_up(self, side: float) -> int:
        """Rounds a side in pixels up to a multiple of the largest stride."""
        return max(1, -(-round(side) // self.largest_stride)) * self.largest_stride


def detector_name(phi: int) -> str:
    """The name of a detector by its compound coefficient, which is −1 for the light one."""
    return "EfficientDet_light" if phi == LIGHT_PHI else f"EfficientDet_D{phi}"


_FILTERS = (64, 88, 112, 160, 224, 288, 384, 384)
_CELLS = (3, 4, 5, 6, 7, 7, 8, 8)
_DEPTHS = (3, 3, 3, 4, 4, 4, 5, 5)

DETECTORS: dict[str, DetectorConfig] = {
    # plain convolutions, since depthwise ones cost a CPU more than they save; only square anchors, on three levels
    detector_name(LIGHT_PHI): DetectorConfig(
        "plain", 64, 2, 2, separable=False, levels=(3, 4, 5), anchor_scale=3.0, ratios=(1.0,)
    ),
    **{
        detector_name(phi): DetectorConfig(
            f"EfficientNet_b{min(phi, 6)}",
            _FILTERS[phi],
            _CELLS[phi],
            _DEPTHS[phi],
            weighted=phi < 6,  # weighted fusion makes the largest networks unstable, according to the paper
            anchor_scale=5.0 if phi == 7 else 4.0,
        )
        for phi in range(8)
    },
}


def choose_phi(phi: int | str, on_gpu: bool) -> int:
    """The compound coefficient that a setting stands for; 'auto' is the light detector on a CPU, D0 on a GPU."""
    if isinstance(phi, int):
        return phi
    return 0 if on_gpu else LIGHT_PHI


def input_spec(settings: SimpleNamespace, phi: int) -> InputSpec:
    """The input of a detector: IMAGE_HEIGHT × IMAGE_WIDTH for the light one, else a square of IMAGE_SIZES[phi].

    Sides are rounded up to multiples of the largest stride.
    """
    height, width = settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH
    if phi != LIGHT_PHI:
        height = width = settings.IMAGE_SIZES[phi]
    config = DETECTORS[detector_name(phi)]
    asked = InputSpec.from_settings(settings)
    return replace(asked, height=config.round_up(height), width=config.round_up(width))
