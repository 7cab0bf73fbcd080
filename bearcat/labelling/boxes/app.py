"""The labelling page of boxes as an ASGI app: the routes of the other labelling page, with boxes for labels."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bearcat.data.images import MAX_PIXELS
from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.decoding import Detections
from bearcat.labelling.app import LOGO, Endpoints, json_fields, make_app
from bearcat.labelling.app import STATIC as SHARED
from bearcat.labelling.boxes.copies import NamedBox
from bearcat.labelling.boxes.translations import TEXTS
from bearcat.labelling.queue import QueuedImage
from bearcat.labelling.session import LabellingSession

MAX_BOXES = 200  # of an image
MAX_BODY = 2**18  # bytes: as many boxes with names of 100 characters, each escaped twice
STATIC = Path(__file__).parent / "static"
STATIC_FILES = {
    "/": STATIC / "boxes.html",  # within the frame
    "/konva.js": STATIC / "vendor" / "konva.min.js",
    "/core.js": SHARED / "core.js",
    "/page.js": SHARED / "page.js",
    "/canvas.js": STATIC / "canvas.js",
    "/boxes.js": STATIC / "boxes.js",
    "/labelling.css": SHARED / "labelling.css",
    "/boxes.css": STATIC / "boxes.css",
    "/logo.svg": LOGO,
}


def make_box_app(
    session: LabellingSession,
    commands: Callable[[], list[str]],
    frames: str,
    host: str = "127.0.0.1",
    token: str | None = None,
) -> Starlette:
    """Returns the ASGI app of the labelling page of boxes.

    Args:
        session: The images and their labels.
        commands: Returns the commands to run after labelling, which the page shows.
        frames: What the page shows of an animation, the value of FRAMES.
        host: Address that the app is served on.
        token: What browsers must send, None: nothing.
    """
    endpoints = BoxEndpoints(session, commands, frames)
    return make_app(endpoints, STATIC_FILES, MAX_BODY, host, token, [session.keep_predicting])


class BoxEndpoints(Endpoints):
    """Endpoints of the page: the label of an image are its boxes, in pixels of the image that the page shows."""

    language_texts = TEXTS

    def __init__(self, session: LabellingSession, commands: Callable[[], list[str]], frames: str):
        super().__init__(session, commands)
        self.frames = frames

    async def confirm(self, request: Request) -> Response:
        """Copies an image into the training set, with its boxes."""
        fields = await json_fields(request, {"number": int, "boxes": list})
        boxes = parse_boxes(fields["boxes"])
        copy = await run_in_threadpool(self.session.confirm, fields["number"], boxes)
        return await self._answer("saved", count=str(len(boxes)), file=copy.path.name)

    def image_state(self, image: QueuedImage) -> dict:
        """Returns what the page shows of an image: the boxes it was confirmed with, or else those that are proposed."""
        confirmed, found = image.text, image.prediction
        boxes: Iterable[dict] = ()
        if isinstance(confirmed, BoxLabels):
            boxes = (_box(*named, None) for named in zip(confirmed.names, confirmed.boxes_xyxy, strict=True))
        elif isinstance(found, Detections):
            boxes = proposals(found)
        return {
            "number": image.number,
            "name": image.name,
            "boxes": list(boxes),
            "confidence": round(found.confidence, 6) if found else None,
        }


def parse_boxes(values: list) -> list[NamedBox]:
    """Returns the boxes of a request; raises HTTPException if they are too many or of another form."""
    if len(values) > MAX_BOXES:
        raise HTTPException(400, f"{len(values)} boxes: at most {MAX_BOXES} are accepted")
    return [NamedBox(value["name"], tuple(value["box"])) for value in values if _checked_box(value)]


def _checked_box(value: Any) -> bool:
    is_box = isinstance(value, dict) and value.keys() == {"name", "box"} and isinstance(value["name"], str)
    corners = value["box"] if is_box and isinstance(value["box"], list) else []
    # type() rather than isinstance(): True is an int in Python, but no coordinate
    if len(corners) != 4 or not all(type(one) is int and 0 <= one <= MAX_PIXELS for one in corners):
        raise HTTPException(400, 'boxes of the form {"name": "…", "box": [xmin, ymin, xmax, ymax]} are expected')
    return True


def proposals(found: Detections) -> list[dict]:
    """Returns the objects that a model has found, in whole pixels and from left to right; at most MAX_BOXES."""
    count = min(found.count, MAX_BOXES)
    corners = np.round(found.boxes_xyxy[:count])
    boxes = zip(found.labels, corners, found.confidences, strict=False)
    return sorted(
        (_box(*one) for one in boxes if np.all(one[1][:2] < one[1][2:])), key=lambda proposal: proposal["box"][0]
    )


def _box(name: str, corners: np.ndarray, score: float | None) -> dict:
    rounded = None if score is None else round(score, 6)
    return {"name": name, "score": rounded, "box": [int(value) for value in corners]}
