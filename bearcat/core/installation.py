"""The message for a Python that lacks the packages of requirements.txt. Imports the standard library only."""

import sys
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
EXIT_CODE = 2  # of a user's mistake


def explain_missing_packages() -> None:
    """Lets a script of the project whose imports fail say how to install, in one message and with exit code 2.

    Programs of other people that import the library are left alone.
    """
    script = Path(sys.argv[0] if sys.argv else "").resolve()
    if script.is_file() and script.parent == ROOT:
        sys.excepthook = _explain


def missing_package_message(name: str, script: str, root: Path = ROOT, prefix: str = sys.prefix) -> str:
    """Returns what to do about a package that cannot be imported.

    Args:
        name: The package.
        script: The file name of the script.
        root: The project's folder.
        prefix: The environment of this Python.
    """
    lacks = f"this Python has no {name}: {sys.executable} (Python {sys.version_info.major}.{sys.version_info.minor})."
    environment = root / ".venv"
    if environment.is_dir() and environment.resolve() != Path(prefix).resolve():
        python = next((path for path in environment.glob("*/python*") if path.stem == "python"), environment)
        return f"{lacks} The project's own environment has what it needs: {python} {script}"
    return (
        f"{lacks} Install the packages (Python 3.11 to 3.13): make setup, or "
        f"{sys.executable} -m pip install -r {root / 'requirements.txt'}"
    )


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not name or (ROOT / name).exists() or (ROOT / f"{name}.py").exists():
        sys.__excepthook__(kind, error, trace)
        return
    script = Path(sys.argv[0]).name
    print(f"{script}: {missing_package_message(name, script)}", file=sys.stderr)
    raise SystemExit(EXIT_CODE)
