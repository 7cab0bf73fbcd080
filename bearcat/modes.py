"""The modes: one row for each value of MODE, with all that depends on it. Free of Keras, so that any step can ask."""

import importlib
from dataclasses import dataclass

from bearcat.core.settings_file import AUTO
from bearcat.data.codecs import TEXT_CODECS, Task
from bearcat.detection.decoding import DetectionCodec

__all__ = ["MODES", "Mode", "Task", "choose_backbone"]


@dataclass(frozen=True)
class Mode:
    """What a mode predicts and how it is trained.

    Args:
        codec: Turns labels into targets, and the network's output into predictions.
        loss: Module and class of the loss; imported when a network is compiled.
        metric: Module and class of the metric that counts exact matches.
        auto_backbones: What BACKBONE = 'auto' takes on a CPU, and on a GPU if the training does not start from
            pretrained weights. EFFICIENTDET has PHI instead.
        meaning: What the mode is for, in a few words.
    """

    codec: type
    loss: tuple[str, str]
    metric: tuple[str, str]
    auto_backbones: tuple[str, str] | None
    meaning: str

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.codec.task

    def symbols(self, label) -> tuple[str, ...]:
        """Returns what of a label has an entry in the vocabulary: characters, the class, or the names of objects."""
        return self.codec.symbols(label)

    def make_loss(self, card, label_smoothing: float):
        """Returns the Keras loss of the network that a card describes."""
        return _load(self.loss).from_card(card, label_smoothing)

    def make_metric(self, card):
        """Returns the Keras metric of the network that a card describes."""
        return _load(self.metric).from_card(card)


def _load(place: tuple[str, str]):
    module, name = place
    return getattr(importlib.import_module(module), name)


_CROSSENTROPY = ("bearcat.networks.losses", "SmoothedCrossentropy")
_CTC = ("bearcat.networks.losses", "SmoothedCTC")
_EXACT_MATCH = ("bearcat.networks.metrics", "ExactMatch")

MODES: dict[str, Mode] = {
    "ORDINARY": Mode(
        TEXT_CODECS["ORDINARY"], _CROSSENTROPY, _EXACT_MATCH, ("light", "Densenet_169"), "text, one output per position"
    ),
    "NUM_CLASSES": Mode(
        TEXT_CODECS["NUM_CLASSES"], _CROSSENTROPY, _EXACT_MATCH, ("light", "MobileNetV3Small"), "one class per image"
    ),
    "CTC": Mode(TEXT_CODECS["CTC"], _CTC, _EXACT_MATCH, ("light", "wide"), "text of any length"),
    "CTC_TINY": Mode(
        TEXT_CODECS["CTC_TINY"], _CTC, _EXACT_MATCH, ("tiny", "MobileNetV3Small"), "short text, the smallest network"
    ),
    "EFFICIENTDET": Mode(
        DetectionCodec,
        ("bearcat.detection.losses", "DetectionLoss"),
        ("bearcat.detection.metrics", "AllFound"),
        None,
        "objects with boxes, and the points to click",
    ),
}


def choose_backbone(name: str, mode: str, on_gpu: bool) -> str:
    """Returns the backbone that a setting names.

    Args:
        name: The value of BACKBONE, or of a card's `backbone`; 'auto' depends on the mode and the device.
        mode: The value of MODE.
        on_gpu: Whether a GPU computes.
    """
    backbones = MODES[mode].auto_backbones
    return backbones[on_gpu] if name == AUTO and backbones else name
