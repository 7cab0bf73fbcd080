"""Compare Bearcat with other recognisers on the same images and the same machine.

Reads:  a folder of zip files as in benchmarks/real_sets.py; without one: 1,200 generated captchas of four digits
Writes: a table on the screen; --results: one line of JSON per row, so that a second run continues
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.peers ../captchas --sets captchav2 --seconds 30

Spaces are ignored, and case if all labels of a set have the same (ddddocr and tesseract cannot know which).
Peers that are not installed are skipped: pip install ddddocr torch; Debian: apt-get install tesseract-ocr.
"""

import argparse
from pathlib import Path

from bearcat.core.errors import BearcatError
from bearcat.core.intervals import wilson_interval
from benchmarks.labels import complete
from benchmarks.peers.measure import GENERATED, PEERS, measure_alone
from benchmarks.real_sets import list_sets

FORMER_NAMES = {"Bearcat from nothing": "Bearcat from scratch"}
HEADER = "| set | peer | exact match | training | to 95 % | parameters | time per image | CPU per image |"


def main() -> None:
    """Measures what is not among the results yet, and prints the table."""
    arguments = parse_arguments()
    budget = {"seconds": arguments.seconds, "limit": arguments.limit, "labels": arguments.labels}
    installed = [name for name in arguments.peers if PEERS[name].is_installed()]
    for name in arguments.peers:
        if name not in installed:
            print(f"{name} is skipped: it is not installed", flush=True)
    tasks = [{"set": name, "peer": peer} | budget for name in arguments.sets for peer in installed]
    rows = complete(tasks, arguments.results, lambda task: measure_alone(task, arguments.data))
    print("\n".join([HEADER, "| --- " * HEADER.count(" | ") + "| --- |", *map(table_line, rows)]))


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="the folder of zip files (without one: generated captchas)")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument(
        "--peers", nargs="+", metavar="NAME", type=peer_name, choices=PEERS, default=list(PEERS), help="(all)"
    )
    parser.add_argument("--labels", type=int, default=0, help="number of labelled images; 0: all (0)")
    parser.add_argument("--seconds", type=int, default=60, help="duration of Bearcat's training (60)")
    parser.add_argument("--limit", type=int, default=0, help="longest training of the others in seconds; 0: none (0)")
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    arguments = parser.parse_args()
    sets = list_sets(arguments.data) if arguments.data else [GENERATED]
    arguments.sets = arguments.sets or sets
    unknown = sorted(set(arguments.sets) - set(sets))
    if unknown:
        parser.error(f"no such set among {', '.join(sets) or 'none'}: {', '.join(unknown)}")
    return arguments


def peer_name(name: str) -> str:
    """Returns the present name of a peer."""
    return FORMER_NAMES.get(name, name)


def table_line(row: dict) -> str:
    """Formats a row of the Markdown table."""
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
    """Formats a duration; None is a dash."""
    return "–" if seconds is None else f"{seconds:.0f} s"


if __name__ == "__main__":
    try:
        main()
    except BearcatError as error:
        raise SystemExit(str(error)) from None
