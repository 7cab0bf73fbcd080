"""Measure pretrained weights on kinds of captchas that they once failed on, drawn with fonts that they never saw.

Reads:  fonts of the system or of --fonts (Debian packages: benchmarks/unseen_kinds/fonts.py)
Writes: a table on the screen; --folder: the sets as zip files; --results: one line of JSON per training
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.unseen_kinds --labels 50 --seconds 60
python -m benchmarks.unseen_kinds --sets length_4 length_8 length_12 --labels 25 50 200 --mode CTC
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.labels import complete, measure, print_table
from benchmarks.unseen_kinds.archives import draw_archive
from benchmarks.unseen_kinds.fonts import FAMILIES, find_families
from benchmarks.unseen_kinds.kinds import SETS, UNSEEN


def main() -> None:
    """Draws the sets, trains what is not among the results yet, and prints the table."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        drawn = draw_missing(folder, arguments.sets, arguments.fonts)
        tasks = [
            {"set": name, "labels": labels, "weights": "pretrained", "seed": seed}
            | {"seconds": arguments.seconds, "mode": arguments.mode, "otherwise": arguments.settings}
            for seed in arguments.seeds
            for labels in arguments.labels
            for name in drawn
        ]
        rows = complete([] if arguments.draw_only else tasks, arguments.results, lambda task: measure(task, folder))
    if rows:
        print_table(rows)


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sets", nargs="+", metavar="NAME", choices=SETS, default=list(UNSEEN), help="(all but length_…)"
    )
    parser.add_argument("--labels", nargs="+", type=int, default=[50], help="number of labelled images (50)")
    parser.add_argument("--seconds", type=int, default=60, help="duration of each training (60)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--mode", help="(what cheak_file.py recommends)")
    parser.add_argument("--settings", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the trainings")
    parser.add_argument("--fonts", type=Path, help="folder of the fonts (those of the system)")
    parser.add_argument("--folder", type=Path, help="where the sets are kept (a temporary folder)")
    parser.add_argument("--results", type=Path, help="a file of JSON lines")
    parser.add_argument("--draw-only", action="store_true", help="do not train")
    return parser.parse_args()


def draw_missing(folder: Path, names: list[str], fonts: Path | None) -> list[str]:
    """Draws the sets that a folder lacks; returns those that it has then."""
    folder.mkdir(parents=True, exist_ok=True)
    families, drawn = find_families(fonts), []
    for name in names:
        path, family = folder / f"{name}.zip", SETS[name].family
        if not path.is_file() and not families[family]:
            print(f"{name} is skipped: its fonts are not installed (Debian: {FAMILIES[family][1]})", flush=True)
            continue
        if not path.is_file():
            draw_archive(path, name, families[family])
        drawn.append(name)
    return drawn


if __name__ == "__main__":
    main()
