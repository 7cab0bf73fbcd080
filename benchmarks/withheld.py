"""Measure whether a unit knows when it is wrong: what is right of the surest answers, and whether beam search helps.

Reads:  a folder of zip files as benchmarks/real_sets.py says, which are not part of the project
Writes: a table on the screen; --results: one line of JSON a training, so that a second run goes on
Next:   put it into benchmarks/README.md where it differs

python -m benchmarks.withheld ../captchas --sets zfjw --labels 100 --seconds 30
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from bearcat.core.devices import start_tensorflow
from bearcat.core.workspace import Work
from bearcat.data.labels import list_images
from bearcat.data.vocabulary import BLANK_INDEX
from benchmarks.labels import complete, walk_road
from benchmarks.real_sets import list_sets
from utils import Image_Processing, Predict_Image

MODES = ("ORDINARY", "CTC")
BEAM = 32  # paths kept
LEFT = (0, 0.01, 0.05, 0.1)  # shares of the answers withheld, of those that test.py reports


def main() -> None:
    """Train what is not among the results yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of zip files")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument("--labels", type=int, default=100, help="how many images; 0: all (100)")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--seconds", type=int, default=30, help="of each training (30)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    arguments = parser.parse_args()
    of_all = {"labels": arguments.labels, "weights": "base", "seed": arguments.seed, "seconds": arguments.seconds}
    names = arguments.sets or list_sets(arguments.data)
    tasks = [{"set": name, "mode": mode} | of_all for name in names for mode in arguments.modes]
    print_table(complete(tasks, arguments.results, lambda task: measure(task, arguments.data)))


def measure(task: dict, data: Path) -> dict:
    """Return what test.py reports of a training's confidence, and what beam search reads of the same images."""
    with tempfile.TemporaryDirectory() as folder:
        work = walk_road(task, data, Path(folder))
        test = json.loads(work.report_file("test").read_text(encoding="utf-8"))
        beam = compare_beam(work) if task["mode"] == "CTC" else {}
    exact = {row["left"]: row["exact"] for row in test["coverage"]}
    return {
        "images": test["images"],
        "misread": test["mistakes"],  # for the eye: some of them are wrong labels
        "exact": [exact[left] for left in LEFT],
        "calibration_error": test["expected_calibration_error"],
        **beam,
    }


def compare_beam(work: Work) -> dict[str, int]:
    """Return how many test images are right by the best path and by beam search, and how many readings differ."""
    recogniser = Predict_Image(work.folder("App_model")).recogniser
    paths = list_images(work.data_folder("test"))
    labels = [Image_Processing.extraction_label(path) for path in paths]
    pixels = np.stack([Image_Processing.extraction_image(path, recogniser.card.spec) for path in paths])
    logits = recogniser.engine.logits(pixels.astype(np.float32))
    codec = recogniser.card.make_codec()
    greedy = [prediction.text for prediction in codec.decode(logits)]
    beam = [codec.vocabulary.decode(rows) for rows in beam_rows(logits)]
    return {
        "greedy_right": sum(map(str.__eq__, greedy, labels)),
        "beam_right": sum(map(str.__eq__, beam, labels)),
        "beam_differs": sum(map(str.__ne__, greedy, beam)),
    }


def beam_rows(logits: np.ndarray) -> list[list[int]]:
    """Return the rows of the likeliest label of logits (N, steps, rows) by CTC's beam search."""
    start_tensorflow(use_gpu=False)
    import tensorflow as tf

    blank_last = np.roll(logits, -1 - BLANK_INDEX, axis=-1).transpose(1, 0, 2)
    steps = np.full(len(logits), logits.shape[1], np.int32)
    decoded, _ = tf.nn.ctc_beam_search_decoder(blank_last, steps, beam_width=BEAM, top_paths=1)
    padded = tf.sparse.to_dense(decoded[0], default_value=-1).numpy()
    return [[int(row) + 1 for row in rows if row >= 0] for rows in padded]


def fewer(errors: list[float]) -> str:
    """Return how many times as rarely the rest is wrong as all are, in words."""
    everything, rest = errors
    if not everything:
        return "no mistake"
    return f"{everything / rest:.1f}" if rest else "none left"


def least_error(images: int, mistakes: int, share: float) -> float:
    """Return the share wrong of the rest where what is withheld is wrong as far as there are mistakes."""
    skipped = int(share * images)
    return max(0, mistakes - skipped) / (images - skipped)


def print_table(rows: list[dict]) -> None:
    """Print one line of a Markdown table for each set and mode."""
    print("| set | mode | images | wrong | all | 99 % | 95 % | 90 % | rarer wrong at 99 % | at best | beam search |")
    print("| --- " * 11 + "|")
    for row in sorted(rows, key=lambda row: (MODES.index(row["mode"]), row["set"])):
        errors = [1 - row["exact"][0], 1 - row["exact"][1]]
        best = fewer([errors[0], least_error(row["images"], len(row["misread"]), LEFT[1])])
        exact = [f"{share:.2%}" for share in row["exact"]]
        cells = [row["set"], row["mode"], f"{row['images']:,}", len(row["misread"]), *exact]
        print(f"| {' | '.join(map(str, cells))} | {fewer(errors)} | {best} | {beam_in_words(row)} |")


def beam_in_words(row: dict) -> str:
    """Return what beam search reads otherwise, '' where there is none."""
    if "beam_right" not in row:
        return ""
    gained = row["beam_right"] - row["greedy_right"]
    return f"{row['beam_differs']} differ, {gained:+d} right"


if __name__ == "__main__":
    main()
