"""The process that trains beside the page, for `python -m`: runs the steps of a training one after the other.

Usage: python -m bearcat.labelling.background.steps WORK [NAME=VALUE …]
"""

import runpy
import sys
from collections.abc import Sequence

from bearcat.core.workspace import ROOT
from bearcat.labelling.background.child import end_with_parent, lower_priority

STEPS = (("cheak_file.py", "--apply"), ("pack_dataset.py", "--through", "save_model"))


def main() -> None:
    """Trains in the work of the command line, under the settings that follow; exits like a step that fails."""
    end_with_parent()
    lower_priority()
    work, *settings = sys.argv[1:]
    for script, *options in STEPS:
        run_step(script, work, settings, options)


def run_step(script: str, work: str, settings: Sequence[str], options: Sequence[str] = ()) -> None:
    """Runs a step of a work in this process under settings NAME=VALUE; raises SystemExit if it fails."""
    overrides = [option for setting in settings for option in ("--set", setting)]
    run_script([script, "--work", work, *overrides, *options])


def run_script(command: Sequence[str]) -> None:
    """Runs a script in this process; raises SystemExit if it fails."""
    path = str(ROOT / command[0])
    sys.argv = [path, *command[1:]]
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    main()
