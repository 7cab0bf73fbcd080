"""What the page shows of an answer, as HTML: characters with their bars, boxes and clicks drawn, and the history.

Whatever comes from an image, a unit or a visitor is escaped here.
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
from bearcat.detection.drawing import draw_found, draw_points

SURE, LIKELY = 0.95, 0.8  # from these confidences on a part is green, or yellow; below it is red
DRAWN_WIDTH, DRAWN_HEIGHT = 960, 1200  # pixels: a small image is enlarged, so that names and boxes are sharp
THUMBNAIL = (192, 96)
MOST_PAST = 20

Point = list[float] | None


@dataclass(frozen=True)
class Answer:
    """What a unit made of an image; of one with boxes also the prompt's names and the points to click."""

    prediction: Prediction | Detections
    milliseconds: float
    prompt: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Past:
    """An image that was read before: a small copy of it, and what was read."""

    thumbnail: str
    text: str
    confidence: float


def show_answer(file: Path, answer: Answer, words: dict[str, str]) -> str:
    """Return an answer as HTML: large, with the confidence of each part; boxes and clicks on the image."""
    prediction = answer.prediction
    of_boxes = isinstance(prediction, Detections)
    if not prediction.parts and not answer.prompt:
        return show_note(words["no_objects" if of_boxes else "nothing"])
    blocks = [show_drawing(file, answer)] if of_boxes else []
    if answer.prompt:
        blocks += [show_title(words["clicks"]), show_clicks(answer.prompt, answer.points, words)]
    if of_boxes and prediction.parts:
        blocks.append(show_title(words["found"]))
    blocks += [show_parts(prediction), show_sum(answer, words)]
    return "".join(blocks)


def show_parts(prediction: Prediction | Detections) -> str:
    """Return each part in a tile of its own, with its confidence as a bar, a colour and a number."""
    of_boxes = isinstance(prediction, Detections)
    tiles = "".join(
        f'<li class="{level(share)}"><b>{escape(part) if part.strip() else "␣"}</b>'
        f'<i style="--share: {share:.3f}"></i><small>{percent(share)}</small></li>'
        for part, share in prediction.parts
    )
    return f'<ol class="bc-parts{" bc-small" * of_boxes}" aria-label="{escape(prediction.text)}">{tiles}</ol>'


def show_clicks(prompt: Sequence[str], points: Sequence[Point], words: dict[str, str]) -> str:
    """Return the points to click in their order, in pixels of the image as it was sent."""
    places = [words["not_found"] if point is None else "{:g}, {:g}".format(*point) for point in points]
    items = "".join(
        f"<li{' class=bc-missing' if point is None else ''}><b>{escape(name)}</b><small>{place}</small></li>"
        for name, point, place in zip(prompt, points, places, strict=True)
    )
    return f'<ol class="bc-clicks">{items}</ol>'


def show_sum(answer: Answer, words: dict[str, str]) -> str:
    """Return the line below the answer: its text to copy, how sure all of it is, and how long it took."""
    prediction = answer.prediction
    overall = escape(words["overall"].format(share=percent(prediction.confidence)))
    time = escape(words["time"].format(time=f"{answer.milliseconds:.0f}"))
    text = escape(prediction.text)
    copy = f'<code>{text}</code><button type="button">{escape(words["copy"])}</button>' if text else ""
    return f'<p class="bc-sum">{copy}<span>{overall}</span><span>{time}</span></p>'


def show_drawing(file: Path, answer: Answer) -> str:
    """Return the image with the boxes that were found, and the numbers of the clicks."""
    image = open_image(file)
    factor = min(DRAWN_WIDTH / image.width, DRAWN_HEIGHT / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    larger = image.resize(size, Image.Resampling.LANCZOS)
    boxes = answer.prediction.boxes_xyxy * factor
    drawn = draw_found(larger, replace(answer.prediction, boxes_xyxy=boxes))
    draw_points(drawn, answer.points, drawn.width / image.width)
    return f'<img class="bc-drawing" src="{data_url(drawn)}" alt="{escape(answer.prediction.text)}">'


def show_title(text: str) -> str:
    """Return the title of a part of the answer."""
    return f'<p class="bc-title">{escape(text)}</p>'


def show_note(text: str, wrong: bool = False) -> str:
    """Return a message in the place of an answer."""
    kind = ' role="alert" class="bc-note bc-wrong"' if wrong else ' class="bc-note"'
    return f"<p{kind}>{escape(text)}</p>"


def show_history(past: Sequence[Past], words: dict[str, str]) -> str:
    """Return what was read on this visit, the last first; nothing where that is nothing."""
    items = "".join(
        f'<li><img src="{one.thumbnail}" alt=""><b title="{escape(one.text)}">{escape(one.text) or "–"}</b>'
        f'<small class="{level(one.confidence)}">{percent(one.confidence)}</small></li>'
        for one in past
    )
    return f'{show_title(words["history"])}<ol class="bc-history">{items}</ol>' if items else ""


def remember(past: Sequence[Past], file: Path, prediction: Prediction | Detections) -> list[Past]:
    """Return the history with an image at its head, where it stands once however often it was read the same."""
    small = open_image(file)
    small.thumbnail(THUMBNAIL)
    latest = Past(data_url(small), prediction.text, prediction.confidence)
    return [latest, *(one for one in past if one != latest)][:MOST_PAST]


def data_url(image: Image.Image) -> str:
    """Return an RGB image as a data URL: nothing of it lies on the disk, or can be asked for by others."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def level(share: float) -> str:
    """Return the class of the style that shows how sure something is."""
    return "bc-sure" if share >= SURE else "bc-likely" if share >= LIKELY else "bc-unsure"


def percent(share: float) -> str:
    """Return a share in per cent; 100 % is kept for what is really certain."""
    return f"{min(share, 0.999):.1%}" if share < 1 else "100%"
