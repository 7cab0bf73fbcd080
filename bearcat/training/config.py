"""The part of the settings that is compiled into a network and cannot be changed during a training."""

from dataclasses import dataclass, fields
from types import SimpleNamespace


@dataclass(frozen=True)
class TrainingConfig:
    """Optimizer, loss and precision. Each field is named like its setting; only `lr` may change on resuming."""

    lr: float = 1e-3
    optimizer: str = "AdamW"
    label_smoothing: float = 0.0
    weight_average: bool = False
    rectify: bool = False
    precision: str = "float32"

    @classmethod
    def from_settings(cls, settings: SimpleNamespace) -> "TrainingConfig":
        """Reads the fields from the settings of the same names."""
        return cls(**{field.name: getattr(settings, field.name.upper()) for field in fields(cls)})
