"""Step 11: serve the trained models: a page for people and an HTTP API for programs, on port 5006.

--label FOLDER serves another page instead, on which the images of a folder (without FOLDER: unlabelled_dataset) are
labelled: each prediction of the model is confirmed or corrected. Before the first training the pretrained weights
predict; from 20 labels on, trainings beside the page improve the predictions. --label FOLDER --blind shows labelled
images (without FOLDER: those of test_dataset) without their labels, and measures what people read.

Reads:  App_model, also models that are added later; test_dataset, for examples on the page; --label: the folder
Writes: nothing; --label: copies of the confirmed images in train_dataset, as <label>_<hash>.<ext> (EFFICIENTDET:
        <hash>.<ext>, with the boxes in <hash>.xml), labelling.jsonl, which says why the page showed each, and while it
        runs the folder report/labelling; --blind: blind.jsonl, the answers
Next:   python spider_example.py, or open http://127.0.0.1:5006
"""

import argparse
import logging
from functools import partial
from pathlib import Path

from bearcat.artifacts.inference import load_recogniser
from bearcat.cli import SERVICE_PORT, Step, echo, make_parser, open_step, run
from bearcat.core.errors import ArtifactError, ServiceError
from bearcat.core.workspace import UNLABELLED
from bearcat.data.labels.reading import list_images
from bearcat.serving.auth import warn_of_short_token
from bearcat.serving.middleware import MAX_BODY
from bearcat.serving.model_store import ModelStore
from bearcat.serving.options import TOKEN_VARIABLE, find_token, parse_bytes, parse_count
from bearcat.serving.protection.same_origin import LOOPBACK
from bearcat.serving.protocol import MAX_CROPS
from bearcat.serving.queue import MAX_WAITING
from bearcat.serving.server import ServiceConfig, base_url, configure_logging, listen, serve
from bearcat.serving.workers import check_workers, serve_with_workers
from utils import Image_Processing, Predict_Image

NOT_WITH_LABEL = ("workers", "max_body", "queue", "max_crops", "no_page", "wait")
BUILD = "models.build_for"  # imported only by a process that makes a model, since it imports Keras
MAX_EXAMPLES = 12  # images on the page


def main() -> None:
    """Serves the API and its page, or the labelling page, until SIGTERM or Ctrl-C."""
    step = open_step(make_service_parser())
    arguments = step.arguments
    if arguments.label is not None:
        return label(step)
    for name in ("no_training", "blind"):
        if getattr(arguments, name):
            raise ServiceError(f"--{name.replace('_', '-')} is an option of the labelling page: add --label")
    check_workers(arguments.workers)
    page = not arguments.no_page and arguments.workers == 1
    config = ServiceConfig(
        folder=step.work.folder("App_model"),
        load=partial(load_recogniser, extract=Image_Processing.extraction_image),
        max_body=arguments.max_body,
        max_waiting=arguments.queue,
        max_crops=arguments.max_crops,
        host=arguments.host,
        token=find_token(arguments.token),
        page=page,
        examples=tuple(list_images(step.work.data_folder("test"))[:MAX_EXAMPLES]) if page else (),
    )
    configure_logging()
    models = ModelStore(config.folder, config.load)
    load_models(models, arguments.wait)
    listener = listen(arguments.host, arguments.port)
    echo(f"Serving {', '.join(models) or 'no model yet'} on {base_url(arguments.host, listener)}  (Ctrl-C stops)")
    if not config.token and not LOOPBACK.fullmatch(arguments.host):
        echo("Warning: other machines can use this service without a token: set --token.")
    if warning := warn_of_short_token(config.token):
        echo(warning)
    if not arguments.no_page and not page:
        echo("The page is not served: it needs a single process, and --workers starts several.")
    port = listener.getsockname()[1]
    option = "" if port == SERVICE_PORT else f" --port {port}"
    step.next(f"python spider_example.py{option}", "in another terminal: sends it an image")
    if arguments.workers == 1:
        serve(config, models, listener)
    else:
        serve_with_workers(config, listener, arguments.workers)


def load_models(models: ModelStore, wait: bool) -> None:
    """Loads the models; without any, the service waits for the first one or does not start."""
    try:
        models.load_all()
    except ArtifactError as error:
        if not wait:
            raise
        logging.getLogger("bearcat.serving").error("no model yet: %s; answering 503 until there is one", error)


def label(step: Step) -> None:
    """Serves the labelling page or the one that hides the labels, and prints what was done and what comes next."""
    # here, since the service starts without it
    from bearcat.labelling.background.supervisor import BackgroundPlan
    from bearcat.labelling.blind.start import open_blind, serve_blind
    from bearcat.labelling.start import check_reach, open_labelling, refuse_other_options, serve_labelling

    arguments, settings = step.arguments, step.settings
    refuse_other_options(vars(arguments), vars(make_service_parser().parse_args([])), NOT_WITH_LABEL)
    token = find_token(arguments.token)
    check_reach(arguments.host, token)
    if warning := warn_of_short_token(token):
        echo(warning)
    if arguments.blind:
        if arguments.no_training:
            raise ServiceError("remove --no-training: --blind never trains")
        sessions = open_blind(arguments.label, step.work, settings.MODE, Image_Processing, settings.IGNORE_CASE)
        return serve_blind(sessions, arguments.host, arguments.port, token, echo, step.next)
    session = open_labelling(
        Path(arguments.label) if arguments.label else step.work.folder(UNLABELLED),
        step.work,
        settings.MODE,
        settings.MODEL_NAME,
        Predict_Image,
        Image_Processing.extraction_label,
        Image_Processing.extraction_boxes,
        settings.FRAMES,
    )
    plan = BackgroundPlan(
        settings, arguments.set, Predict_Image, Image_Processing.extraction_label, BUILD, not arguments.no_training
    )
    serve_labelling(session, plan, arguments.host, arguments.port, token, echo, step.next)


def make_service_parser() -> argparse.ArgumentParser:
    """Returns the parser of the service's options."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--label",
        metavar="FOLDER",
        nargs="?",
        const="",
        help=f"serve a page to label the images of this folder on; without FOLDER those of {UNLABELLED}",
    )
    parser.add_argument(
        "--no-training", action="store_true", help="with --label: no training on the labels beside the page"
    )
    parser.add_argument(
        "--blind",
        action="store_true",
        help="with --label: measure what people read of labelled images; without FOLDER those of test_dataset",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, default=SERVICE_PORT, help=f"port to listen on ({SERVICE_PORT})")
    parser.add_argument(
        "--token",
        help=f"what clients must send; safer in the environment's {TOKEN_VARIABLE}, since ps shows this",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="number of processes (1); several serve no page"
    )
    parser.add_argument(
        "--max-body",
        type=parse_bytes,
        default=MAX_BODY,
        metavar="BYTES",
        help=f"largest body of a request ({MAX_BODY // 2**20}M)",
    )
    parser.add_argument(
        "--queue", type=parse_count, default=MAX_WAITING, metavar="N", help=f"images that may wait ({MAX_WAITING})"
    )
    parser.add_argument(
        "--max-crops",
        type=parse_count,
        default=MAX_CROPS,
        metavar="N",
        help=f"images, or cells of their grids, that a request may have ({MAX_CROPS})",
    )
    parser.add_argument(
        "--wait", action="store_true", help="without a model answer 503 until there is one, rather than stop"
    )
    parser.add_argument("--no-page", action="store_true", help="serve the API only, without the page")
    return parser


if __name__ == "__main__":
    run(main, interrupted="stopped")
