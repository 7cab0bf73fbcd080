"""Fuzzes what receives untrusted bytes: the image decoder, the parser of request bodies, and the running service.

    python -m benchmarks.fuzz images --seconds 600
    python -m benchmarks.fuzz bodies --seconds 600
    python -m benchmarks.fuzz service --seconds 600

The first two run in this process and need atheris (Linux; pip install atheris). The third starts app.py and sends it
mutated requests over sockets. Each finding is printed once, and what caused it is kept in artefacts/fuzz.
"""

import argparse
from pathlib import Path

FINDINGS = Path("artefacts/fuzz")
IN_PROCESS = ("images", "bodies")


def main() -> None:
    """Fuzzes one target for a number of seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=(*IN_PROCESS, "service"))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0, help="service: another seed makes other requests (0)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="service: number of the first case (0)")
    parser.add_argument("--no-page", action="store_true", help="service: only the API")
    arguments = parser.parse_args()
    if arguments.target in IN_PROCESS:
        from benchmarks.fuzz.parsers import fuzz

        return fuzz(arguments.target, int(arguments.seconds), FINDINGS)
    from benchmarks.fuzz.service import fuzz_service

    options = {"page": not arguments.no_page, "seed": arguments.seed, "first": arguments.first}
    if fuzz_service(arguments.seconds, FINDINGS, **options):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
