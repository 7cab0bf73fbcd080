"""Measure exact match if length, characters or a pattern of the texts are known.

Reads:  a folder of zip files as in benchmarks/real_sets.py, which are not part of the project
Writes: a table on the screen; --results: one line of JSON per training, so that a second run continues
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.restrictions ../captchas --sets zfjw sysu4 --labels 25 --seconds 30
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bearcat.core.workspace import Work
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.images import open_image
from bearcat.data.labels.reading import list_images
from benchmarks.labels import complete, train_on_labels
from benchmarks.rejection import MODES
from utils import Image_Processing, Predict_Image

PATTERNS = {"bjtu_math": r"\d+[-+x]\d+="}
COLUMNS = ("plain", "length", "characters", "both", "pattern", "half_plain", "half_length", "half_rate")


def main() -> None:
    """Trains what is not among the results yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of zip files")
    parser.add_argument("--sets", nargs="+", metavar="NAME", required=True, help="sets of texts")
    parser.add_argument("--labels", type=int, default=25, help="number of labelled images (25)")
    parser.add_argument("--seconds", type=int, default=30, help="duration of each training (30)")
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    arguments = parser.parse_args()
    common = {"labels": arguments.labels, "weights": "pretrained", "seed": 0, "seconds": arguments.seconds}
    tasks = [{"set": name, "mode": mode} | common for mode in MODES for name in arguments.sets]
    rows = complete(tasks, arguments.results, lambda task: measure(task, arguments.data))
    print(f"| set | mode | {' | '.join(COLUMNS)} |\n{'| --- ' * (len(COLUMNS) + 2)}|")
    for row in rows:
        cells = [f"{row[column]:.1%}" if column in row else "" for column in COLUMNS]
        print(f"| {row['set']} | {row['mode']} | {' | '.join(cells)} |")


def measure(task: dict, data: Path) -> dict:
    """Trains as a task says, and predicts the test images under each restriction."""
    with tempfile.TemporaryDirectory() as folder:
        return predict_work(train_on_labels(task, data, Path(folder)), PATTERNS.get(task["set"], ""))


def predict_work(work: Work, pattern: str) -> dict[str, float]:
    """Returns the exact match under each restriction, and figures of the left halves of the images.

    A half has fewer characters than the length, so that every prediction of that length is wrong: `half_plain` and
    `half_length` are the fractions of halves with such a prediction of at least 90 % confidence, without and with the
    restriction to it; `half_rate` is the median probability of all texts of that length.
    """
    recogniser = Predict_Image(work.folder("App_model")).recogniser
    paths = list_images(work.data_folder("test"))
    labels = [Image_Processing.extraction_label(path) for path in paths]
    images = [open_image(path) for path in paths]
    shortest, characters = min(map(len, labels)), "".join(sorted(set("".join(labels))))
    length = f"{shortest}-{max(map(len, labels))}"
    cases = {"plain": (), "length": ("", length), "characters": (characters,), "both": (characters, length)}
    cases |= {"pattern": ("", "", pattern)} if pattern else {}
    figures = {"images": float(len(labels))}
    for name, case in cases.items():
        found = [recogniser.predict(image, Restriction.of(*case)) for image in images]
        figures[name] = float(np.mean([one.text == label for one, label in zip(found, labels, strict=True)]))
    halves = [image.crop((0, 0, image.width // 2, image.height)) for image in images]
    for name in ("plain", "length"):
        found = [recogniser.predict(half, Restriction.of(*cases[name])) for half in halves]
        figures[f"half_{name}"] = float(np.mean([one.confidence >= 0.9 and len(one.text) >= shortest for one in found]))
    figures["half_rate"] = float(np.median([one.allowed for one in found]))
    return figures


if __name__ == "__main__":
    main()
