"""What all scripts share: the arguments, the work and its settings, the report, and one clear message on a mistake."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.core.errors import BearcatError, words_of
from bearcat.core.files import write_json
from bearcat.core.locks import WorkLock, let_go_of_all
from bearcat.core.workspace import ROOT, Work, find_work
from bearcat.generation.shards import Shard
from bearcat.settings_rules import load_settings

SERVICE_PORT = 5006
USER_MISTAKE = 2
INTERRUPTED = 130


@dataclass(frozen=True)
class Step:
    """One step of the road at work: where it works, with what settings, and what it leaves behind."""

    work: Work
    settings: SimpleNamespace
    arguments: argparse.Namespace
    lock: WorkLock

    def write_report(self, name: str, payload: dict) -> None:
        """Write report/<name>.json for programs to read."""
        write_json(self.work.report_file(name), payload)

    def next(self, command: str, why: str) -> None:
        """Print, as the last line, what to run next."""
        echo(f"Next: {command}  ({why})")


def make_parser(doc: str) -> argparse.ArgumentParser:
    """Return a parser with what every script takes; `doc` is the script's docstring."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", metavar="PATH", help="the work folder, or its name in works/")
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a setting for this run (repeatable)"
    )
    return parser


def add_shard(parser: argparse._ActionsContainer, what: str) -> None:
    """Let a script, or a group of its options, take --shard i/n: do that share of the work alone."""
    parser.add_argument("--shard", metavar="i/n", type=Shard.parse, help=what)


def open_step(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None = None,
    only_reads: Callable[[SimpleNamespace], bool] = lambda settings: False,
) -> Step:
    """Parse the command line, find the work, load its settings, and say which work it is.

    `only_reads` tells from the settings whether this process leaves all changes to another one of its kind.
    Raises WorkError where another process changes what this script would change. Shards of one job run side by side.
    """
    arguments = parser.parse_args(argv)
    work = find_work(arguments.work)
    settings = load_settings(ROOT / "settings.py", work.settings_file, arguments.set)
    echo(f"Work: {work.path}")
    shard = getattr(arguments, "shard", None)
    changed, part = () if only_reads(settings) else None, shard.name if shard else ""
    return Step(work, settings, arguments, WorkLock(work.path, Path(sys.argv[0]).stem, changed, part))


def run(main: Callable[[], object]) -> None:
    """Run a script's main(); turn a user's mistake into one message on stderr and exit code 2.

    BEARCAT_DEBUG=1 shows the traceback; bugs always keep theirs.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a console that lacks a character must not stop a step
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _complain("stopped; the same command goes on")
        sys.exit(INTERRUPTED)
    except BearcatError as error:
        _complain(str(error))
    except BrokenPipeError:
        # whoever read the output has gone; what Python still holds of it goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        words = words_of(error)
        if not words:
            raise
        _complain(words)
    finally:
        let_go_of_all()
    sys.exit(USER_MISTAKE)


def echo(message: str) -> None:
    """Print a line for the person who runs a step; reports are for programs."""
    print(message, flush=True)


def _complain(message: str) -> None:
    if os.environ.get("BEARCAT_DEBUG") == "1":
        traceback.print_exc()
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
