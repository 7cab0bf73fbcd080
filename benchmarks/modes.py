"""Measure the cost of each mode, or each backbone: parameters, memory and milliseconds per training step.

Reads:  nothing
Writes: a table on the screen
Next:   update docs/modes.md if the figures differ
"""

import argparse
import time

import numpy as np

from bearcat.artifacts.card import Card
from bearcat.core.devices import Device, start_tensorflow
from bearcat.core.settings_file import AUTO
from bearcat.data.images import InputSpec
from bearcat.detection.configs import LIGHT_PHI, detector_name
from bearcat.modes import MODES, Task
from bearcat.networks.registry import BACKBONES
from bearcat.training.config import TrainingConfig

BATCH_SIZE = 32
STEPS = 10
CHARACTERS = tuple("0123456789abcdefghijklmnopqrstuvwxyz")
LABEL_LENGTH = 6
# mode → the backbone measured
DEFAULT_BACKBONES = {
    name: detector_name(LIGHT_PHI) if mode.task is Task.DETECTION else AUTO for name, mode in MODES.items()
}


def main() -> None:
    """Prints one line of a Markdown table per mode, or per backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="*", metavar="NAME", help="these in mode CTC; all if none is named")
    names = parser.parse_args().backbones
    device = start_tensorflow(use_gpu=True, seed=0)
    networks = [("CTC", name) for name in names or BACKBONES] if names is not None else list(DEFAULT_BACKBONES.items())
    print("| mode | backbone | parameters | memory | step of 32 |\n| --- | --- | --- | --- | --- |")
    for mode, name in networks:
        print(measure(mode, name, device), flush=True)


def measure(mode: str, backbone: str, device: Device) -> str:
    """Returns the line of one network, for grey images of 60 × 100 pixels (64 × 128 for detection)."""
    from bearcat.training.sanity_check import training_bytes
    from models import build_for

    size = (64, 128) if MODES[mode].task is Task.DETECTION else (60, 100)
    card = Card("benchmark", mode, backbone, CHARACTERS, InputSpec(*size, 1), LABEL_LENGTH)
    model, card, recipe = build_for(card, TrainingConfig(precision=AUTO), device)
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (BATCH_SIZE, *card.spec.shape)).astype(np.float32)
    targets = TARGETS[MODES[mode].task](card, random)
    model.train_on_batch(images, targets)  # traces
    started = time.perf_counter()
    for _ in range(STEPS):
        model.train_on_batch(images, targets)
    milliseconds = 1000 * (time.perf_counter() - started) / STEPS
    gigabytes = training_bytes(model, BATCH_SIZE) / 1e9
    cells = [mode, card.backbone, f"{model.count_params():,}", f"{gigabytes:.2f} GB"]
    return f"| {' | '.join(cells)} | {milliseconds:.0f} ms ({recipe.precision}) |"


def text_targets(card: Card, random: np.random.Generator) -> np.ndarray:
    """Returns random labels of the maximum length."""
    width = card.make_codec().target_width(LABEL_LENGTH)
    return random.integers(1, len(CHARACTERS) + 1, (BATCH_SIZE, width))


def box_targets(card: Card, random: np.random.Generator) -> np.ndarray:
    """Returns LABEL_LENGTH random objects per image."""
    classes = random.integers(0, len(CHARACTERS), (BATCH_SIZE, LABEL_LENGTH, 1))
    corners = random.uniform(0, [card.spec.height - 30, card.spec.width - 30], (BATCH_SIZE, LABEL_LENGTH, 2))
    return np.concatenate([classes, corners, corners + 30], axis=-1).astype(np.float32)


TARGETS = {Task.TEXT: text_targets, Task.CLASSIFICATION: text_targets, Task.DETECTION: box_targets}


if __name__ == "__main__":
    main()
