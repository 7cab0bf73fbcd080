"""Step 1: create a work, the folder that holds everything one recogniser needs, and make it the active one.

Reads:  nothing
Writes: PATH/NAME/ with settings.py, changed as --set says, and captcha_config.json; works/.active
Next:   python init_working_space.py
"""

from pathlib import Path

from bearcat.cli import echo, make_parser, run
from bearcat.core.workspace import ROOT, create_work, works_folder
from bearcat.settings_rules import load_settings, parse_overrides


def main() -> None:
    """Creates the work that the command line names; by default works/simple."""
    parser = make_parser(__doc__)
    parser.add_argument("path", metavar="PATH", nargs="?", type=Path, default=works_folder(), help="the parent folder")
    parser.add_argument("name", metavar="NAME", nargs="?", default="simple", help="the name of the work (simple)")
    parser.add_argument("--keep-active", action="store_true", help="do not make it the active work")
    arguments = parser.parse_args()
    parent, name = arguments.path, arguments.name
    if arguments.work:
        path = Path(arguments.work)
        parent, name = (path.parent, path.name) if len(path.parts) > 1 else (works_folder(), arguments.work)
    # refuses invalid settings before anything is created
    load_settings(ROOT / "settings.py", None, arguments.set, notify=echo)
    settings = parse_overrides(arguments.set)
    work = create_work(parent, name, activate=not arguments.keep_active, settings=settings)
    echo(f"Created: {work.path}")
    if not arguments.keep_active:
        echo("It is the active work now: every script uses it unless --work names another one.")
    echo("Next: python init_working_space.py  (creates its folders; its settings.py can stay as it is)")


if __name__ == "__main__":
    run(main)
