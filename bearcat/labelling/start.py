"""Starts the labelling page of `app.py --label`, and says which steps train on what was labelled."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bearcat.artifacts.card import find_models
from bearcat.core.errors import ArtifactError, LabelError, RecordError, ServiceError
from bearcat.core.locks import hold_lock
from bearcat.core.workspace import LABEL_FOLDER, Work
from bearcat.data.frames import FIRST
from bearcat.data.labels.boxes import BoxLabels, read_boxes
from bearcat.data.labels.reading import read_labels
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.app import make_labelling_app
from bearcat.labelling.background.supervisor import Background, BackgroundPlan
from bearcat.labelling.boxes.app import make_box_app
from bearcat.labelling.boxes.copies import BoxCopyWriter
from bearcat.labelling.copies import LOCKED, SCRIPT, TextCopyWriter
from bearcat.labelling.predictors import Predictor
from bearcat.labelling.queue import build_queue
from bearcat.labelling.session import LabellingSession
from bearcat.labelling.symbols import LabelSymbols
from bearcat.modes import MODES, Task
from bearcat.serving.protection.same_origin import LOOPBACK
from bearcat.serving.server import base_url, configure_logging, listen, run_app

Load = Callable[[Path, str], Any]  # App_model and a model's name → its Predict_Image
LabelOf = Callable[[Path], str]
BoxesOf = Callable[..., BoxLabels]  # an image and label_folder → its boxes


def open_labelling(
    folder: Path,
    work: Work,
    mode: str,
    model_name: str,
    load: Load,
    label_of: LabelOf,
    boxes_of: BoxesOf = read_boxes,
    frames: str = FIRST,
) -> LabellingSession:
    """Opens a session over a folder's images, whose labels the work's model predicts if it reads such labels.

    Args:
        folder: The images to label.
        work: Takes the labelled images.
        mode: The value of MODE.
        model_name: The value of MODEL_NAME, to choose between several models.
        load: Loads a model, as `Predict_Image` does.
        label_of: Parses the label from a file's path.
        boxes_of: Reads the boxes of an image, if they are the labels of the mode.
        frames: The value of FRAMES, for boxes in animations.

    Raises:
        DataError: The folder is missing, holds no images, or is one of the work's data sets.
        ArtifactError: The model cannot be loaded.
    """
    model = load_model(work.folder("App_model"), model_name, load)
    if model and MODES[model.recogniser.card.mode].task != MODES[mode].task:
        model = None  # MODE was changed, as from text to classes
    with hold_lock(work.path, SCRIPT, LOCKED):  # move_path.py must not move the data sets meanwhile
        queue = build_queue(folder, work)
    has_boxes = MODES[mode].task is Task.DETECTION
    read = partial(boxes_of, label_folder=work.folder(LABEL_FOLDER)) if has_boxes else label_of
    labels = labels_so_far(work, read, with_table=not has_boxes)
    symbols = LabelSymbols(mode, known_symbols(mode, model, labels))
    symbols.count(labels)
    predictor = Predictor(model.predict, model.name) if model else None
    copies = BoxCopyWriter(work, frames) if has_boxes else TextCopyWriter(work, label_of)
    return LabellingSession(queue, copies, symbols, predictor)


def serve_labelling(
    session: LabellingSession,
    plan: BackgroundPlan,
    host: str,
    port: int,
    token: str | None,
    echo: Callable[[str], object],
    next_step: Callable[[str, str], object],
) -> None:
    """Serves the labelling page until SIGTERM or Ctrl-C; returns at once if there is nothing to label.

    Args:
        session: The images and their labels.
        plan: What runs beside the page.
        host, port: Address to listen on.
        token: What browsers must send, None: nothing.
        echo: Prints a line.
        next_step: Prints the next command, and a remark about it.
    """
    work = session.copies.work

    def commands() -> list[str]:
        return next_commands(work, session.symbols)

    def echo_next() -> None:
        first, *others = commands()
        next_step(first, f"then {', '.join(others)}")

    copies = session.copies
    background = None if isinstance(copies, BoxCopyWriter) else Background(session, plan)
    for line in [*session.summary(), *(background.summary() if background else [])]:
        echo(line)
    if not session.queue.images:
        return echo_next()
    configure_logging(requests=False)
    listener = listen(host, port)
    echo(f"Label them on {base_url(host, listener)}  (Ctrl-C stops; confirmed labels are saved)")
    try:
        if isinstance(copies, BoxCopyWriter):
            app = make_box_app(session, commands, copies.frames, host, token)
        else:
            app = make_labelling_app(session, commands, host, token, background)
        run_app(app, listener, app.state.bodies.stop)
    finally:
        echo(f"{session.labelled} images labelled, copied to {session.copies.folder}")
        echo_next()


def load_model(app_model: Path, model_name: str, load: Load) -> Any | None:
    """Loads the work's model, the one of MODEL_NAME if there are several; None before the first training."""
    try:
        models = find_models(app_model)
    except ArtifactError:
        return None
    return load(app_model, model_name if model_name in models else "")


def labels_so_far(work: Work, label_of: Callable[[Path], Any], with_table: bool = True) -> list[Any]:
    """Returns the labels of the images to train and to validate with; `with_table` is as in `read_labels`."""
    labels = []
    for split in ("train", "validation"):
        with contextlib.suppress(LabelError):  # a broken label table is reported when a label is written
            labels += [item.label for item in read_labels(work.data_folder(split), label_of, with_table)[0]]
    return labels


def known_symbols(mode: str, model: Any | None, labels: Iterable[Any]) -> set[str] | None:
    """Returns the symbols of the model, and the classes of the data; None for text without a model."""
    known = set(model.recogniser.card.characters) if model else set()
    if MODES[mode].task is Task.TEXT:
        return known or None
    return known.union(*map(MODES[mode].symbols, labels))


def refuse_other_options(given: Mapping[str, object], defaults: Mapping[str, object], options: Sequence[str]) -> None:
    """Raises ServiceError for options of the service that have no effect with --label."""
    unused = [f"--{name.replace('_', '-')}" for name in options if given[name] != defaults[name]]
    if unused:
        raise ServiceError(f"--label takes no {', '.join(unused)}: it serves the labelling page, not the API")


def check_reach(host: str, token: str | None) -> None:
    """Raises ServiceError if other machines could reach the page without a token."""
    if not token and not LOOPBACK.fullmatch(host):
        raise ServiceError(f"--host {host} lets other machines write into the data: add a --token, or leave out --host")


def next_commands(work: Work, symbols: LabelSymbols) -> list[str]:
    """Returns the commands that train on what was labelled, in order."""
    is_split = is_filled(work.data_folder("validation"))
    commands = [] if is_split else ["python move_path.py", "python cheak_file.py --apply"]
    commands.append("python pack_dataset.py --extend" if has_new(work, symbols) else "python pack_dataset.py")
    if is_filled(work.folder("checkpoint")):
        commands.append("python init_working_space.py --go-on")
    return [*commands, "python train.py", "python save_model.py"]


def has_new(work: Work, symbols: LabelSymbols) -> bool:
    """Whether this session's labels hold symbols that are not in the work's vocabulary."""
    try:
        return not symbols.used <= set(Vocabulary.load(work.vocabulary_file).characters)
    except RecordError:
        return False  # none was made yet, or pack_dataset.py reports what is wrong with it


def is_filled(folder: Path) -> bool:
    """Whether a folder exists and is not empty."""
    return folder.is_dir() and any(folder.iterdir())
