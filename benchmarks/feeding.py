"""Measure whether the packs feed the network fast enough: training steps fed from a pack and from memory, in turns.

Reads:  nothing
Writes: a table on the screen; packs in a temporary folder, taken away at the end
Next:   put it into benchmarks/README.md where it differs
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
from bearcat.data.tfrecord_index import PackIndex, load_pack_index
from bearcat.modes import Task
from bearcat.training.config import Recipe
from benchmarks.turns import in_own_process, peak_bytes, ratios, time_in_turns

COUNTS = (2_000, 200_000)
MODES = ("CTC", "ORDINARY")
CHARACTERS = tuple("0123456789")
HEIGHT, WIDTH, LENGTH = 60, 100, 4
DRAWN = 2_000  # distinct images; the others are these, moved and in another light
BATCH_SIZE = 32
IN_MEMORY = 20  # batches
ROUNDS, STEPS = 12, 20
JITTERED, PLAIN, MEMORY = "pack, jittered", "pack, as it is", "memory"


def main() -> None:
    """Print one line of a Markdown table for each number of images and mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS, metavar="PICTURES")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of {STEPS} steps each ({ROUNDS})")
    arguments = parser.parse_args()
    titles = ("from memory", "from the pack", "the same with jitter", "first batch", "peak memory", "fed from memory")
    print(f"| images | mode | {' | '.join(titles)} |")
    print("| --- " * (2 + len(titles)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for count in arguments.counts:
            pack = Path(folder) / f"pack_{count}"
            in_own_process(pack_images, pack, count)
            for mode in arguments.modes:
                seconds = in_own_process(measure, pack, mode, arguments.rounds)
                alone = {name: in_own_process(measure_alone, pack, mode, name) for name in (MEMORY, JITTERED)}
                print(table_line(count, mode, seconds, alone), flush=True)


def pack_images(folder: Path, count: int) -> None:
    """Start TensorFlow and pack."""
    start_tensorflow(use_gpu=False)
    write_images(folder, count)


def write_images(folder: Path, count: int) -> None:
    """Pack so many labelled images, through the project's own writer."""
    from bearcat.data.tfrecords import write_pack

    of_all = InputSpec(HEIGHT, WIDTH, 1).as_dict() | {"characters": list(CHARACTERS), "unit": Task.TEXT}
    of_all |= {"longest_label": LENGTH, "steps_needed": {"ORDINARY": LENGTH, "CTC": 2 * LENGTH - 1}}
    write_pack(folder, make_records(count), count, of_all)


def make_records(count: int) -> Iterator:
    """Yield records of digits: the first ones drawn, then the same ones rolled along and lighter or darker."""
    from bearcat.data.tfrecords import Record

    random, font = np.random.default_rng(0), ImageFont.load_default(30)
    labels = random.integers(0, len(CHARACTERS), (min(count, DRAWN), LENGTH))
    drawn = [draw("".join(CHARACTERS[row] for row in label), random, font) for label in labels]
    for number in range(count):
        pixels, label = drawn[number % DRAWN], labels[number % DRAWN]
        turn = number // DRAWN
        changed = np.roll(pixels, turn % 7 - 3, axis=1) - np.uint8(turn % 60)
        text = "".join(CHARACTERS[row] for row in label)
        yield Record(changed, text, f"{text}_{number}.png", [int(row) + 1 for row in label])


def draw(text: str, random: np.random.Generator, font) -> np.ndarray:
    """Return grey pixels (HEIGHT, WIDTH, 1) of dark characters on light speckles."""
    image = Image.fromarray(random.integers(180, 256, (HEIGHT, WIDTH), np.uint8))
    canvas = ImageDraw.Draw(image)
    for place, character in enumerate(text):
        corner = (6 + 22 * place + random.integers(-4, 5), random.integers(0, 24))
        canvas.text(corner, character, int(random.integers(60, 120)), font)
    return np.asarray(image)[..., None]


def measure(pack: Path, mode: str, rounds: int) -> dict[str, list[float]]:
    """Return seconds a step of each source of batches in each round."""
    model, sources = make_training(pack, mode)
    return time_in_turns({name: feed(model, source()) for name, source in sources.items()}, rounds, STEPS)


def measure_alone(pack: Path, mode: str, name: str) -> tuple[float, int]:
    """Return seconds to the first batch of one source, and the most bytes that this process held to train from it."""
    model, sources = make_training(pack, mode)
    started = time.perf_counter()
    next(iter(sources[name]()))
    seconds = time.perf_counter() - started
    step = feed(model, sources[name]())
    for _ in range(STEPS):
        step()
    return seconds, peak_bytes()


def make_training(pack: Path, mode: str) -> tuple:
    """Return the network `light`, and name → what makes its source of endless batches."""
    device, index = start_tensorflow(use_gpu=False, seed=0), load_pack_index(pack)
    from bearcat.training.callbacks import FollowTime
    from bearcat.training.text_pipeline import training_batches
    from models import build_for

    card = Card("benchmark", mode, "light", CHARACTERS, HEIGHT, WIDTH, 1, 8)
    model, card, _ = build_for(card, Recipe(precision=AUTO), device)
    width = card.make_codec().target_width(LENGTH)
    of_pack = partial(training_batches, pack, index, width, BATCH_SIZE, 0)
    sources = {
        MEMORY: partial(held_batches, pack, index, width),
        PLAIN: partial(of_pack, strength=None),
        JITTERED: partial(of_pack, strength=FollowTime(3600, peak=1e-3).strength),
    }
    return model, sources


def held_batches(pack: Path, index: PackIndex, width: int):
    """Return a few batches from a pack, jittered once and held in memory, again and again."""
    import tensorflow as tf

    from bearcat.data.online_augmentation import jitter
    from bearcat.training.text_pipeline import validation_batches

    batches = validation_batches(pack, index, width, BATCH_SIZE).take(IN_MEMORY)
    images, targets = zip(*((jitter(images), targets) for images, targets in batches), strict=True)
    return tf.data.Dataset.from_tensor_slices((tf.stack(images), tf.stack(targets))).repeat()


def feed(model, source) -> Callable[[], object]:
    """Return what trains a network by one step from a source of batches, as model.fit does."""
    batches = iter(source)
    model.train_on_batch(*next(batches))  # builds what Keras builds late
    model.make_train_function()
    return partial(model.train_function, batches)


def table_line(count: int, mode: str, seconds: dict[str, list[float]], alone: dict[str, tuple[float, int]]) -> str:
    """Return a row: images a second from memory, and what share of that the other sources reach, with quartiles."""
    cells = [f"{count:,}", mode, f"{BATCH_SIZE / statistics.median(seconds[MEMORY]):,.0f}/s"]
    for name in (PLAIN, JITTERED):
        low, middle, high = ratios(seconds[MEMORY], seconds[name])
        cells.append(f"{middle:.1%} ({low:.0%} – {high:.0%})")
    cells.append(f"{alone[JITTERED][0]:.1f} s")
    cells += [f"{alone[name][1] / 2**20:,.0f} MB" for name in (JITTERED, MEMORY)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
