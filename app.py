"""Step 11: serve the trained units: a page for people and an API for programs, on port 5006.

--label FOLDER serves another page in their place: images without labels are shown, to confirm or correct what the
unit reads; it also works before there is a unit.

Reads:  App_model, also what is put there later; test_dataset, for examples on the page; --label: the folder
Writes: nothing; --label: copies of the confirmed images in train_dataset, as <label>_<hash>.<ext>
Next:   python spider_example.py, or open http://127.0.0.1:5006
"""

import argparse
import os
import re
from pathlib import Path

from bearcat.cli import SERVICE_PORT, Step, echo, make_parser, open_step, run
from bearcat.data.labels import list_images
from bearcat.labelling.app import make_labelling_app
from bearcat.labelling.session import Labelling
from bearcat.labelling.start import check_reach, next_commands, open_labelling, refuse_other_options
from bearcat.serving.auth import TokenCheck
from bearcat.serving.middleware import MAX_BODY
from bearcat.serving.model_store import UnitFolder
from bearcat.serving.queue import MOST_WAITING
from bearcat.serving.server import THIS_MACHINE, Service, address_of, listen, run_app, serve, start_log
from bearcat.serving.workers import check_workers, serve_with_workers
from utils import Image_Processing, Predict_Image

TOKEN = "BEARCAT_TOKEN"
OTHER_OPTIONS = ("workers", "max_body", "queue", "no_page")  # of which --label makes no use
MOST_EXAMPLES = 12  # images on the page
UNITS = {"": 1, "K": 2**10, "M": 2**20}


def main() -> None:
    """Serve the page to label on, or load the units, take the port, and serve, until SIGTERM or Ctrl-C."""
    step = open_step(arguments_of_service())
    arguments = step.arguments
    if arguments.label is not None:
        return label(step)
    check_workers(arguments.workers)
    token = token_of(arguments)
    page = not arguments.no_page and arguments.workers == 1
    folder = step.work.folder("App_model")
    examples = tuple(list_images(step.work.data_folder("test"))[:MOST_EXAMPLES]) if page else ()
    service = Service(folder, Predict_Image, arguments.max_body, arguments.queue, token, page, examples)
    start_log()
    units = UnitFolder(folder, Predict_Image)
    units.load_all()
    listener = listen(arguments.host, arguments.port)
    echo(f"Serving {', '.join(units)} on {address_of(arguments.host, listener)}  (Ctrl-C stops)")
    if not token and not THIS_MACHINE.fullmatch(arguments.host):
        echo("Warning: other machines can use this service, and it asks nobody who they are: set --token.")
    if not arguments.no_page and not page:
        echo("The page is left out: a visit to it needs one process, --workers makes several.")
    step.next("python spider_example.py", "in another terminal: ask it")
    if arguments.workers == 1:
        serve(service, units, listener)
    else:
        serve_with_workers(service, listener, arguments.workers)


def label(step: Step) -> None:
    """Serve the page on which a folder's images are labelled; say at the end what was done and what comes next."""
    arguments, settings = step.arguments, step.settings
    refuse_other_options(vars(arguments), vars(arguments_of_service().parse_args([])), OTHER_OPTIONS)
    token = token_of(arguments)
    check_reach(arguments.host, token)
    labelling = open_labelling(
        Path(arguments.label),
        step.work,
        settings.MODE,
        settings.MODEL_NAME,
        Predict_Image,
        Image_Processing.extraction_label,
    )
    for line in labelling.about():
        echo(line)
    if labelling.pile.images:
        start_log(requests=False)
        listener = listen(arguments.host, arguments.port)
        echo(f"Label them on {address_of(arguments.host, listener)}  (Ctrl-C stops; what is confirmed is saved)")
        app = make_labelling_app(labelling, lambda: next_commands(step.work, labelling.symbols), arguments.host, token)
        try:
            run_app(app, listener)
        finally:
            echo(f"{labelling.labelled} images labelled, copied into {labelling.copies.folder}")
            go_on(step, labelling)
    else:
        go_on(step, labelling)


def go_on(step: Step, labelling: Labelling) -> None:
    """Say which steps take what was labelled into a training."""
    first, *others = next_commands(step.work, labelling.symbols)
    step.next(first, f"then {', '.join(others)}")


def arguments_of_service() -> argparse.ArgumentParser:
    """Return the parser with all that the service can be told."""
    parser = make_parser(__doc__)
    parser.add_argument("--label", metavar="FOLDER", help="serve a page on which this folder's images are labelled")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, default=SERVICE_PORT, help=f"({SERVICE_PORT})")
    parser.add_argument("--token", help=f"what clients must send; better in the environment's {TOKEN}: ps shows this")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (1); several have no page")
    parser.add_argument(
        "--max-body", type=bytes_of, default=MAX_BODY, metavar="BYTES", help=f"of a request ({MAX_BODY // 2**20}M)"
    )
    parser.add_argument(
        "--queue", type=count_of, default=MOST_WAITING, metavar="N", help=f"images that may wait ({MOST_WAITING})"
    )
    parser.add_argument("--no-page", action="store_true", help="the API alone, without the gradio page")
    return parser


def token_of(arguments: argparse.Namespace) -> str | None:
    """Return the token that clients must send, None where there is none; raise ServiceError for one that can't be."""
    token = os.environ.get(TOKEN) or None if arguments.token is None else arguments.token
    if token is not None:
        TokenCheck(token)
    return token


def count_of(text: str) -> int:
    """Return a number that is 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 0 on is expected")
    return int(text)


def bytes_of(text: str) -> int:
    """Return a number of bytes given as 500000, 500K or 8M."""
    found = re.fullmatch(r"(\d+)([KM]?)", text.upper())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of bytes is expected, as in 500K or 8M")
    return int(found[1]) * UNITS[found[2]]


if __name__ == "__main__":
    run(main)
