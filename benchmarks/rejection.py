"""Measure exact match after rejecting the least confident predictions, and whether beam search improves on greedy CTC.

Reads:  a folder of zip files as in benchmarks/real_sets.py, which are not part of the project
Writes: a table on the screen; --results: one line of JSON per training, so that a second run continues
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.rejection ../captchas --sets zfjw --labels 100 --seconds 30
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from bearcat.core.devices import start_tensorflow
from bearcat.core.workspace import Work
from bearcat.data.labels.reading import list_images
from bearcat.data.vocabulary import BLANK_INDEX
from benchmarks.labels import complete, train_on_labels
from benchmarks.real_sets import list_sets
from utils import Image_Processing, Predict_Image

MODES = ("ORDINARY", "CTC")
BEAM_WIDTH = 32
REJECTED = (0, 0.01, 0.05, 0.1)  # fractions of the predictions, of those that test.py reports


def main() -> None:
    """Trains what is not among the results yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of zip files")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument("--labels", type=int, default=100, help="number of labelled images; 0: all (100)")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--seconds", type=int, default=30, help="duration of each training (30)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    arguments = parser.parse_args()
    common = {
        "labels": arguments.labels,
        "weights": "pretrained",
        "seed": arguments.seed,
        "seconds": arguments.seconds,
    }
    names = arguments.sets or list_sets(arguments.data)
    tasks = [{"set": name, "mode": mode} | common for name in names for mode in arguments.modes]
    print_table(complete(tasks, arguments.results, lambda task: measure(task, arguments.data)))


def measure(task: dict, data: Path) -> dict:
    """Trains and tests as a task says, and returns figures from report/test.json and of beam search."""
    with tempfile.TemporaryDirectory() as folder:
        work = train_on_labels(task, data, Path(folder))
        test = json.loads(work.report_file("test").read_text(encoding="utf-8"))
        beam = compare_beam_search(work) if task["mode"] == "CTC" else {}
    exact = {row["left"]: row["exact"] for row in test["coverage"]}
    return {
        "images": test["images"],
        "misread": test["mistakes"],  # to look at: some of their labels are wrong
        "exact": [exact[fraction] for fraction in REJECTED],
        "calibration_error": test["expected_calibration_error"],
        **beam,
    }


def compare_beam_search(work: Work) -> dict[str, int]:
    """Returns the exact matches of greedy decoding and of beam search, and the number of different predictions."""
    recogniser = Predict_Image(work.folder("App_model")).recogniser
    paths = list_images(work.data_folder("test"))
    labels = [Image_Processing.extraction_label(path) for path in paths]
    pixels = np.stack([Image_Processing.extraction_image(path, recogniser.card.spec) for path in paths])
    logits = recogniser.engine.logits(pixels.astype(np.float32))
    codec = recogniser.card.make_codec()
    greedy = [prediction.text for prediction in codec.decode(logits)]
    beam = [codec.vocabulary.decode(indices) for indices in beam_search(logits)]
    return {
        "greedy_right": sum(map(str.__eq__, greedy, labels)),
        "beam_right": sum(map(str.__eq__, beam, labels)),
        "beam_differs": sum(map(str.__ne__, greedy, beam)),
    }


def beam_search(logits: np.ndarray) -> list[list[int]]:
    """Returns the class indices of the most probable label of each image by CTC beam search.

    Args:
        logits: (images, steps, classes).
    """
    start_tensorflow(use_gpu=False)
    import tensorflow as tf

    blank_last = np.roll(logits, -1 - BLANK_INDEX, axis=-1).transpose(1, 0, 2)
    steps = np.full(len(logits), logits.shape[1], np.int32)
    decoded, _ = tf.nn.ctc_beam_search_decoder(blank_last, steps, beam_width=BEAM_WIDTH, top_paths=1)
    padded = tf.sparse.to_dense(decoded[0], default_value=-1).numpy()
    return [[int(index) + 1 for index in indices if index >= 0] for indices in padded]


def error_ratio(all_errors: float, rest_errors: float) -> str:
    """Returns the error rate of all predictions divided by that of the rest after rejection."""
    if not all_errors:
        return "no mistake"
    return f"{all_errors / rest_errors:.1f}" if rest_errors else "none left"


def best_error(images: int, mistakes: int, fraction: float) -> float:
    """Returns the error rate of the rest if the rejected fraction contains as many mistakes as possible."""
    rejected = int(fraction * images)
    return max(0, mistakes - rejected) / (images - rejected)


def print_table(rows: list[dict]) -> None:
    """Prints a Markdown table, one row for each set and mode."""
    print("| set | mode | images | mistakes | all | 99 % | 95 % | 90 % | ratio at 99 % | at best | beam search |")
    print("| --- " * 11 + "|")
    for row in sorted(rows, key=lambda row: (MODES.index(row["mode"]), row["set"])):
        all_errors, rest_errors = 1 - row["exact"][0], 1 - row["exact"][1]
        best = error_ratio(all_errors, best_error(row["images"], len(row["misread"]), REJECTED[1]))
        exact = [f"{fraction:.2%}" for fraction in row["exact"]]
        cells = [row["set"], row["mode"], f"{row['images']:,}", len(row["misread"]), *exact]
        cells += [error_ratio(all_errors, rest_errors), best, describe_beam_search(row)]
        print(f"| {' | '.join(map(str, cells))} |")


def describe_beam_search(row: dict) -> str:
    """Returns what beam search changes, '' if it was not tried."""
    if "beam_right" not in row:
        return ""
    gained = row["beam_right"] - row["greedy_right"]
    return f"{row['beam_differs']} differ, {gained:+d} correct"


if __name__ == "__main__":
    main()
