"""Measure how long cheak_file.py takes for 100,000 images.

Reads:  nothing
Writes: a line on the screen; images in a temporary folder, taken away at the end
Next:   put it into README.md where it differs
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
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def main() -> None:
    """Draw the images, look at them, and print the seconds of the second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT, metavar="PICTURES")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        work = create_work(Path(folder), "check", activate=False)
        work.make_folders()
        for seed, (split, share) in enumerate(SHARES.items()):
            draw_images(work.data_folder(split), round(count * share), seed)
        started = time.perf_counter()
        subprocess.run([sys.executable, "cheak_file.py", "--work", str(work.path)], cwd=ROOT, check=True)
        seconds = time.perf_counter() - started
    print(f"{count:,} images in {seconds:.1f} s: {count / seconds:,.0f} a second")


if __name__ == "__main__":
    main()
