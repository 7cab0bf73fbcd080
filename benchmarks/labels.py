"""Measure exact match with few labels: the same training from pretrained weights and from scratch.

Reads:  a folder of zip files as in benchmarks/real_sets.py, which are not part of the project
Writes: a table on the screen; --results: one line of JSON per training, so that a second run continues
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.labels ../captchas --sets zfjw --labels 25 100 --seconds 60 --seeds 0 1 2
python -m benchmarks.labels ../captchas --labels 25 50 --weights pretrained --unlabelled 0 1500
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
from benchmarks.warm_runner import run_step

LABELS = (25, 50, 100, 200, 400, 0)
WEIGHTS = {"pretrained": "pretrained weights", "None": "scratch"}
STEPS = ("pack_dataset.py", "train.py", "save_model.py", "test.py")


def main() -> None:
    """Trains what is not among the results yet, and prints the table."""
    arguments = parse_arguments()
    common = {"seconds": arguments.seconds, "mode": arguments.mode, "otherwise": arguments.settings}
    tasks = [
        {"set": name, "labels": labels, "weights": weights, "seed": seed, "unlabelled": unlabelled} | common
        for seed in arguments.seeds
        for labels in arguments.labels
        for weights in arguments.weights
        for unlabelled in arguments.unlabelled
        for name in arguments.sets or list_sets(arguments.data)
    ]
    print_table(complete(tasks, arguments.results, lambda task: measure(task, arguments.data)))


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of zip files")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument("--labels", nargs="+", type=int, default=LABELS, help="number of labelled images; 0: all")
    parser.add_argument("--weights", nargs="+", type=weights_name, choices=WEIGHTS, default=list(WEIGHTS))
    parser.add_argument(
        "--unlabelled",
        nargs="+",
        type=int,
        default=[0],
        metavar="NUMBER",
        help="most of the other training images to use without their labels; more than 0 doubles the duration (0)",
    )
    parser.add_argument("--seconds", type=int, default=60, help="duration of each training (60)")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--mode", help="(what cheak_file.py recommends)")
    parser.add_argument(
        "--settings", "--otherwise", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the trainings"
    )
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    return parser.parse_args()


def weights_name(name: str) -> str:
    """Returns the name of the initial weights; 'base' is the former name of 'pretrained'."""
    return "pretrained" if name == "base" else name


def complete(tasks: list[dict], results: Path | None, measure_one: Callable[[dict], dict]) -> list[dict]:
    """Returns tasks with their figures, from the results of earlier runs or measured now and added to them."""
    rows = read_results(results)
    for task in tasks:
        if not any(task.items() <= row.items() for row in rows):
            rows.append(task | measure_one(task))
            line = json.dumps(rows[-1])
            print(line, flush=True)
            if results:
                with results.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
    return [row for row in rows for task in tasks if task.items() <= row.items()]


def read_results(path: Path | None) -> list[dict]:
    """Returns the rows of earlier runs."""
    if path is None or not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    former = ({"unlabelled": 0} | row for row in rows)
    return [row | {"weights": weights_name(row["weights"])} if "weights" in row else row for row in former]


def measure(task: dict, data: Path) -> dict:
    """Trains and tests as a task says, and returns figures from the reports."""
    with tempfile.TemporaryDirectory() as folder:
        work = train_on_labels(task, data, Path(folder))
        test, train = (json.loads(work.report_file(step).read_text(encoding="utf-8")) for step in ("test", "train"))
    return {
        "exact": test["exact"],
        "images": test["images"],
        "epochs": train["epochs_run"],
        "images_per_second": train["images_per_second"],
        "mode_trained": train["mode"],
        "self_training": train.get("self_training"),
    }


def train_on_labels(task: dict, data: Path, parent: Path) -> Work:
    """Makes a work with as many labelled images as a task says, and runs all steps up to test.py on it.

    Args:
        task: Set, labels, weights, seed and seconds; mode, otherwise and unlabelled are optional.
        data: The folder of zip files.
        parent: Takes the work.
    """
    archive = data / f"{task['set']}.zip"
    drawn = task["labels"] or None, task["seed"], task.get("unlabelled", 0)
    work = make_work(archive, parent, task["set"], *drawn)
    run_step(work.path, "cheak_file.py", "--apply")
    weights = None if task["weights"] == "None" else task["weights"]
    settings = {"WEIGHTS": repr(weights), "TRAIN_SECONDS": task["seconds"], "SEED": task["seed"]}
    if task.get("mode"):
        settings["MODE"] = repr(task["mode"])
    assignments = [f"{name}={value}" for name, value in settings.items()] + task.get("otherwise", [])
    options = [option for assignment in assignments for option in ("--set", assignment)]
    for step in STEPS:
        run_step(work.path, step, *options)
    return work


def print_table(rows: list[dict]) -> None:
    """Prints a Markdown table, one row for each set and initial weights: mean and range over the seeds."""
    exact: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        others = [f"{row['unlabelled']:,} without labels"] if row.get("unlabelled") else []
        start = ", ".join([WEIGHTS[row["weights"]], *others, *row.get("otherwise", [])])
        exact[row["set"], start][row["labels"]].append(row["exact"])
    counts = sorted({row["labels"] for row in rows}, key=lambda count: count or float("inf"))
    print("| set | from | " + " | ".join(str(count or "all") for count in counts) + " |")
    print("| --- | --- |" + " --- |" * len(counts))
    for (name, start), by_count in sorted(exact.items()):
        cells = [mean_and_range(by_count[count]) for count in counts]
        print(f"| {name} | {start} | {' | '.join(cells)} |")


def mean_and_range(values: list[float]) -> str:
    """Formats a mean as a percentage, with the smallest and the largest value if there are several."""
    if not values:
        return ""
    spread = f" [{min(values):.1%}, {max(values):.1%}]" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1%}{spread}"


if __name__ == "__main__":
    main()
