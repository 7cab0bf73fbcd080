"""Payloads of the service's answers: a text or class, the cells of a grid, or objects and points to click."""

import math
import reprlib
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import cast

from bearcat.artifacts.inference import Recogniser
from bearcat.artifacts.run_guard import stop_if_dropped
from bearcat.core.errors import LabelError, RequestOptionError
from bearcat.core.files import parse_json
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.restrictions import RESTRICTIONS, Restriction
from bearcat.data.frames import SPREAD
from bearcat.data.grids import SHOWN, Cell, Grid, matching_cells
from bearcat.data.images import Source, open_image
from bearcat.data.labels.arithmetic import solve
from bearcat.data.labels.text import clean_label, split_graphemes
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task

RATE = "restriction_rate"
MAX_PROMPT = 1024  # characters, of all names
MAX_PROMPT_NAMES = 64
CELLS_AT_A_TIME = 32  # of a grid: the memory that a network takes grows with them


def make_answer(recogniser: Recogniser, image: Source, **options: object) -> dict:
    """Predicts one image and returns the payload of the service's answer, without its return code.

    Args:
        recogniser: A loaded model.
        image: The encoded image, as bytes; a path or an opened image will do as well.
        **options: `grid` and `name` for texts and classes (see `Grid.parse`), `characters`, `length` and `pattern` for
            texts (see `Restriction`), `prompt` for objects (see `parse_prompt`).

    Returns:
        `result`, `recognition_rate`, `overall_recognition_rate` and `time`; with a prompt also `points`, of models of
        sums `answer` (see `arithmetic.solve`), and of a restricted text, or of its cells, `restriction_rate` (see
        `Prediction.allowed`).

    Raises:
        RequestOptionError: An option does not apply to the mode of the model, or allows no text that it can predict.
        ImageError: The image cannot be read.
    """
    started = time.perf_counter()
    mode = recogniser.card.mode
    task = MODES[mode].task
    unknown = sorted(options.keys() - OPTIONS[task])
    if unknown:
        raise RequestOptionError(f"{', '.join(unknown)}: a model of {mode} takes only {', '.join(OPTIONS[task])}")
    answer, confidences = ANSWERS[task](recogniser, image, **options)
    return answer | {
        "recognition_rate": [round(confidence, 6) for confidence in confidences],
        "overall_recognition_rate": round(math.prod(confidences), 6) if confidences else 0.0,
        "time": round(time.perf_counter() - started, 6),
    }


def predict_grid(
    recogniser: Recogniser, image: Source, grid: Grid, name: str = "", allowed: Restriction | None = None
) -> list[Cell]:
    """Classifies the cells of an image and returns those labelled `name`, or all of them if `name` is empty.

    Raises:
        ImageError: The image cannot be read, or its cells would be too small.
        RequestOptionError: The model puts frames side by side.
    """
    frames = recogniser.card.spec.frames
    if frames == SPREAD:
        raise RequestOptionError(f"grid: a model with FRAMES = {SPREAD!r} sees frames side by side, which has no cells")
    opened = open_image(image, frames)
    boxes = grid.boxes_xyxy(*opened.size)
    predictions: list[Prediction] = []
    for start in range(0, len(boxes), CELLS_AT_A_TIME):
        stop_if_dropped()
        cells = [opened.crop(box) for box in boxes[start : start + CELLS_AT_A_TIME]]
        predictions += recogniser.predict_batch(cells, allowed)
    return matching_cells(predictions, boxes, _known_name(name, recogniser.card.characters))


def _answer_text(
    recogniser: Recogniser, image: Source, grid: str = "", name: str = "", **restriction: str
) -> tuple[dict, list[float]]:
    allowed = Restriction.of(**restriction)
    if grid:
        cells = predict_grid(recogniser, image, Grid.parse(grid), name, allowed)
        return {"result": [_describe_cell(cell, allowed) for cell in cells]}, [cell.confidence for cell in cells]
    prediction = recogniser.predict(image, allowed)
    answer: dict[str, object] = {"result": prediction.text}
    if allowed:
        answer[RATE] = round(prediction.allowed, 6)
    if recogniser.card.reads_sums:
        answer["answer"] = solve(prediction.text)
    return answer, list(prediction.confidences)


def _describe_cell(cell: Cell, allowed: Restriction | None) -> dict:
    described = asdict(cell)
    rate = round(described.pop("allowed"), 6)
    return described | ({RATE: rate} if allowed else {})


def _answer_objects(recogniser: Recogniser, image: Source, prompt: object = None) -> tuple[dict, list[float]]:
    detections = cast(Detections, recogniser.predict(image))
    answer: dict[str, object] = {"result": detections.objects()}
    if prompt:
        answer["points"] = detections.points(parse_prompt(prompt, detections.names))
    return answer, list(detections.confidences)


def parse_prompt(prompt: object, names: tuple[str, ...]) -> list[str]:
    """Returns the class names that a prompt asks to click, in order.

    Args:
        prompt: A list of names, a JSON list, names separated by commas, or, if every class name is a single
            character, a text of them.
        names: The class names of the model.

    Raises:
        RequestOptionError: The prompt has another form, or is too long.
    """
    _check_size(prompt)
    if isinstance(prompt, str) and prompt.lstrip().startswith("["):
        try:
            prompt = parse_json(prompt)
        except ValueError:
            raise RequestOptionError(f"prompt is {_shown(prompt)}, which is not valid JSON") from None
    if isinstance(prompt, str):
        text = prompt.strip()
        if _known_name(text, names) in names:
            return [_known_name(text, names)]
        single_characters = all(len(split_graphemes(name)) == 1 for name in names) and "," not in text
        parts = split_graphemes(text) if single_characters else text.split(",")
        prompt = [part.strip() for part in parts if part.strip()]
    if not isinstance(prompt, list) or not all(isinstance(name, str) for name in prompt):
        example = '"天好" or ["天", "好"]'
        raise RequestOptionError(f"prompt is {_shown(prompt)}: expected what to click, in order, for example {example}")
    _check_size(prompt)
    return [_known_name(name, names) for name in prompt]


def _check_size(prompt: object) -> None:
    """Checks the size of a prompt before any work is done with it: it grows with the square of that.

    Raises:
        RequestOptionError: The prompt is too long, or has too many names.
    """
    if isinstance(prompt, list) and len(prompt) > MAX_PROMPT_NAMES:
        raise RequestOptionError(f"prompt has {len(prompt):,} names: at most {MAX_PROMPT_NAMES} are allowed")
    texts = prompt if isinstance(prompt, list) else [prompt]
    characters = sum(len(text) for text in texts if isinstance(text, str))
    if characters > MAX_PROMPT:
        raise RequestOptionError(f"prompt has {characters:,} characters: at most {MAX_PROMPT:,} are allowed")


def _shown(prompt: object) -> str:
    """Returns the start of a prompt for a message."""
    return (repr(prompt[:SHOWN]) if isinstance(prompt, str) else reprlib.repr(prompt))[:SHOWN]


def _known_name(name: str, names: tuple[str, ...]) -> str:
    """Returns the class name of a model that a name in a request stands for, cleaned as labels are; else the name."""
    if name in names:
        return name
    try:
        cleaned = clean_label(name)
        return _cleaned(names).get(cleaned, cleaned)
    except LabelError:
        return name


@lru_cache(maxsize=16)
def _cleaned(names: tuple[str, ...]) -> dict[str, str]:
    """Returns a dict from cleaned class names to the names of a model; of several the first counts."""
    return {clean_label(name): name for name in reversed(names)}


AnswerFunction = Callable[..., tuple[dict, list[float]]]
ANSWERS: dict[Task, AnswerFunction] = {
    Task.TEXT: _answer_text,
    Task.CLASSIFICATION: _answer_text,
    Task.DETECTION: _answer_objects,
}
OPTIONS = {
    Task.TEXT: ("grid", "name", *RESTRICTIONS),
    Task.CLASSIFICATION: ("grid", "name"),
    Task.DETECTION: ("prompt",),
}
