"""Measure what each mode, or each backbone, costs: parameters, memory and milliseconds a training step.

Reads:  nothing
Writes: a table on the screen
Next:   put it into README.md where it differs
"""

import argparse
import time

import numpy as np

from bearcat.artifacts.card import Card
from bearcat.core.devices import Device, start_tensorflow
from bearcat.core.settings_file import AUTO
from bearcat.detection.configs import LIGHT_PHI, detector_name
from bearcat.modes import MODES, Task
from bearcat.networks.registry import BACKBONES
from bearcat.training.config import Recipe

BATCH_SIZE = 32
STEPS = 10
CHARACTERS = tuple("0123456789abcdefghijklmnopqrstuvwxyz")
LONGEST_LABEL = 6
# mode → what stands for its network
DEFAULT_BACKBONES = {
    name: detector_name(LIGHT_PHI) if mode.task is Task.DETECTION else AUTO for name, mode in MODES.items()
}


def main() -> None:
    """Print one line of a Markdown table for each mode, or for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="*", metavar="NAME", help="these in mode CTC, or all where none is named")
    names = parser.parse_args().backbones
    device = start_tensorflow(use_gpu=True, seed=0)
    tasks = [("CTC", name) for name in names or BACKBONES] if names is not None else list(DEFAULT_BACKBONES.items())
    print("| mode | backbone | parameters | memory | a step of 32 |\n| --- | --- | --- | --- | --- |")
    for mode, name in tasks:
        print(measure(mode, name, device), flush=True)


def measure(mode: str, backbone: str, device: Device) -> str:
    """Return the line of one network, for images of 60 × 100 grey pixels (64 × 128 where boxes are sought)."""
    from bearcat.training.sanity_check import training_bytes
    from models import build_for

    size = (64, 128) if MODES[mode].task is Task.DETECTION else (60, 100)
    card = Card("benchmark", mode, backbone, CHARACTERS, *size, 1, LONGEST_LABEL)
    model, card, recipe = build_for(card, Recipe(precision=AUTO), device)
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
    """Return random labels of the longest length."""
    width = card.make_codec().target_width(LONGEST_LABEL)
    return random.integers(1, len(CHARACTERS) + 1, (BATCH_SIZE, width))


def box_targets(card: Card, random: np.random.Generator) -> np.ndarray:
    """Return as many random objects an image as a label has characters."""
    classes = random.integers(0, len(CHARACTERS), (BATCH_SIZE, LONGEST_LABEL, 1))
    corners = random.uniform(0, [card.height - 30, card.width - 30], (BATCH_SIZE, LONGEST_LABEL, 2))
    return np.concatenate([classes, corners, corners + 30], axis=-1).astype(np.float32)


TARGETS = {Task.TEXT: text_targets, Task.CLASSIFICATION: text_targets, Task.DETECTION: box_targets}


if __name__ == "__main__":
    main()
