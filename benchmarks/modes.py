"""Measure what each mode, or each backbone, costs: parameters, memory and milliseconds a training step.

Reads:  nothing
Writes: a table on the screen
Next:   put it into README.md where it differs
"""

import argparse
import time

import numpy as np

from bearcat.artifact import Card
from bearcat.backbones import AUTO, BACKBONES
from bearcat.devices import Device, start_tensorflow
from bearcat.label_codecs import CODECS
from bearcat.recipe import Recipe

BATCH_SIZE = 32
STEPS = 10
CHARACTERS = tuple("0123456789abcdefghijklmnopqrstuvwxyz")
LONGEST_LABEL = 6


def main() -> None:
    """Print one line of a Markdown table for each mode, or for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="*", metavar="NAME", help="these in mode CTC, or all where none is named")
    names = parser.parse_args().backbones
    device = start_tensorflow(use_gpu=True, seed=0)
    tasks = [(mode, AUTO) for mode in CODECS] if names is None else [("CTC", name) for name in names or BACKBONES]
    print("| mode | backbone | parameters | memory | a step of 32 |\n| --- | --- | --- | --- | --- |")
    for mode, name in tasks:
        print(measure(mode, name, device), flush=True)


def measure(mode: str, backbone: str, device: Device) -> str:
    """Return the line of one network, for pictures of 60 × 100 grey pixels."""
    from bearcat.memory import training_bytes
    from models import build_for

    card = Card("benchmark", mode, backbone, CHARACTERS, 60, 100, 1, LONGEST_LABEL)
    model, card, recipe = build_for(card, Recipe(precision=AUTO), device)
    random = np.random.default_rng(0)
    width = card.make_codec().target_width(LONGEST_LABEL)
    images = random.uniform(0, 255, (BATCH_SIZE, *card.spec.shape)).astype(np.float32)
    targets = random.integers(1, len(CHARACTERS) + 1, (BATCH_SIZE, width))
    model.train_on_batch(images, targets)  # traces
    started = time.perf_counter()
    for _ in range(STEPS):
        model.train_on_batch(images, targets)
    milliseconds = 1000 * (time.perf_counter() - started) / STEPS
    gigabytes = training_bytes(model, BATCH_SIZE) / 1e9
    cells = [mode, card.backbone, f"{model.count_params():,}", f"{gigabytes:.2f} GB"]
    return f"| {' | '.join(cells)} | {milliseconds:.0f} ms ({recipe.precision}) |"


if __name__ == "__main__":
    main()
