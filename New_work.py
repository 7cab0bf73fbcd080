"""Step 1: make a work, the folder that holds everything one recogniser needs, and make it the active one.

Reads:  nothing
Writes: PATH/NAME/ with settings.py, into which --set writes, and captcha_config.json; works/.active
Next:   python init_working_space.py
"""

from pathlib import Path

from bearcat.cli import echo, make_parser, run
from bearcat.core.settings_file import parse_override
from bearcat.core.workspace import ROOT, create_work, works_folder
from bearcat.settings_rules import load_settings


def main() -> None:
    """Make the work that the command line names, works/simple by default."""
    parser = make_parser(__doc__)
    parser.add_argument("path", metavar="PATH", nargs="?", type=Path, default=works_folder(), help="where it goes")
    parser.add_argument("name", metavar="NAME", nargs="?", default="simple", help="its name (simple)")
    parser.add_argument("--keep-active", action="store_true", help="leave the active work as it is")
    arguments = parser.parse_args()
    parent, name = arguments.path, arguments.name
    if arguments.work:
        path = Path(arguments.work)
        parent, name = (path.parent, path.name) if len(path.parts) > 1 else (works_folder(), arguments.work)
    load_settings(ROOT / "settings.py", None, arguments.set)  # a wrong one is refused before anything is made
    settings = dict(map(parse_override, arguments.set))
    work = create_work(parent, name, activate=not arguments.keep_active, settings=settings)
    echo(f"Made: {work.path}")
    if not arguments.keep_active:
        echo("It is the active work now: scripts take it unless --work names another.")
    echo("Next: python init_working_space.py  (make its folders; look at its settings.py first)")


if __name__ == "__main__":
    run(main)
