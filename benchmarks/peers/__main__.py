"""Compare Bearcat with what people would use in its place: the same images, the same machine, the same run.

Reads:  a folder of zip files as benchmarks/real_sets.py says; none: 1,200 captchas of four digits, drawn here
Writes: a table on the screen; --results: one line of JSON a row, so that a second run goes on
Next:   put it into README.md where it differs

python -m benchmarks.peers ../captchas --sets captchav2 --seconds 30

Spaces don't count; nor does case, where all labels of a set are in one (ddddocr and tesseract can't know which).
What is not installed is left out: pip install ddddocr torch; Debian: apt-get install tesseract-ocr.
"""

import argparse
from pathlib import Path

from bearcat.core.errors import BearcatError
from bearcat.reports.text_scores import wilson_interval
from benchmarks.labels import complete
from benchmarks.peers.measuring import GENERATED, PEERS, measure_alone
from benchmarks.real_sets import list_sets

HEADER = "| set | peer | exact match | training | to 95 % | parameters | an image | CPU an image |"


def main() -> None:
    """Measure what is not among the results yet, and print the table."""
    arguments = parse_arguments()
    budget = {"seconds": arguments.seconds, "limit": arguments.limit, "labels": arguments.labels}
    here = [name for name in arguments.peers if PEERS[name].is_here()]
    for name in arguments.peers:
        if name not in here:
            print(f"{name} is left out, it is not installed", flush=True)
    tasks = [{"set": name, "peer": peer} | budget for name in arguments.sets for peer in here]
    rows = complete(tasks, arguments.results, lambda task: measure_alone(task, arguments.data))
    print("\n".join([HEADER, "| --- " * HEADER.count(" | ") + "| --- |", *map(table_line, rows)]))


def parse_arguments() -> argparse.Namespace:
    """Return what is to be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="the folder of zip files (none: drawn captchas)")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument("--peers", nargs="+", metavar="NAME", choices=PEERS, default=list(PEERS), help="(all)")
    parser.add_argument("--labels", type=int, default=0, help="how many labelled images; 0: all (0)")
    parser.add_argument("--seconds", type=int, default=60, help="of our training (60)")
    parser.add_argument("--limit", type=int, default=0, help="of the others' in seconds; 0: their own rules (0)")
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    arguments = parser.parse_args()
    there = list_sets(arguments.data) if arguments.data else [GENERATED]
    arguments.sets = arguments.sets or there
    if not set(arguments.sets) <= set(there):
        parser.error(f"no such set among {', '.join(there) or 'none'}: {', '.join(set(arguments.sets) - set(there))}")
    return arguments


def table_line(row: dict) -> str:
    """Return a row's line of a Markdown table."""
    low, high = wilson_interval(row["right"], row["images"])
    cells = [
        row["set"],
        row["peer"],
        f"{row['right'] / row['images']:.1%} [{low:.1%}, {high:.1%}]",
        in_seconds(row["train_seconds"]),
        in_seconds(row["seconds_to_enough"]),
        "–" if row["parameters"] is None else f"{row['parameters']:,}",
        f"{row['milliseconds']:.1f} ms",
        f"{row['cpu_milliseconds']:.1f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def in_seconds(seconds: float | None) -> str:
    """Return a time in words; what never came is a dash."""
    return "–" if seconds is None else f"{seconds:.0f} s"


if __name__ == "__main__":
    try:
        main()
    except BearcatError as error:
        raise SystemExit(str(error)) from None
