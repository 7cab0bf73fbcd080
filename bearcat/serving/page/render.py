"""HTML of the page's answers: parts with their confidences, boxes and clicks drawn on the image, and the history.

Everything that comes from an image, a model or a visitor is escaped here.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from PIL import Image

from bearcat.data.codecs import Prediction
from bearcat.data.images import open_image
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_detections, draw_points

HIGH, MEDIUM = 0.95, 0.8  # confidences from which a part is green or yellow; below it is red
DRAWING_WIDTH, DRAWING_HEIGHT = 960, 1200  # pixels; small images are enlarged, so that names and boxes are sharp
THUMBNAIL = (192, 96)
MAX_HISTORY = 20

Point = list[float] | None


@dataclass(frozen=True)
class Answer:
    """A prediction for an image; with a prompt, also its names and the points to click."""

    prediction: Prediction | Detections
    milliseconds: float
    prompt: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class HistoryEntry:
    """An earlier image of this visit, as a thumbnail (data URL), and its prediction."""

    thumbnail: str
    text: str
    confidence: float


def answer_html(file: Path, answer: Answer, texts: dict[str, str]) -> str:
    """Returns an answer: drawing and clicks if objects were found, each part with its confidence, and a summary."""
    prediction = answer.prediction
    is_detection = isinstance(prediction, Detections)
    if not prediction.parts and not answer.prompt:
        return note_html(texts["no_objects" if is_detection else "nothing"])
    blocks = [_drawing_html(file, prediction, answer.points)] if isinstance(prediction, Detections) else []
    if answer.prompt:
        blocks += [_title_html(texts["clicks"]), _clicks_html(answer.prompt, answer.points, texts)]
    if is_detection and prediction.parts:
        blocks.append(_title_html(texts["found"]))
    blocks += [_parts_html(prediction), _summary_html(answer, texts)]
    return "".join(blocks)


def _parts_html(prediction: Prediction | Detections) -> str:
    """Returns a tile for each character, class or object, with its confidence as a bar, a colour and a number."""
    is_detection = isinstance(prediction, Detections)
    tiles = "".join(
        f'<li class="{_level(confidence)}"><b>{escape(part) if part.strip() else "␣"}</b>'
        f'<i style="--confidence: {confidence:.3f}"></i><small>{_percent(confidence)}</small></li>'
        for part, confidence in prediction.parts
    )
    return f'<ol class="bc-parts{" bc-small" * is_detection}" aria-label="{escape(prediction.text)}">{tiles}</ol>'


def _clicks_html(prompt: Sequence[str], points: Sequence[Point], texts: dict[str, str]) -> str:
    """Returns the points to click in order, in pixels of the image that was sent."""
    places = [texts["not_found"] if point is None else "{:g}, {:g}".format(*point) for point in points]
    items = "".join(
        f"<li{' class=bc-missing' if point is None else ''}><b>{escape(name)}</b><small>{place}</small></li>"
        for name, point, place in zip(prompt, points, places, strict=True)
    )
    return f'<ol class="bc-clicks">{items}</ol>'


def _summary_html(answer: Answer, texts: dict[str, str]) -> str:
    """Returns the line with the text to copy, the overall confidence, and the time."""
    prediction = answer.prediction
    overall = escape(texts["overall"].format(confidence=_percent(prediction.confidence)))
    time = escape(texts["time"].format(time=f"{answer.milliseconds:.0f}"))
    text = escape(prediction.text)
    copy = f'<code>{text}</code><button type="button">{escape(texts["copy"])}</button>' if text else ""
    return f'<p class="bc-summary">{copy}<span>{overall}</span><span>{time}</span></p>'


def _drawing_html(file: Path, detections: Detections, points: Sequence[Point]) -> str:
    """Returns the image with the objects that were found and the numbers of the clicks."""
    image = open_image(file)
    factor = min(DRAWING_WIDTH / image.width, DRAWING_HEIGHT / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    resized = image.resize(size, Image.Resampling.LANCZOS)
    drawing = draw_detections(resized, replace(detections, boxes_xyxy=detections.boxes_xyxy * factor))
    draw_points(drawing, points, drawing.width / image.width)
    return f'<img class="bc-drawing" src="{_data_url(drawing)}" alt="{escape(detections.text)}">'


def _title_html(text: str) -> str:
    return f'<p class="bc-title">{escape(text)}</p>'


def note_html(text: str, is_error: bool = False) -> str:
    """Returns a message in place of an answer."""
    attributes = 'role="alert" class="bc-note bc-error"' if is_error else 'class="bc-note"'
    return f"<p {attributes}>{escape(text)}</p>"


def history_html(history: Sequence[HistoryEntry], texts: dict[str, str]) -> str:
    """Returns the history of a visit, newest first; "" if it is empty."""
    items = "".join(
        f'<li><img src="{entry.thumbnail}" alt=""><b title="{escape(entry.text)}">{escape(entry.text) or "–"}</b>'
        f'<small class="{_level(entry.confidence)}">{_percent(entry.confidence)}</small></li>'
        for entry in history
    )
    return f'{_title_html(texts["history"])}<ol class="bc-history">{items}</ol>' if items else ""


def add_to_history(
    history: Sequence[HistoryEntry], file: Path, prediction: Prediction | Detections
) -> list[HistoryEntry]:
    """Returns the history with an image in front; an equal entry moves there."""
    thumbnail = open_image(file)
    thumbnail.thumbnail(THUMBNAIL)
    newest = HistoryEntry(_data_url(thumbnail), prediction.text, prediction.confidence)
    return [newest, *(entry for entry in history if entry != newest)][:MAX_HISTORY]


def _data_url(image: Image.Image) -> str:
    """Returns an RGB image as a data URL, so that it is neither on the disk nor available to others."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _level(confidence: float) -> str:
    """Returns the CSS class of a confidence."""
    return "bc-high" if confidence >= HIGH else "bc-medium" if confidence >= MEDIUM else "bc-low"


def _percent(confidence: float) -> str:
    """Returns a confidence in per cent; only 1 is shown as 100%."""
    return f"{min(confidence, 0.999):.1%}" if confidence < 1 else "100%"
