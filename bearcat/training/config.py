"""How a network is trained, as far as it is compiled into it and cannot be changed half-way."""

from dataclasses import dataclass, fields
from types import SimpleNamespace


@dataclass(frozen=True)
class Recipe:
    """Optimizer, loss and precision, each named as its setting; only the learning rate may change half-way."""

    lr: float = 1e-3
    optimizer: str = "AdamW"
    label_smoothing: float = 0.0
    weight_average: bool = False
    rectify: bool = False
    precision: str = "float32"

    @classmethod
    def from_settings(cls, settings: SimpleNamespace) -> "Recipe":
        """Return what the settings ask for."""
        return cls(**{field.name: getattr(settings, field.name.upper()) for field in fields(cls)})
