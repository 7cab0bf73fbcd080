"""From what a unit read to the fields of the service's answer: text, cells of a grid, or objects and points."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict

from bearcat.core.errors import RequestOptionError
from bearcat.data.grids import Grid
from bearcat.modes import MODES, Task


def answer_of(unit, image: bytes, **options: object) -> dict:
    """Return the service's answer to an image's bytes, without its return code.

    `unit` is a Predict_Image. Raises RequestOptionError for options that its mode has no use for, ImageError for a
    image that cannot be read.
    """
    started = time.perf_counter()
    kind = MODES[unit.recogniser.card.mode].task
    strange = sorted(options.keys() - OPTIONS[kind])
    if strange:
        mode = unit.recogniser.card.mode
        raise RequestOptionError(f"{', '.join(strange)}: a unit of {mode} takes {' and '.join(OPTIONS[kind])}")
    answer, rates = ANSWERS[kind](unit, image, **options)
    return answer | {
        "recognition_rate": [round(rate, 6) for rate in rates],
        "overall_recognition_rate": round(math.prod(rates), 6) if rates else 0.0,
        "time": round(time.perf_counter() - started, 6),
    }


def read_text(unit, image: bytes, grid: str = "", name: str = "") -> tuple[dict, list[float]]:
    """Return text or class name; with a grid (see Grid.parse) the cells that show `name`; and how sure each is."""
    if grid:
        cells = unit.predict_grid(image, Grid.parse(grid), name)
        return {"result": [asdict(cell) for cell in cells]}, [cell.confidence for cell in cells]
    prediction = unit.predict(image)
    return {"result": prediction.text}, list(prediction.confidences)


def find_objects(unit, image: bytes, prompt: object = None) -> tuple[dict, list[float]]:
    """Return the objects, with a prompt also the points to click in its order; and how sure each object is."""
    found = unit.predict(image)
    answer = {"result": found.objects()}
    if prompt:
        answer["points"] = found.points(parse_prompt(prompt, found.names))
    return answer, list(found.confidences)


def parse_prompt(prompt: object, names: tuple[str, ...]) -> list[str]:
    """Return the names to click: a list, a JSON list, names with commas between, or a text of one-character names.

    Raises RequestOptionError for anything else.
    """
    if isinstance(prompt, str) and prompt.lstrip().startswith("["):
        try:
            prompt = json.loads(prompt)
        except ValueError:
            raise RequestOptionError(f"prompt is {prompt!r}: no JSON list") from None
    if isinstance(prompt, str):
        text = prompt.strip()
        if text in names:
            return [text]
        one_each = all(len(name) == 1 for name in names) and "," not in text
        prompt = [part.strip() for part in (text if one_each else text.split(",")) if part.strip()]
    if not isinstance(prompt, list) or not all(isinstance(name, str) for name in prompt):
        example = '"天好" or ["天", "好"]'
        raise RequestOptionError(f"prompt is {prompt!r}: what to click, in order, is expected, as in {example}")
    return prompt


Answer = Callable[..., tuple[dict, list[float]]]
ANSWERS: dict[str, Answer] = {Task.TEXT: read_text, Task.CLASSIFICATION: read_text, Task.DETECTION: find_objects}
OPTIONS = {Task.TEXT: ("grid", "name"), Task.CLASSIFICATION: ("grid", "name"), Task.DETECTION: ("prompt",)}
