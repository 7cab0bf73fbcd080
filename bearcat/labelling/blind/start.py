"""Starts the page of `app.py --label --blind`: which folders it shows, and where the answers go."""

from collections.abc import Callable
from pathlib import Path

from bearcat.core.errors import DataError, ServiceError
from bearcat.core.names import show_name
from bearcat.core.workspace import Work
from bearcat.data.labels.reading import ImageProcessing, load_texts
from bearcat.labelling.blind.app import make_blind_app
from bearcat.labelling.blind.records import FILE
from bearcat.labelling.blind.sessions import BlindSessions
from bearcat.modes import MODES, Task
from bearcat.serving.server import base_url, configure_logging, listen, run_app

NEXT = "python strength.py"


def open_blind(
    folder: str, work: Work, mode: str, processing: ImageProcessing, ignore_case: bool = False
) -> BlindSessions:
    """Opens the labelled images of a folder, whose labels people are to type without seeing them.

    Args:
        folder: The folder, a path as it is or in the work; '' for test_dataset.
        work: Takes the answers.
        mode: The value of MODE.
        processing: `utils.Image_Processing`.
        ignore_case: The value of IGNORE_CASE.

    Raises:
        ServiceError: The labels of the mode are not texts.
        DataError: The folder is missing, or an image has no label.
    """
    if MODES[mode].task is not Task.TEXT:
        raise ServiceError(f"--blind is for texts, which people type; with MODE = {mode!r} labels are not texts")
    candidates = [Path(folder), work.folder(folder)] if folder else [work.data_folder("test")]
    found = next(filter(Path.is_dir, candidates), None)
    if found is None:
        raise DataError(_missing(folder, work))
    return BlindSessions(work, found, load_texts(found, mode, processing, ignore_case))


def _missing(folder: str, work: Work) -> str:
    """Returns the message that a folder, '' for test_dataset, is missing."""
    if folder:
        places = f"neither as it is nor in the work {show_name(work.path)}"
        return f"--label {show_name(folder)}: no such folder, {places}; a folder with labelled images is expected"
    return (
        f"{show_name(work.data_folder('test'))} is missing: fill it with python move_path.py or "
        "python gen_sample_by_captcha.py, or name another folder with labelled images: --label FOLDER --blind"
    )


def serve_blind(
    sessions: BlindSessions,
    host: str,
    port: int,
    token: str | None,
    echo: Callable[[str], object],
    next_step: Callable[[str, str], object],
) -> None:
    """Serves the page until SIGTERM or Ctrl-C.

    Args:
        sessions: The images and their answers.
        host, port: Address to listen on.
        token: What browsers must send, None: nothing.
        echo: Prints a line.
        next_step: Prints the next command, and a remark about it.
    """
    echo(f"{sessions.folder}: {len(sessions.images)} labelled images, shown without their labels")
    configure_logging(requests=False)
    listener = listen(host, port)
    echo(f"Open {base_url(host, listener)} and type what the images show  (Ctrl-C stops; all answers are saved)")
    try:
        app = make_blind_app(sessions, [NEXT], host, token)
        run_app(app, listener, app.state.bodies.stop)
    finally:
        echo(f"Answers saved in {sessions.work.path / FILE}: {sessions.answered}")
        next_step(NEXT, "sets them beside what machines read")
