"""Predictions for the images of a folder, written line by line to a table that a later run continues."""

import csv
import io
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bearcat.artifacts.inference import Recogniser
from bearcat.core.errors import DataError, ImageError
from bearcat.core.names import escape_surrogates
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.labels.arithmetic import is_arithmetic, solve
from bearcat.data.labels.listing import list_images
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

CSV, JSON_LINES = ".csv", ".jsonl"
CERTAIN = math.inf  # in place of the confidence of a damaged image, which nobody can label
COLUMNS = ("file", "text", "answer", "confidence", "problem")


@dataclass(frozen=True)
class Row:
    """What is predicted for an image.

    Args:
        file: Its path in the folder, with /.
        text: The text or class; of a detector the names of the objects.
        answer: Of models of sums the number that the text asks for; '' otherwise.
        confidence: Of the prediction; 0 if nothing was predicted.
        problem: Why the image could not be opened; '' if it could.
        objects: Of a detector, as the service answers them.
    """

    file: str
    text: str = ""
    answer: str = ""
    confidence: float = 0.0
    problem: str = ""
    objects: list[dict] = field(default_factory=list)

    def as_csv(self) -> str:
        line = io.StringIO()
        confidence = "" if self.problem else f"{self.confidence:.6f}"
        csv.writer(line).writerow((self.file, self.text, self.answer, confidence, self.problem))
        return line.getvalue()

    def as_json(self) -> str:
        values: dict[str, Any] = {"file": self.file, "text": self.text, "confidence": round(self.confidence, 6)}
        optional = {"answer": self.answer, "problem": self.problem, "objects": self.objects}
        return (
            json.dumps(values | {name: value for name, value in optional.items() if value}, ensure_ascii=False) + "\n"
        )


@dataclass(frozen=True)
class Summary:
    """What `predict_folder` did.

    Args:
        known: Number of images that the table had already.
        predicted: Number of images that were predicted now.
        damaged: Messages about images that could not be opened.
        doubtful: Files with a confidence below the bound, of this run and earlier ones.
    """

    known: int
    predicted: int
    damaged: list[str]
    doubtful: list[str]


def predict_folder(folder: Path, recogniser: Recogniser, table: Path, doubtful_below: float = 0.0) -> Summary:
    """Predicts the images of a folder and of its sub-folders that a table lacks, and appends a line for each.

    Args:
        folder: The images.
        recogniser: The model.
        table: A .csv or .jsonl file. A line that a kill left unfinished is written again.
        doubtful_below: Images with a lower confidence are doubtful.

    Raises:
        DataError: There are no images, or the table is none of this step.
    """
    images = list_images(folder)
    if not images:
        raise DataError(f"{folder} holds no images")
    form = _form_of(table, recogniser)
    known = _read_known(table)
    names = {path.relative_to(folder).as_posix(): path for path in images}
    waiting = [name for name in names if escape_surrogates(name) not in known]
    damaged: list[str] = []
    with table.open("a", encoding="utf-8", newline="") as file:
        if not table.stat().st_size and form is Row.as_csv:
            file.write("\ufeff")  # by which Excel knows UTF-8
            csv.writer(file).writerow(COLUMNS)
        rows = map_in_threads(lambda name: _predict(recogniser, name, names[name]), waiting)
        for row in show_progress(rows, len(waiting), f"reading {folder.name}"):
            _append(file, form(row))
            known[row.file] = CERTAIN if row.problem else row.confidence
            damaged += [row.problem] if row.problem else []
    doubtful = [name for name in names if known.get(escape_surrogates(name), CERTAIN) < doubtful_below]
    return Summary(len(names) - len(waiting), len(waiting), damaged, doubtful)


def copy_doubtful(folder: Path, names: Sequence[str], target: Path) -> int:
    """Copies images into a folder of their own, sub-folders included; returns the number of new ones.

    No file is overwritten.
    """
    copied = 0
    for name in names:
        place = target / name
        if place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, place)
        copied += 1
    return copied


def _form_of(table: Path, recogniser: Recogniser) -> Callable[[Row], str]:
    """Returns what writes a row; raises DataError if the format does not exist or has no place for boxes."""
    has_boxes = MODES[recogniser.card.mode].task is Task.DETECTION
    if table.suffix == JSON_LINES:
        return Row.as_json
    if table.suffix != CSV or has_boxes:
        kinds = JSON_LINES if has_boxes else f"{CSV} or {JSON_LINES}"
        raise DataError(f"{table}: predictions of a model of {recogniser.card.mode} are written to a {kinds} file")
    return Row.as_csv


def _predict(recogniser: Recogniser, name: str, path: Path) -> Row:
    shown = escape_surrogates(name)
    try:
        found = recogniser.predict(path)
    except ImageError as error:
        return Row(shown, problem=str(error))
    if isinstance(found, Detections):
        return Row(shown, found.text, "", found.confidence, objects=found.objects())
    answer = solve(found.text) if is_arithmetic(recogniser.card.characters) else None
    return Row(shown, found.text, answer or "", found.confidence)


def _append(file: TextIO, line: str) -> None:
    file.write(line)
    file.flush()


def _read_known(table: Path) -> dict[str, float]:
    """Returns file → confidence of a table's rows, and cuts off a last line that is not complete.

    Raises:
        DataError: The file was not written by this step.
    """
    if not table.exists():
        return {}
    content = table.read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    try:
        rows = list(_rows(complete.decode("utf-8-sig"), table.suffix))
        known = {str(row["file"]): CERTAIN if row.get("problem") else float(row["confidence"]) for row in rows}
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, csv.Error):
        raise DataError(
            f"{table} was not written by read_folder.py, so nothing is added to it: name another file"
        ) from None
    if len(complete) < len(content):
        with table.open("rb+") as file:
            file.truncate(len(complete))
    return known


def _rows(text: str, suffix: str) -> Iterator[dict]:
    if suffix == JSON_LINES:
        yield from map(json.loads, text.splitlines())
        return
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if text and tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(reader.fieldnames)
    yield from reader
