"""Measure the cost of a large vocabulary: training step, parameters and memory with 10 to 6,000 characters.

Reads:  nothing
Writes: a table on the screen
Next:   update docs/benchmarks.md if the figures differ
"""

import argparse
import statistics
from functools import partial

import numpy as np

from bearcat.artifacts.card import Card
from bearcat.core.devices import Device, start_tensorflow
from bearcat.core.settings_file import AUTO
from bearcat.data.images import InputSpec
from bearcat.training.config import TrainingConfig
from benchmarks.timing import peak_bytes, ratios, run_in_new_process, time_interleaved

COUNTS = (10, 62, 1_000, 6_000)
REFERENCE = 62  # digits and Latin letters; the other vocabularies are compared with it
MODES = ("CTC", "ORDINARY")
FIRST_CHARACTER = 0x4E00  # the first Chinese one in Unicode
HEIGHT, WIDTH, LENGTH = 60, 100, 6
BATCH_SIZE = 32
ROUNDS, STEPS = 8, 10


def main() -> None:
    """Prints a Markdown table, one row for each mode and number of characters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS, metavar="CHARACTERS")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of {STEPS} steps each ({ROUNDS})")
    arguments = parser.parse_args()
    counts = sorted({REFERENCE, *arguments.counts})
    print("| mode | characters | parameters | step of 32 images | relative to 62 | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for mode in arguments.modes:
        seconds = run_in_new_process(step_seconds, mode, counts, arguments.rounds)
        for count in counts:
            parameters, peak = run_in_new_process(parameters_and_memory, mode, count)
            print(table_line(mode, count, parameters, peak, seconds), flush=True)


def step_seconds(mode: str, counts: list[int], rounds: int) -> dict[int, list[float]]:
    """Returns number of characters → seconds per step of each round."""
    device = start()
    steps = {count: make_step(mode, count, device)[1] for count in counts}
    return time_interleaved(steps, rounds, STEPS)


def parameters_and_memory(mode: str, count: int) -> tuple[int, int]:
    """Returns the number of parameters of a network, and the peak memory of its training in bytes."""
    model, step = make_step(mode, count, start())
    for _ in range(STEPS):
        step()
    return model.count_params(), peak_bytes()


def start() -> Device:
    """Starts TensorFlow on the CPU."""
    return start_tensorflow(use_gpu=False, seed=0)


def make_step(mode: str, count: int, device: Device):
    """Returns the network `light` for a number of characters, and a function that trains it on random images."""
    from models import build_for

    characters = tuple(map(chr, range(FIRST_CHARACTER, FIRST_CHARACTER + count)))
    card = Card("benchmark", mode, "light", characters, InputSpec(HEIGHT, WIDTH, 1), LENGTH)
    model, card, _ = build_for(card, TrainingConfig(precision=AUTO), device)
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (BATCH_SIZE, *card.spec.shape)).astype(np.float32)
    targets = random.integers(1, count + 1, (BATCH_SIZE, card.make_codec().target_width(LENGTH)), np.int32)
    return model, partial(model.train_on_batch, images, targets)


def table_line(mode: str, count: int, parameters: int, peak: int, seconds: dict[int, list[float]]) -> str:
    """Formats a row: milliseconds per step (median of the rounds), and its ratio to the reference, with quartiles."""
    milliseconds = 1000 * statistics.median(seconds[count])
    low, ratio, high = ratios(seconds[count], seconds[REFERENCE])
    cells = [mode, f"{count:,}", f"{parameters:,}", f"{milliseconds:.0f} ms", f"{ratio:.2f} ({low:.2f} – {high:.2f})"]
    return f"| {' | '.join(cells)} | {peak / 2**20:,.0f} MB |"


if __name__ == "__main__":
    main()
