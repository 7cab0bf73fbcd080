"""Predictions for the page, and errors as messages for its visitors."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bearcat.core.errors import (
    ArtifactError,
    BearcatError,
    ImageError,
    ImageFormatError,
    ImageSizeError,
    PredictionTimeoutError,
    RequestOptionError,
)
from bearcat.data.codecs import Prediction
from bearcat.data.images import MAX_PIXELS, SERVED_FORMATS, refuse_unserved
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task
from bearcat.serving.answers import parse_prompt
from bearcat.serving.page.render import Answer

Predict = Callable[[Path], Prediction | Detections]
# the first class that matches counts; only a prompt raises RequestOptionError
TEXT_OF_ERROR: dict[type[BearcatError], str] = {
    ImageFormatError: "format",
    ImageSizeError: "size",
    ImageError: "damaged",
    RequestOptionError: "bad_prompt",
    ArtifactError: "no_model",
    PredictionTimeoutError: "too_slow",
}

log = logging.getLogger("bearcat.serving.page.mount")


class PageError(BearcatError):
    """An error shown to a visitor.

    Args:
        key: Key of its text in `translations.TEXTS`.
        **values: Values for the text's placeholders.
    """

    def __init__(self, key: str, **values: str):
        super().__init__(key)
        self.key = key
        self.values = values

    def message(self, texts: Mapping[str, str]) -> str:
        """Returns the message in a visitor's language."""
        return texts[self.key].format(**self.values)


def predict_image(models: Mapping[str, Predict], file: Path, name: str, prompt: str = "") -> Answer:
    """Predicts an image with the model of that name.

    Raises:
        PageError: There is no answer; a bug is logged.
    """
    started = time.perf_counter()
    try:
        predict = models.get(name)
        if predict is None:
            raise PageError("no_model")
        refuse_unserved(file)
        prediction = predict(file)
        names = _names_to_click(prompt, prediction)
        points = tuple(prediction.points(names)) if names and isinstance(prediction, Detections) else ()
    except PageError:
        raise
    except BearcatError as error:
        raise _to_page_error(error) from None
    except Exception:
        log.exception("prediction for the page failed")
        raise PageError("failed") from None
    return Answer(prediction, (time.perf_counter() - started) * 1000, tuple(names), points)


def _names_to_click(prompt: str, prediction: Prediction | Detections) -> list[str]:
    """Returns the names of a prompt, none for a model that finds no objects."""
    if not isinstance(prediction, Detections) or not prompt.strip():
        return []
    names = parse_prompt(prompt, prediction.names)
    unknown = [name for name in dict.fromkeys(names) if name not in prediction.names]
    if unknown:
        raise PageError("unknown", names=", ".join(unknown)[:80])
    return names


def _to_page_error(error: BearcatError) -> PageError:
    """Returns an error without its details, which may name paths of this machine."""
    key = next((key for kind, key in TEXT_OF_ERROR.items() if isinstance(error, kind)), None)
    if key is None:
        log.error("prediction for the page failed", exc_info=error)
    return PageError(key or "failed", formats=", ".join(SERVED_FORMATS), pixels=f"{MAX_PIXELS:,}")


def finds_objects(modes: Mapping[str, str], name: str | None) -> bool:
    """Whether a model finds objects, so that a prompt can say what to click."""
    mode = modes.get(name or "")
    return mode in MODES and MODES[mode].task is Task.DETECTION
