"""What the page asks of the units, and what it says where they cannot answer."""

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
    RequestOptionError,
)
from bearcat.data.codecs import Prediction
from bearcat.data.images import FORMATS, MOST_PIXELS
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task
from bearcat.serving.answers import parse_prompt
from bearcat.serving.page.render import Answer

Read = Callable[[Path], Prediction | Detections]
# the first that fits; RequestOptionError comes from a prompt alone
WORD_OF_ERROR = {
    ImageFormatError: "format",
    ImageSizeError: "size",
    ImageError: "damaged",
    RequestOptionError: "bad_prompt",
    ArtifactError: "no_unit",
}

log = logging.getLogger("bearcat.serving.page.mount")


class PageError(BearcatError):
    """What a visitor is told instead of an answer: the key of its words, and what goes into them."""

    def __init__(self, word: str, **values: str):
        super().__init__(word)
        self.word = word
        self.values = values

    def told(self, words: Mapping[str, str]) -> str:
        """Return the message in a visitor's language."""
        return words[self.word].format(**self.values)


def read_image(units: Mapping[str, Read], file: Path, name: str, prompt: str = "") -> Answer:
    """Return what a unit makes of an image; raise PageError where that is nothing to show."""
    started = time.perf_counter()
    try:
        if name not in units:
            raise PageError("no_unit")
        prediction = units[name](file)
        wanted = prompt_of(prompt, prediction)
        points = tuple(prediction.points(wanted)) if wanted else ()
    except BearcatError as error:
        raise error if isinstance(error, PageError) else page_error(error) from None
    except Exception:
        log.exception("the page could not read an image")
        raise PageError("failed") from None
    return Answer(prediction, (time.perf_counter() - started) * 1000, tuple(wanted), points)


def prompt_of(prompt: str, prediction: Prediction | Detections) -> list[str]:
    """Return the names to click; none where a unit finds no boxes. Raises PageError for one that it never learnt."""
    if not isinstance(prediction, Detections) or not prompt.strip():
        return []
    wanted = parse_prompt(prompt, prediction.names)
    unknown = [name for name in dict.fromkeys(wanted) if name not in prediction.names]
    if unknown:
        raise PageError("unknown", names=", ".join(unknown)[:80])
    return wanted


def page_error(error: BearcatError) -> PageError:
    """Return what a visitor is told of an error; paths and whatever else it names stay out of it."""
    word = next((word for kind, word in WORD_OF_ERROR.items() if isinstance(error, kind)), None)
    if word is None:
        log.error("the page could not read an image", exc_info=error)
    return PageError(word or "failed", formats=", ".join(FORMATS), pixels=f"{MOST_PIXELS:,}")


def takes_prompt(modes: Mapping[str, str], name: str | None) -> bool:
    """Tell whether a unit finds boxes, and so may be told what to click."""
    mode = modes.get(name or "")
    return mode in MODES and MODES[mode].task is Task.DETECTION
