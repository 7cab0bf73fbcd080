"""The process of a trial with labels, for `python -m`: trains and saves, notes the time, and tests.

Usage: python -m bearcat.strength.readers.trained WORK [NAME=VALUE …]
"""

import sys
import time
from pathlib import Path

from bearcat.core.files import read_json, write_json
from bearcat.core.workspace import Work
from bearcat.labelling.background.child import end_with_parent
from bearcat.labelling.background.steps import STEPS, run_step
from bearcat.strength.trials import REPORT


def main() -> None:
    """Runs the steps in the work of the command line, under the settings that follow; exits like a step that fails."""
    end_with_parent()
    path, *settings = sys.argv[1:]
    started = time.monotonic()
    for script, *options in STEPS:
        run_step(script, path, settings, options)
    taken = {"seconds": round(time.monotonic() - started, 3), "cpu_seconds": round(time.process_time(), 3)}
    run_step("test.py", path, settings)
    work = Work(Path(path))
    tested = read_json(work.report_file("test"))
    correct, images = round(tested["exact"] * tested["images"]), tested["images"]
    write_json(work.report_file(REPORT), {"correct": correct, "images": images, **taken})


if __name__ == "__main__":
    main()
