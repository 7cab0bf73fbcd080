"""Measure whether the packs feed the network fast enough: training steps from a pack and from memory, in turns.

Reads:  nothing
Writes: a table on the screen; packs in a temporary folder
Next:   update docs/benchmarks.md if the figures differ
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bearcat.artifacts.card import Card
from bearcat.core.devices import start_tensorflow
from bearcat.core.settings_file import AUTO
from bearcat.data.images import InputSpec
from bearcat.data.tfrecord_index import TFRecordIndex, load_index
from bearcat.modes import Task
from bearcat.training.config import TrainingConfig
from benchmarks.timing import peak_bytes, ratios, run_in_new_process, time_interleaved

COUNTS = (2_000, 200_000)
MODES = ("CTC", "ORDINARY")
CHARACTERS = tuple("0123456789")
HEIGHT, WIDTH, LENGTH = 60, 100, 4
DRAWN = 2_000  # distinct images; the others are these, shifted and with another brightness
BATCH_SIZE = 32
IN_MEMORY = 20  # batches
ROUNDS, STEPS = 12, 20
AUGMENTED, PLAIN, MEMORY = "pack, augmented", "pack", "memory"


def main() -> None:
    """Prints one line of a Markdown table per number of images and mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS, metavar="IMAGES")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of {STEPS} steps each ({ROUNDS})")
    arguments = parser.parse_args()
    titles = (
        "from memory",
        "from the pack",
        "with augmentation",
        "first batch",
        "peak memory",
        "fed from memory",
    )
    print(f"| images | mode | {' | '.join(titles)} |")
    print("| --- " * (2 + len(titles)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for count in arguments.counts:
            pack = Path(folder) / f"pack_{count}"
            run_in_new_process(pack_images, pack, count)
            for mode in arguments.modes:
                seconds = run_in_new_process(measure, pack, mode, arguments.rounds)
                alone = {name: run_in_new_process(measure_alone, pack, mode, name) for name in (MEMORY, AUGMENTED)}
                print(table_line(count, mode, seconds, alone), flush=True)


def pack_images(folder: Path, count: int) -> None:
    """Starts TensorFlow and packs."""
    start_tensorflow(use_gpu=False)
    write_images(folder, count)


def write_images(folder: Path, count: int) -> None:
    """Packs labelled images with the project's own writer."""
    from bearcat.data.tfrecords import write_pack

    steps_needed = {"ORDINARY": LENGTH, "CTC": 2 * LENGTH - 1}
    index = TFRecordIndex(InputSpec(HEIGHT, WIDTH, 1), list(CHARACTERS), Task.TEXT, LENGTH, steps_needed)
    write_pack(folder, make_records(count), count, index)


def make_records(count: int) -> Iterator:
    """Yields records of digits: the first ones drawn, then the same ones shifted and darker."""
    from bearcat.data.tfrecords import Record

    random, font = np.random.default_rng(0), ImageFont.load_default(30)
    labels = random.integers(0, len(CHARACTERS), (min(count, DRAWN), LENGTH))
    drawn = [draw("".join(CHARACTERS[index] for index in label), random, font) for label in labels]
    for number in range(count):
        pixels, label = drawn[number % DRAWN], labels[number % DRAWN]
        turn = number // DRAWN
        changed = np.roll(pixels, turn % 7 - 3, axis=1) - np.uint8(turn % 60)
        text = "".join(CHARACTERS[index] for index in label)
        yield Record(changed, text, f"{text}_{number}.png", [int(index) + 1 for index in label])


def draw(text: str, random: np.random.Generator, font) -> np.ndarray:
    """Returns grey pixels (HEIGHT, WIDTH, 1) of dark characters on light speckles."""
    image = Image.fromarray(random.integers(180, 256, (HEIGHT, WIDTH), np.uint8))
    canvas = ImageDraw.Draw(image)
    for place, character in enumerate(text):
        corner = (6 + 22 * place + random.integers(-4, 5), random.integers(0, 24))
        canvas.text(corner, character, int(random.integers(60, 120)), font)
    return np.asarray(image)[..., None]


def measure(pack: Path, mode: str, rounds: int) -> dict[str, list[float]]:
    """Returns seconds per step for each source of batches in each round."""
    model, sources = make_training(pack, mode)
    return time_interleaved({name: feed(model, source()) for name, source in sources.items()}, rounds, STEPS)


def measure_alone(pack: Path, mode: str, name: str) -> tuple[float, int]:
    """Returns the seconds to the first batch of one source, and the peak memory in bytes of training from it."""
    model, sources = make_training(pack, mode)
    started = time.perf_counter()
    next(iter(sources[name]()))
    seconds = time.perf_counter() - started
    step = feed(model, sources[name]())
    for _ in range(STEPS):
        step()
    return seconds, peak_bytes()


def make_training(pack: Path, mode: str) -> tuple:
    """Returns the network `light`, and name → function that makes a source of endless batches."""
    device, index = start_tensorflow(use_gpu=False, seed=0), load_index(pack)
    from bearcat.training.callbacks import TimedCosineSchedule
    from bearcat.training.text_pipeline import training_batches
    from models import build_for

    card = Card("benchmark", mode, "light", CHARACTERS, InputSpec(HEIGHT, WIDTH, 1), 8)
    model, card, _ = build_for(card, TrainingConfig(precision=AUTO), device)
    width = card.make_codec().target_width(LENGTH)
    of_pack = partial(training_batches, pack, index, width, BATCH_SIZE, 0)
    sources = {
        MEMORY: partial(held_batches, pack, index, width),
        PLAIN: partial(of_pack, strength=None),
        AUGMENTED: partial(of_pack, strength=TimedCosineSchedule(3600, peak=1e-3).strength),
    }
    return model, sources


def held_batches(pack: Path, index: TFRecordIndex, width: int):
    """Returns a few batches of a pack, augmented once and held in memory, endlessly."""
    import tensorflow as tf

    from bearcat.data.online_augmentation import augment_batch
    from bearcat.training.text_pipeline import validation_batches

    batches = validation_batches(pack, index, width, BATCH_SIZE).take(IN_MEMORY)
    images, targets = zip(*((augment_batch(images), targets) for images, targets in batches), strict=True)
    return tf.data.Dataset.from_tensor_slices((tf.stack(images), tf.stack(targets))).repeat()


def feed(model, source) -> Callable[[], object]:
    """Returns a function that trains one step from a source of batches, as model.fit does."""
    batches = iter(source)
    model.train_on_batch(*next(batches))  # builds the optimizer
    model.make_train_function()
    return partial(model.train_function, batches)


def table_line(count: int, mode: str, seconds: dict[str, list[float]], alone: dict[str, tuple[float, int]]) -> str:
    """Returns a row: images per second from memory, and the fraction of that from the other sources, with quartiles."""
    cells = [f"{count:,}", mode, f"{BATCH_SIZE / statistics.median(seconds[MEMORY]):,.0f}/s"]
    for name in (PLAIN, AUGMENTED):
        low, middle, high = ratios(seconds[MEMORY], seconds[name])
        cells.append(f"{middle:.1%} ({low:.0%} – {high:.0%})")
    cells.append(f"{alone[AUGMENTED][0]:.1f} s")
    cells += [f"{alone[name][1] / 2**20:,.0f} MB" for name in (AUGMENTED, MEMORY)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
