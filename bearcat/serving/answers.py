"""Payloads of the service's answers: a text or class, the cells of a grid, or objects and points to click."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import cast

from bearcat.artifacts.inference import Recogniser
from bearcat.core.errors import RequestOptionError
from bearcat.data.grids import Cell, Grid, cut, matching_cells
from bearcat.data.images import Source, open_image
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task


def make_answer(recogniser: Recogniser, image: Source, **options: object) -> dict:
    """Predicts one image and returns the payload of the service's answer, without its return code.

    Args:
        recogniser: A loaded model.
        image: The encoded image, as bytes; a path or an opened image will do as well.
        **options: `grid` and `name` for texts and classes (see `Grid.parse`), `prompt` for objects (see
            `parse_prompt`).

    Returns:
        `result`, `recognition_rate`, `overall_recognition_rate` and `time`; with a prompt also `points`.

    Raises:
        RequestOptionError: An option does not apply to the mode of the model.
        ImageError: The image cannot be read.
    """
    started = time.perf_counter()
    mode = recogniser.card.mode
    task = MODES[mode].task
    unknown = sorted(options.keys() - OPTIONS[task])
    if unknown:
        raise RequestOptionError(f"{', '.join(unknown)}: a model of {mode} takes only {' and '.join(OPTIONS[task])}")
    answer, confidences = ANSWERS[task](recogniser, image, **options)
    return answer | {
        "recognition_rate": [round(confidence, 6) for confidence in confidences],
        "overall_recognition_rate": round(math.prod(confidences), 6) if confidences else 0.0,
        "time": round(time.perf_counter() - started, 6),
    }


def predict_grid(recogniser: Recogniser, image: Source, grid: Grid, name: str = "") -> list[Cell]:
    """Classifies the cells of an image and returns those labelled `name`, or all of them if `name` is empty.

    Raises:
        ImageError: The image cannot be read, or its cells would be too small.
    """
    opened = open_image(image)
    predictions = recogniser.predict_batch(cut(opened, grid))
    labels = [(prediction.text, prediction.confidence) for prediction in predictions]
    return matching_cells(labels, grid.boxes_xyxy(*opened.size), name)


def _answer_text(recogniser: Recogniser, image: Source, grid: str = "", name: str = "") -> tuple[dict, list[float]]:
    if grid:
        cells = predict_grid(recogniser, image, Grid.parse(grid), name)
        return {"result": [asdict(cell) for cell in cells]}, [cell.confidence for cell in cells]
    prediction = recogniser.predict(image)
    return {"result": prediction.text}, list(prediction.confidences)


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
        RequestOptionError: The prompt has another form.
    """
    if isinstance(prompt, str) and prompt.lstrip().startswith("["):
        try:
            prompt = json.loads(prompt)
        except ValueError:
            raise RequestOptionError(f"prompt is {prompt!r}, which is not valid JSON") from None
    if isinstance(prompt, str):
        text = prompt.strip()
        if text in names:
            return [text]
        single_characters = all(len(name) == 1 for name in names) and "," not in text
        prompt = [part.strip() for part in (text if single_characters else text.split(",")) if part.strip()]
    if not isinstance(prompt, list) or not all(isinstance(name, str) for name in prompt):
        example = '"天好" or ["天", "好"]'
        raise RequestOptionError(f"prompt is {prompt!r}: expected what to click, in order, for example {example}")
    return prompt


AnswerFunction = Callable[..., tuple[dict, list[float]]]
ANSWERS: dict[Task, AnswerFunction] = {
    Task.TEXT: _answer_text,
    Task.CLASSIFICATION: _answer_text,
    Task.DETECTION: _answer_objects,
}
OPTIONS = {Task.TEXT: ("grid", "name"), Task.CLASSIFICATION: ("grid", "name"), Task.DETECTION: ("prompt",)}
