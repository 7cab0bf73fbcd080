"""How a session of labelling begins and what comes after it: the unit that reads, what it knows, what to run next."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bearcat.artifacts.card import find_units
from bearcat.core.errors import ArtifactError, LabelError, RecordError, ServiceError, SettingsError
from bearcat.core.locks import changing
from bearcat.core.workspace import Work
from bearcat.data.labels import read_labels
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.copies import CHANGED, SCRIPT, Copies
from bearcat.labelling.queue import look_through
from bearcat.labelling.session import Labelling, Symbols
from bearcat.modes import MODES, Task
from bearcat.serving.server import THIS_MACHINE

Load = Callable[[Path, str], Any]  # App_model and a unit's name → a Predict_Image


def open_labelling(
    folder: Path, work: Work, mode: str, model_name: str, load: Load, label_of: Callable[[Path], str]
) -> Labelling:
    """Return a session over a folder's images, read by the work's unit where there is one that reads such labels.

    Raises SettingsError where the mode's labels are boxes, DataError as look_through does, ArtifactError for a unit
    that cannot be loaded.
    """
    unit = load_unit(work.folder("App_model"), model_name, load)
    if Task.DETECTION in {MODES[mode].task, MODES[unit.recogniser.card.mode].task if unit else None}:
        raise SettingsError(
            "MODE = 'EFFICIENTDET' has boxes for labels, which --label cannot draw: use a program that writes VOC or "
            "YOLO files, as LabelImg does"
        )
    if unit and MODES[unit.recogniser.card.mode].task != MODES[mode].task:
        unit = None  # MODE was changed from texts to classes, or the other way round
    with changing(work.path, SCRIPT, CHANGED):  # a split on its way would move what is looked at
        pile = look_through(folder, work)
    symbols = Symbols(mode, known_symbols(work, mode, unit, label_of))
    read, name = (unit.predict, unit.name) if unit else (None, "")
    return Labelling(pile, Copies(work, label_of), symbols, read, name)


def load_unit(app_model: Path, model_name: str, load: Load) -> Any | None:
    """Return the work's unit, that of MODEL_NAME where there are several; None where nothing was trained yet."""
    try:
        units = find_units(app_model)
    except ArtifactError:
        return None
    return load(app_model, model_name if model_name in units else "")


def known_symbols(work: Work, mode: str, unit: Any | None, label_of: Callable[[Path], str]) -> set[str] | None:
    """Return the symbols that were learnt, and the classes that are in the data; None for texts that no unit reads."""
    known = set(unit.recogniser.card.characters) if unit else set()
    if MODES[mode].task is Task.CLASSIFICATION:
        with contextlib.suppress(LabelError):  # a broken table is told of when a label is written
            known |= {item.label for item in read_labels(work.data_folder("train"), label_of)[0]}
        return known
    return known or None


def refuse_other_options(given: dict[str, object], usual: dict[str, object], options: tuple[str, ...]) -> None:
    """Raise ServiceError for options of the service that labelling has no use for."""
    strange = [f"--{name.replace('_', '-')}" for name in options if given[name] != usual[name]]
    if strange:
        raise ServiceError(f"--label takes no {', '.join(strange)}: it serves a page to label on, and no API")


def check_reach(host: str, token: str | None) -> None:
    """Raise ServiceError where other machines could reach the page and it would ask nobody who they are."""
    if not token and not re.fullmatch(THIS_MACHINE, host):
        raise ServiceError(
            f"--host {host} lets other machines write into the data: give a --token with --label, or leave --host out"
        )


def next_commands(work: Work, symbols: Symbols) -> list[str]:
    """Return the steps that take what was labelled into a training."""
    divided = is_filled(work.data_folder("validation"))
    commands = [] if divided else ["python move_path.py", "python cheak_file.py --apply"]
    commands.append("python pack_dataset.py --extend" if has_new(work, symbols) else "python pack_dataset.py")
    if is_filled(work.folder("checkpoint")):
        commands.append("python init_working_space.py --go-on")
    return [*commands, "python train.py", "python save_model.py"]


def has_new(work: Work, symbols: Symbols) -> bool:
    """Tell whether this session's labels hold what num_classes.json has no row for."""
    try:
        return not symbols.used <= set(Vocabulary.load(work.vocabulary_file).characters)
    except RecordError:
        return False  # there is none yet, or one that pack_dataset.py will tell of


def is_filled(folder: Path) -> bool:
    """Tell whether a folder is there and holds something."""
    return folder.is_dir() and any(folder.iterdir())
