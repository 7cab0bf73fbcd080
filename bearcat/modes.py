"""The modes: one row per value of MODE with everything that depends on it. Does not import Keras."""

import importlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from bearcat.core.settings_file import AUTO
from bearcat.data.codecs import TEXT_CODECS, Task, TextCodec
from bearcat.detection.decoding import DetectionCodec

__all__ = ["MODES", "AutoBackbones", "Mode", "Task", "choose_backbone"]


class AutoBackbones(NamedTuple):
    """What BACKBONE = 'auto' stands for on a CPU, and on a GPU without pretrained weights."""

    cpu: str
    gpu: str


@dataclass(frozen=True)
class Mode:
    """What a mode predicts and how it is trained.

    Args:
        codec: Turns labels into targets, and the network's output into predictions.
        loss: Import path of the Keras loss.
        metric: Import path of the Keras metric that counts exact matches.
        auto_backbones: None for EFFICIENTDET, which has PHI instead of BACKBONE.
        meaning: What the mode is for, in a few words.
    """

    codec: type[TextCodec] | type[DetectionCodec]
    loss: str
    metric: str
    auto_backbones: AutoBackbones | None
    meaning: str

    @property
    def task(self) -> Task:
        return self.codec.task

    def symbols(self, label: Any) -> tuple[str, ...]:
        """The vocabulary entries of a label: its characters, its class, or the names of its objects."""
        return self.codec.symbols(label)

    def make_loss(self, card, label_smoothing: float):
        """Creates the Keras loss of the network that a card describes."""
        return _import(self.loss).from_card(card, label_smoothing)

    def make_metric(self, card):
        """Creates the Keras metric of the network that a card describes."""
        return _import(self.metric).from_card(card)


def _import(path: str):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


_CROSSENTROPY = "bearcat.networks.losses.SmoothedCrossentropy"
_CTC = "bearcat.networks.losses.SmoothedCTC"
_EXACT_MATCH = "bearcat.networks.metrics.ExactMatch"

MODES: dict[str, Mode] = {
    "ORDINARY": Mode(
        TEXT_CODECS["ORDINARY"],
        _CROSSENTROPY,
        _EXACT_MATCH,
        AutoBackbones(cpu="light", gpu="Densenet_169"),
        "text of up to CAPTCHA_LENGTH characters, one output per position",
    ),
    "NUM_CLASSES": Mode(
        TEXT_CODECS["NUM_CLASSES"],
        _CROSSENTROPY,
        _EXACT_MATCH,
        AutoBackbones(cpu="light", gpu="MobileNetV3Small"),
        "one class per image",
    ),
    "CTC": Mode(
        TEXT_CODECS["CTC"],
        _CTC,
        _EXACT_MATCH,
        AutoBackbones(cpu="light", gpu="wide"),
        "text of any length",
    ),
    "CTC_TINY": Mode(
        TEXT_CODECS["CTC_TINY"],
        _CTC,
        _EXACT_MATCH,
        AutoBackbones(cpu="tiny", gpu="MobileNetV3Small"),
        "text of up to CAPTCHA_LENGTH characters, the smallest network",
    ),
    "EFFICIENTDET": Mode(
        DetectionCodec,
        "bearcat.detection.losses.DetectionLoss",
        "bearcat.detection.exact_match.DetectionExactMatch",
        None,
        "objects with their boxes, and the points to click",
    ),
}


def why_not_self_trained(mode: str, self_train: bool) -> str:
    """Returns why a training does not learn from images without labels; '' if it does.

    Args:
        mode: The value of MODE.
        self_train: The value of SELF_TRAIN.
    """
    if MODES[mode].task is not Task.TEXT:
        return f"MODE = {mode!r} learns from labelled images only"
    return "" if self_train else "SELF_TRAIN = False"


def choose_backbone(name: str, mode: str, on_gpu: bool) -> str:
    """The backbone that a setting stands for.

    Args:
        name: The value of BACKBONE, or of a card's `backbone`; only 'auto' is replaced.
        mode: The value of MODE.
        on_gpu: Whether the network is trained on a GPU.
    """
    auto = MODES[mode].auto_backbones
    if name != AUTO or auto is None:
        return name
    return auto.gpu if on_gpu else auto.cpu
