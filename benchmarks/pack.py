"""Measures packing: images per second, compared with decoding them with Pillow alone, and peak memory.

Reads:  nothing
Writes: prints a table; images in a temporary folder, which is deleted
Next:   update docs/benchmarks.md if the figures differ
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image, ImageDraw, ImageFont

from bearcat.core.progress import map_in_threads, show_progress
from bearcat.core.settings_file import change_settings_file
from bearcat.core.workspace import Work, create_work
from bearcat.data.images import open_image
from bearcat.data.labels.reading import list_images

ROOT = Path(__file__).resolve().parent.parent
COUNTS = (10_000, 100_000)
WIDTH, HEIGHT, LENGTH = 120, 40, 4
SPECKLES = 40
POLL_SECONDS = 0.1


def main() -> None:
    """Prints a row of a Markdown table for each number of images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="*", type=int, default=COUNTS, metavar="IMAGES")
    counts = parser.parse_args().counts
    print("| images | only decoded | packed | whole step | peak memory |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            print(measure(Path(folder), count), flush=True)


def measure(parent: Path, count: int) -> str:
    """Returns the row for a number of training images: images per second, and peak memory of all processes in MB."""
    work = create_work(parent, f"pack_{count}", activate=False)
    work.make_folders()
    change_settings_file(work.settings_file, {"IMAGE_HEIGHT": HEIGHT, "IMAGE_WIDTH": WIDTH, "CAPTCHA_LENGTH": LENGTH})
    draw_images(work.data_folder("train"), count)
    draw_images(work.data_folder("validation"), 1, seed=1)
    decoded = count / decoding_seconds(work.data_folder("train"))
    started = time.perf_counter()
    peak = peak_memory([sys.executable, "pack_dataset.py", "--work", str(work.path)])
    whole = count / (time.perf_counter() - started)
    packed = count / packing_seconds(work)
    return f"| {count:,} | {decoded:,.0f}/s | {packed:,.0f}/s | {whole:,.0f}/s | {peak / 2**20:,.0f} MB |"


def draw_images(folder: Path, count: int, seed: int = 0) -> None:
    """Writes labelled images of coloured digits on speckles, all different."""
    choose, font = random.Random(seed), ImageFont.load_default(24)
    for number in show_progress(range(count), count, f"drawing {folder.name}"):
        text = "".join(choose.choices("0123456789", k=LENGTH))
        image = Image.new("RGB", (WIDTH, HEIGHT), tuple(choose.choices(range(180, 256), k=3)))
        canvas = ImageDraw.Draw(image)
        for position, character in enumerate(text):
            ink = tuple(choose.choices(range(120), k=3))
            canvas.text((8 + 27 * position + choose.randint(-5, 5), choose.randint(0, 12)), character, ink, font)
        for _ in range(SPECKLES):
            canvas.point((choose.randrange(WIDTH), choose.randrange(HEIGHT)), tuple(choose.choices(range(256), k=3)))
        image.save(folder / f"{text}_{number}.png", compress_level=1)


def decoding_seconds(folder: Path) -> float:
    """Returns the seconds in which all cores open the images of a folder."""
    paths = list_images(folder)
    started = time.perf_counter()
    for _ in map_in_threads(open_image, paths):
        pass
    return time.perf_counter() - started


def packing_seconds(work: Work) -> float:
    """Returns the seconds that pack_dataset.py reports, which exclude the start of the script."""
    return json.loads(work.report_file("pack").read_text(encoding="utf-8"))["seconds"]


def peak_memory(command: list[str]) -> int:
    """Runs a command and returns the peak memory of it and its children in bytes; exits if it fails."""
    peak = 0
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONUTF8": "1"}
    ) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, resident_memory(watched))
            time.sleep(POLL_SECONDS)
    if process.returncode:
        raise SystemExit(f"pack_dataset.py ended with {process.returncode}")
    return peak


def resident_memory(process: psutil.Process) -> int:
    """Returns the resident memory of a process and its children in bytes; 0 if it has just ended."""
    try:
        return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
