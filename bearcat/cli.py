"""What all scripts share: arguments, the work and its settings, reports, and messages for the user's mistakes."""

import argparse
import gc
import io
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.core.errors import BearcatError, message_for
from bearcat.core.files import write_json
from bearcat.core.locks import WorkLock, release_all
from bearcat.core.names import show_message
from bearcat.core.workspace import ROOT, Work, find_work
from bearcat.data.decoding.patterns import EXAMPLE
from bearcat.data.decoding.restrictions import Restriction
from bearcat.settings_rules import load_settings

SERVICE_PORT = 5006
USER_MISTAKE, INTERRUPTED = 2, 130  # exit codes
THROUGH = ("pack_dataset.py", "train.py", "save_model.py", "test.py")  # what --through runs in one process

_following: list[list[str]] = []  # command line of the script that this process runs next, if any


@dataclass(frozen=True)
class Step:
    """A running step.

    Args:
        work: The work that it runs in.
        settings: All settings as attributes.
        arguments: The parsed command line.
        lock: Keeps other processes from changing what it changes.
    """

    work: Work
    settings: SimpleNamespace
    arguments: argparse.Namespace
    lock: WorkLock

    def write_report(self, name: str, payload: dict) -> None:
        """Writes report/<name>.json."""
        write_json(self.work.report_file(name), payload)

    def next(self, command: str, purpose: str) -> None:
        """Prints the command of the next step and its purpose; with --through, `run` starts that step."""
        last = getattr(self.arguments, "through", None)
        if last is None:
            echo(f"Next: {command}  ({purpose})")
            return
        script = THROUGH[THROUGH.index(Path(sys.argv[0]).name) + 1]
        overrides = [option for value in self.arguments.set for option in ("--set", value)]
        further = ["--through", last] if Path(script).stem != last else []
        _following.append([script, "--work", str(self.work.path), *overrides, *further])


def make_parser(doc: str) -> argparse.ArgumentParser:
    """Creates a parser with the options of every script; `doc` is the script's docstring."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", metavar="PATH", help="the work folder, or its name in works/")
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a setting for this run (repeatable)"
    )
    script = Path(sys.argv[0]).name
    if script in THROUGH[:-1]:
        steps = [Path(name).stem for name in THROUGH[THROUGH.index(script) + 1 :]]
        what = f"then run the next steps in this process, which is faster, up to STEP: {', '.join(steps)}"
        parser.add_argument("--through", metavar="STEP", choices=steps, help=what)
    return parser


def add_restriction(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `read_restriction`."""
    characters = "predict only texts of these characters; if - is the first: --characters=-0123456789"
    pattern = f"predict only texts like this as a whole: {EXAMPLE}; if - is the first: --pattern=-?{EXAMPLE}"
    parser.add_argument("--characters", default="", help=characters)
    parser.add_argument("--length", default="", help="predict only texts with this number of characters: 4, or 4-6")
    parser.add_argument("--pattern", default="", help=pattern)


def read_restriction(arguments: argparse.Namespace) -> Restriction | None:
    """Returns which texts may be predicted; raises RequestOptionError if an option has another form."""
    return Restriction.of(arguments.characters, arguments.length, arguments.pattern)


def open_step(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None = None,
    only_reads: Callable[[SimpleNamespace], bool] = lambda settings: False,
) -> Step:
    """Parses the command line, finds the work, loads its settings and locks it.

    Args:
        parser: From `make_parser`.
        argv: The arguments; None for those of this process.
        only_reads: Whether, under these settings, another process of the same job does all the writing.

    Raises:
        WorkError: There is no work, or another process is changing the same part of it.
        SettingsError: Settings are not allowed.
    """
    arguments = parser.parse_args(argv)
    work = find_work(arguments.work)
    notes: list[str] = []
    settings = load_settings(ROOT / "settings.py", work.settings_file, arguments.set, notes.append)
    for line in (f"Work: {work.path}", *notes):
        echo(line)
    shard = getattr(arguments, "shard", None)  # shards of the same job do not lock each other out
    changes = () if only_reads(settings) else None
    lock = WorkLock(work.path, Path(sys.argv[0]).stem, changes, shard.name if shard else "")
    return Step(work, settings, arguments, lock)


def run(main: Callable[[], int | None], interrupted: str = "stopped; run the same command to resume") -> None:
    """Runs a script's main() and exits with the code that it returns.

    A user's mistake becomes one message on stderr and exit code 2, with a traceback only if BEARCAT_DEBUG=1. Other
    errors are bugs and keep their traceback. With --through the next script runs in this process too, once this one
    has succeeded.

    Args:
        main: The script's main().
        interrupted: What Ctrl-C prints.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that lacks a character must not stop a step
    try:
        code = main()
        if _following and not code:
            _start(_following.pop())
        sys.exit(code)
    except KeyboardInterrupt:
        _print_error(interrupted)
        sys.exit(INTERRUPTED)
    except BearcatError as error:
        _print_error(str(error))
    except BrokenPipeError:
        # the reader of a pipe has gone: discard what is still buffered
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        message = message_for(error)
        if not message:
            raise
        _print_error(message)
    finally:
        release_all()
        gc.freeze()  # Python's last collection would take a second to look through TensorFlow
    sys.exit(USER_MISTAKE)


def _start(command: list[str]) -> None:
    """Runs another script in this process."""
    release_all()
    gc.collect()  # ends the threads that fed the training, which the next step would wait for
    echo(f"\n$ python {' '.join(command)}")
    sys.argv = [str(ROOT / command[0]), *command[1:]]
    runpy.run_path(sys.argv[0], run_name="__main__")


def echo(message: str) -> None:
    """Prints a line for the user and flushes it; what a terminal would not show as it is becomes an escape."""
    print(show_message(message), flush=True)


def _print_error(message: str) -> None:
    if os.environ.get("BEARCAT_DEBUG") == "1":
        traceback.print_exc()
    print(f"{Path(sys.argv[0]).name}: {show_message(message)}", file=sys.stderr)
