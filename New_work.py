"""Step 1: make a work, the folder that holds everything one recogniser needs, and make it the active one.

Reads:  nothing
Writes: PATH/NAME/ with settings.py and captcha_config.json; works/.active
Next:   python init_working_space.py
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from bearcat.command_line import run, tell
from bearcat.workspace import create_work, works_folder


def main() -> None:
    """Make the work that the command line names, works/simple by default."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="PATH", nargs="?", type=Path, default=works_folder(), help="where it goes")
    parser.add_argument("name", metavar="NAME", nargs="?", default="simple", help="its name (simple)")
    parser.add_argument("--keep-active", action="store_true", help="leave the active work as it is")
    arguments = parser.parse_args()
    work = create_work(arguments.path, arguments.name, activate=not arguments.keep_active)
    tell(f"Made: {work.path}")
    if not arguments.keep_active:
        tell("It is the active work now: scripts take it unless --work names another.")
    tell("Next: python init_working_space.py  (make its folders; look at its settings.py first)")


if __name__ == "__main__":
    run(main)
