"""Measure how long cheak_file.py takes for 100,000 images.

Reads:  nothing
Writes: a line on the screen; images in a temporary folder, which is deleted at the end
Next:   update docs/benchmarks.md if the figure differs
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bearcat.core.workspace import create_work
from benchmarks.pack import ROOT, draw_images

COUNT = 100_000
FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def main() -> None:
    """Draws the images, checks them, and prints how long the check takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT, metavar="IMAGES")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        work = create_work(Path(folder), "check", activate=False)
        work.make_folders()
        for seed, (split, fraction) in enumerate(FRACTIONS.items()):
            draw_images(work.data_folder(split), round(count * fraction), seed)
        started = time.perf_counter()
        subprocess.run([sys.executable, "cheak_file.py", "--work", str(work.path)], cwd=ROOT, check=True)
        seconds = time.perf_counter() - started
    print(f"{count:,} images in {seconds:.1f} s: {count / seconds:,.0f} per second")


if __name__ == "__main__":
    main()
