"""Make the base recogniser again: draw pictures, train on them, write base/<backbone>.keras.

Reads:  fonts of the system (Debian: see base/README.md), nothing else: no captcha that somebody labelled
Writes: <cache>/pictures.npy, <cache>/texts.json, base/<backbone>.keras
Next:   python train.py, in any work with a text mode: WEIGHTS = 'base' starts from there

python -m base.make --pictures 200000 --minutes 40
"""

import argparse
import json
import os
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base import drawing
from base.texts import CHARACTERS, choose_text
from bearcat.fonts import fonts_with
from bearcat.sight import HEIGHT, LEAST_WIDTH

CHUNK = 500  # pictures a task
INVERTED = 0.15  # share of the others' pictures, which are dark on light otherwise


def main() -> None:
    """Draw what is not drawn yet, and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=40.0, help="of training")
    parser.add_argument("--backbone", default="light", help="light (ORDINARY, CTC) or tiny (CTC_TINY)")
    parser.add_argument("--cache", type=Path, default=Path("works/.base"), help="where the pictures are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--go-on", action="store_true", help="train the base that is there for longer")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    pictures, texts = draw_all(arguments.pictures, arguments.cache)
    from base.training import train  # imports Keras

    start = arguments.out / f"{arguments.backbone}.keras" if arguments.go_on else None
    train(pictures, texts, arguments.backbone, 60 * arguments.minutes, arguments.out, start)


def draw_all(count: int, cache: Path) -> tuple[np.ndarray, list[str]]:
    """Return pictures uint8 (count, HEIGHT, LEAST_WIDTH) and their texts: those in the cache, or drawn on all cores."""
    files = cache / f"pictures_{count}.npy", cache / f"texts_{count}.json"
    if not all(file.is_file() for file in files):
        pictures = np.lib.format.open_memmap(files[0], "w+", np.uint8, (count, HEIGHT, LEAST_WIDTH))
        texts = []
        fonts = fonts_with(CHARACTERS)
        print(f"{len(fonts)} fonts", flush=True)
        starts = range(0, count, CHUNK)
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            tasks = [pool.submit(draw_some, fonts, start, min(CHUNK, count - start)) for start in starts]
            for start, task in zip(starts, tqdm(tasks, unit_scale=CHUNK, unit=" pictures"), strict=True):
                drawn, read = task.result()
                pictures[start : start + len(drawn)] = drawn
                texts += read
        pictures.flush()
        files[1].write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
    return np.load(files[0], mmap_mode="r"), json.loads(files[1].read_text(encoding="utf-8"))


def draw_some(fonts: list[Path], first: int, count: int) -> tuple[np.ndarray, list[str]]:
    """Return pictures number first, first + 1, … and their texts."""
    from base import others

    drawers = {drawing.draw: 6, others.draw_captcha: 3, others.draw_wheezy: 2}
    made = []
    for number in range(first, first + count):
        source = random.Random(f"base/{number}")
        text = choose_text(source)
        (draw,) = source.choices(list(drawers), drawers.values())
        if not text.isalnum():
            draw = drawing.draw  # wheezy.captcha fails on signs, and captchas of sums look plainer than its
        picture = draw(text, fonts, source).convert("L").resize((LEAST_WIDTH, HEIGHT))
        pixels = np.asarray(picture)
        made.append((255 - pixels if draw is not drawing.draw and source.random() < INVERTED else pixels, text))
    return np.stack([pixels for pixels, _ in made]), [text for _, text in made]


if __name__ == "__main__":
    main()
