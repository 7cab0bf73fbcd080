"""Predictions for the images of a folder, written line by line to a table that a later run continues."""

import csv
import filecmp
import hashlib
import io
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bearcat.artifacts.card import Card
from bearcat.artifacts.inference import Recogniser
from bearcat.core.errors import DataError, ImageError
from bearcat.core.files import atomic_write
from bearcat.core.names import escape_surrogates
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.labels.arithmetic import solve
from bearcat.data.labels.listing import list_images
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

CSV, JSON_LINES = ".csv", ".jsonl"
CERTAIN = math.inf  # in place of the confidence of a damaged image, which nobody can label
COLUMNS = ("file", "model", "text", "answer", "confidence", "problem")
HEADER = "\ufeff" + ",".join(COLUMNS) + "\r\n"  # with the mark by which Excel knows UTF-8
FIRST_OF_LINE = '{"file": "'


@dataclass(frozen=True)
class Row:
    """What is predicted for an image.

    Args:
        file: Its whole path, with /.
        model: The model, see `name_model`.
        text: The text or class; of a detector the names of the objects.
        answer: Of models of sums the number that the text asks for; '' otherwise.
        confidence: Of the prediction; 0 if nothing was predicted. Under a restriction it is multiplied by the
            probability of all allowed texts, so that an image that shows another text is doubtful.
        problem: Why the image could not be opened; '' if it could.
        objects: Of a detector, as the service answers them.
    """

    file: str
    model: str
    text: str = ""
    answer: str = ""
    confidence: float = 0.0
    problem: str = ""
    objects: list[dict] = field(default_factory=list)

    def as_csv(self) -> str:
        line = io.StringIO()
        confidence = "" if self.problem else f"{self.confidence:.6f}"
        csv.writer(line).writerow((self.file, self.model, self.text, self.answer, confidence, self.problem))
        return line.getvalue()

    def as_json(self) -> str:
        values: dict[str, Any] = {
            "file": self.file,
            "model": self.model,
            "text": self.text,
            "confidence": round(self.confidence, 6),
        }
        optional = {"answer": self.answer, "problem": self.problem, "objects": self.objects}
        return (
            json.dumps(values | {name: value for name, value in optional.items() if value}, ensure_ascii=False) + "\n"
        )


FORMS: dict[str, Callable[[Row], str]] = {CSV: Row.as_csv, JSON_LINES: Row.as_json}


@dataclass(frozen=True)
class Summary:
    """What `predict_folder` did.

    Args:
        known: Number of images that the table had already.
        predicted: Number of images that were predicted now.
        damaged: Messages about images that could not be opened.
        doubtful: Images with a confidence below the bound, of this run and earlier ones.
    """

    known: int
    predicted: int
    damaged: list[str]
    doubtful: list[Path]


def predict_folder(
    folder: Path, recogniser: Recogniser, table: Path, doubtful_below: float = 0.0, allowed: Restriction | None = None
) -> Summary:
    """Predicts the images of a folder and of its direct sub-folders, and appends a line for each to a table.

    Images that the table has of the same model and restriction already are left out.

    Args:
        folder: The images.
        recogniser: The model.
        table: A .csv or .jsonl file. A line that a kill left unfinished is written again.
        doubtful_below: Images with a lower confidence are doubtful.
        allowed: Which texts may be predicted.

    Raises:
        DataError: There are no images, or the table is none of this step.
        RequestOptionError: The model predicts no allowed text.
    """
    recogniser.check_allowed(allowed)
    images = list_images(folder)
    if not images:
        raise DataError(f"{folder} holds no images")
    form, model = _form_of(table, recogniser), name_model(recogniser.card, allowed)
    known = {file: confidence for (file, by), confidence in _read_known(table).items() if by == model}
    names = {_one_line(path): path for path in images}
    waiting = [name for name in names if name not in known]
    damaged: list[str] = []
    with table.open("a", encoding="utf-8", newline="") as file:
        if not table.stat().st_size and form is Row.as_csv:
            file.write(HEADER)
        rows = map_in_threads(lambda name: _predict(recogniser, name, model, names[name], allowed), waiting)
        for row in show_progress(rows, len(waiting), f"reading {folder.name}"):
            file.write(form(row))
            file.flush()
            known[row.file] = CERTAIN if row.problem else row.confidence
            damaged += [row.problem] if row.problem else []
    doubtful = [path for name, path in names.items() if known[name] < doubtful_below]
    return Summary(len(names) - len(waiting), len(waiting), damaged, doubtful)


def table_suffixes(card: Card) -> tuple[str, ...]:
    """Returns the suffixes of the tables that have a place for what a model predicts, the default first."""
    return (JSON_LINES,) if MODES[card.mode].task is Task.DETECTION else (CSV, JSON_LINES)


def name_model(card: Card, allowed: Restriction | None = None) -> str:
    """Returns the name of a model with a fingerprint of its card, which is another one after each training.

    The restriction of its predictions is part of the fingerprint.
    """
    described = card.to_json() + (str(allowed) if allowed else "")
    return f"{card.name}-{hashlib.sha256(described.encode()).hexdigest()[:8]}"


def copy_doubtful(folder: Path, images: Sequence[Path], target: Path) -> int:
    """Copies images into one folder, whose sub-folders the labelling page would ignore; returns how many are new.

    Nothing is overwritten: an image whose name another one has gets a number.

    Raises:
        DataError: The target lies in the folder of the images, of which the copies would become a part.
    """
    if target.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"--copy-doubtful {target} lies in {folder}, whose images are predicted: name another folder")
    copied = 0
    for image in images:
        place = next(place for place in _possible_places(target, image) if not _is_other(place, image))
        if not place.exists():
            with atomic_write(place, sync=False) as part:
                shutil.copyfile(image, part)
            copied += 1
    return copied


def _possible_places(target: Path, image: Path) -> Iterator[Path]:
    yield target / image.name
    yield from (target / f"{image.stem}-{number}{image.suffix}" for number in count(2))


def _is_other(place: Path, image: Path) -> bool:
    return place.exists() and not (place.is_file() and filecmp.cmp(place, image, shallow=False))


def _one_line(path: Path) -> str:
    """Returns the whole path of an image for a line of the table."""
    return escape_surrogates(path.resolve().as_posix()).replace("\r", "\\r").replace("\n", "\\n")


def _form_of(table: Path, recogniser: Recogniser) -> Callable[[Row], str]:
    """Returns what writes a row; raises DataError if the format does not exist or has no place for boxes."""
    kinds, mode = table_suffixes(recogniser.card), recogniser.card.mode
    if table.suffix not in kinds:
        raise DataError(f"{table}: predictions of a model of {mode} are written to a {' or '.join(kinds)} file")
    return FORMS[table.suffix]


def _predict(recogniser: Recogniser, name: str, model: str, path: Path, allowed: Restriction | None) -> Row:
    try:
        found = recogniser.predict(path, allowed)
    except ImageError as error:
        return Row(name, model, problem=str(error))
    if isinstance(found, Detections):
        return Row(name, model, found.text, "", found.confidence, objects=found.objects())
    answer = solve(found.text) if recogniser.card.reads_sums else None
    return Row(name, model, found.text, answer or "", found.confidence * found.allowed)


def _read_known(table: Path) -> dict[tuple[str, str], float]:
    """Returns (file, model) → confidence of a table's rows, and cuts off a last line that is not complete.

    Raises:
        DataError: The file was not written by this step.
    """
    if not table.exists():
        return {}
    content = table.read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    try:
        rows = list(_rows(complete.decode("utf-8-sig"), table.suffix))
        known = {
            (str(row["file"]), str(row["model"])): CERTAIN if row.get("problem") else float(row["confidence"])
            for row in rows
        }
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, csv.Error):
        known = None
    start = (FIRST_OF_LINE if table.suffix == JSON_LINES else HEADER).encode()
    is_started = content.startswith(start[: len(content)])
    if known is None or not is_started or _is_foreign(content[len(complete) :]):
        raise DataError(f"{table} was not written by read_folder.py, so nothing is added to it: name another file")
    if len(complete) < len(content):
        with table.open("rb+") as file:
            file.truncate(len(complete))
    return known


def _is_foreign(line: bytes) -> bool:
    """Whether a last line without an end is a whole object of JSON that this step did not write."""
    try:
        return "model" not in json.loads(line)
    except (ValueError, TypeError):
        return False


def _rows(text: str, suffix: str) -> Iterator[dict]:
    if suffix == JSON_LINES:
        yield from map(json.loads, text.split("\n")[:-1])
    else:
        yield from csv.DictReader(io.StringIO(text, newline=""))
