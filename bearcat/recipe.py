"""How a network is trained, as far as it is compiled into it and cannot be changed half-way."""

from dataclasses import dataclass
from types import SimpleNamespace


@dataclass(frozen=True)
class Recipe:
    """Optimizer and loss; only the learning rate may differ when a training goes on."""

    lr: float = 1e-3
    optimizer: str = "AdamW"
    label_smoothing: float = 0.0
    average: bool = False
    rectify: bool = False

    @classmethod
    def from_settings(cls, settings: SimpleNamespace) -> "Recipe":
        """Return what the settings ask for."""
        return cls(settings.LR, settings.OPTIMIZER, settings.LABEL_SMOOTHING, settings.WEIGHT_AVERAGE, settings.RECTIFY)
