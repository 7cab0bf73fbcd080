"""Measure what few labels give: the same training from the base recogniser and from nothing, on sets of others.

Reads:  a folder of zip files as benchmarks/real_sets.py says, which are not part of the project
Writes: a table on the screen; --results: one line of JSON a training, so that a second run goes on
Next:   put it into README.md where it differs

python -m benchmarks.labels ../captchas --sets zfjw --labels 25 100 --seconds 60 --seeds 0 1 2
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bearcat.core.workspace import Work
from benchmarks.real_sets import list_sets, make_work
from benchmarks.walking import walk

LABELS = (25, 50, 100, 200, 400, 0)
BASES = ("base", "None")
STEPS = ("pack_dataset.py", "train.py", "save_model.py", "test.py")


def main() -> None:
    """Train what is not among the results yet, and print the table."""
    arguments = parse_arguments()
    alike = {"seconds": arguments.seconds, "mode": arguments.mode, "otherwise": arguments.otherwise}
    tasks = [
        {"set": name, "labels": labels, "weights": weights, "seed": seed} | alike
        for seed in arguments.seeds
        for labels in arguments.labels
        for weights in arguments.weights
        for name in arguments.sets or list_sets(arguments.data)
    ]
    print_table(complete(tasks, arguments.results, lambda task: measure(task, arguments.data)))


def parse_arguments() -> argparse.Namespace:
    """Return what is to be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of zip files")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument("--labels", nargs="+", type=int, default=LABELS, help="how many images; 0: all")
    parser.add_argument("--weights", nargs="+", choices=BASES, default=BASES)
    parser.add_argument("--seconds", type=int, default=60, help="of each training (60)")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--mode", help="what cheak_file.py suggests, unless given")
    parser.add_argument("--otherwise", nargs="+", default=[], metavar="NAME=VALUE", help="settings to try")
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    return parser.parse_args()


def complete(tasks: list[dict], results: Path | None, measure_one: Callable[[dict], dict]) -> list[dict]:
    """Return tasks with their figures: those of earlier runs, and what is measured now for the others."""
    done = read_results(results)
    for task in tasks:
        if not any(task.items() <= row.items() for row in done):
            done.append(task | measure_one(task))
            print(json.dumps(done[-1]), flush=True)
            if results:
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[-1]) + "\n")
    return [row for row in done for task in tasks if task.items() <= row.items()]


def read_results(path: Path | None) -> list[dict]:
    """Return what earlier runs measured."""
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measure(task: dict, data: Path) -> dict:
    """Return what test.py and train.py report of a training with so many labels."""
    with tempfile.TemporaryDirectory() as folder:
        work = walk_road(task, data, Path(folder))
        test, train = (json.loads(work.report_file(step).read_text(encoding="utf-8")) for step in ("test", "train"))
    return {
        "exact": test["exact"],
        "images": test["images"],
        "epochs": train["epochs_run"],
        "images_per_second": train["images_per_second"],
        "mode_trained": train["mode"],
    }


def walk_road(task: dict, data: Path, parent: Path) -> Work:
    """Return a work that has walked the road with so many labels, as a person would walk it."""
    archive = data / f"{task['set']}.zip"
    work = make_work(archive, parent, task["set"], task["labels"] or None, task["seed"])
    walk(work.path, "cheak_file.py", "--apply")
    weights = None if task["weights"] == "None" else task["weights"]
    values = {"WEIGHTS": repr(weights), "TRAIN_SECONDS": task["seconds"], "SEED": task["seed"]}
    if task.get("mode"):
        values["MODE"] = repr(task["mode"])
    changed = [f"{name}={value}" for name, value in values.items()] + task.get("otherwise", [])
    options = [word for pair in changed for word in ("--set", pair)]
    for step in STEPS:
        walk(work.path, step, *options)
    return work


def print_table(rows: list[dict]) -> None:
    """Print one line of a Markdown table for each set and beginning: the mean and the spread over the seeds."""
    exact = defaultdict(lambda: defaultdict(list))
    for row in rows:
        beginning = "the base" if row["weights"] == "base" else "nothing"
        exact[row["set"], ", ".join([beginning, *row.get("otherwise", [])])][row["labels"]].append(row["exact"])
    counts = sorted({row["labels"] for row in rows}, key=lambda count: count or float("inf"))
    print("| set | from | " + " | ".join(str(count or "all") for count in counts) + " |")
    print("| --- | --- |" + " --- |" * len(counts))
    for (name, beginning), by_count in sorted(exact.items()):
        cells = [in_words(by_count[count]) for count in counts]
        print(f"| {name} | {beginning} | {' | '.join(cells)} |")


def in_words(figures: list[float]) -> str:
    """Return a mean in per cent, with the least and the most where there are several."""
    if not figures:
        return ""
    spread = f" [{min(figures):.1%}, {max(figures):.1%}]" if len(figures) > 1 else ""
    return f"{statistics.mean(figures):.1%}{spread}"


if __name__ == "__main__":
    main()
