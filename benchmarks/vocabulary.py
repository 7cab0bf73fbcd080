"""Measure what a large vocabulary costs: a training step, parameters and memory with 10 to 6,000 characters.

Reads:  nothing
Writes: a table on the screen
Next:   put it into benchmarks/README.md where it differs
"""

import argparse
import statistics
from functools import partial

import numpy as np

from bearcat.artifacts.card import Card
from bearcat.core.devices import Device, start_tensorflow
from bearcat.core.settings_file import AUTO
from bearcat.training.config import Recipe
from benchmarks.turns import in_own_process, peak_bytes, ratios, time_in_turns

COUNTS = (10, 62, 1_000, 6_000)
BASE = 62  # characters, to which the others are held: digits and Latin letters
MODES = ("CTC", "ORDINARY")
FIRST = 0x4E00  # of the Chinese characters in Unicode
HEIGHT, WIDTH, LENGTH = 60, 100, 6
BATCH_SIZE = 32
ROUNDS, STEPS = 8, 10


def main() -> None:
    """Print one line of a Markdown table for each mode and number of characters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS, metavar="CHARACTERS")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of {STEPS} steps each ({ROUNDS})")
    arguments = parser.parse_args()
    counts = sorted({BASE, *arguments.counts})
    print("| mode | characters | parameters | a step of 32 | times that of 62 | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for mode in arguments.modes:
        seconds = in_own_process(seconds_in_turns, mode, counts, arguments.rounds)
        for count in counts:
            parameters, peak = in_own_process(cost_of_one, mode, count)
            print(table_line(mode, count, parameters, peak, seconds), flush=True)


def seconds_in_turns(mode: str, counts: list[int], rounds: int) -> dict[int, list[float]]:
    """Return number of characters → seconds a step in each round."""
    device = start()
    steps = {count: make_step(mode, count, device)[1] for count in counts}
    return time_in_turns(steps, rounds, STEPS)


def cost_of_one(mode: str, count: int) -> tuple[int, int]:
    """Return the parameters of a network, and the most bytes that this process held to train it."""
    model, step = make_step(mode, count, start())
    for _ in range(STEPS):
        step()
    return model.count_params(), peak_bytes()


def start() -> Device:
    """Start TensorFlow on the CPU."""
    return start_tensorflow(use_gpu=False, seed=0)


def make_step(mode: str, count: int, device: Device):
    """Return the network `light` for so many characters, and what trains it by one step of random images."""
    from models import build_for

    characters = tuple(map(chr, range(FIRST, FIRST + count)))
    card = Card("benchmark", mode, "light", characters, HEIGHT, WIDTH, 1, LENGTH)
    model, card, _ = build_for(card, Recipe(precision=AUTO), device)
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (BATCH_SIZE, *card.spec.shape)).astype(np.float32)
    targets = random.integers(1, count + 1, (BATCH_SIZE, card.make_codec().target_width(LENGTH)), np.int32)
    return model, partial(model.train_on_batch, images, targets)


def table_line(mode: str, count: int, parameters: int, peak: int, seconds: dict[int, list[float]]) -> str:
    """Return a row: milliseconds a step (median of the rounds), and how many times that of 62, with quartiles."""
    milliseconds = 1000 * statistics.median(seconds[count])
    low, times, high = ratios(seconds[count], seconds[BASE])
    cells = [mode, f"{count:,}", f"{parameters:,}", f"{milliseconds:.0f} ms", f"{times:.2f} ({low:.2f} – {high:.2f})"]
    return f"| {' | '.join(cells)} | {peak / 2**20:,.0f} MB |"


if __name__ == "__main__":
    main()
