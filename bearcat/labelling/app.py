"""The labelling page as an ASGI app: its static files, and the routes that show, confirm and skip images.

Clients name images by number; no path that they send is ever used as a file's path.
"""

import asyncio
import contextlib
import io
import logging
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bearcat.core.errors import BearcatError, ImageError, message_for
from bearcat.core.files import parse_json
from bearcat.core.names import show_name
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.labelling.queue import QueuedImage, Status
from bearcat.labelling.session import LabellingSession
from bearcat.labelling.translations import TEXTS, LabellingError
from bearcat.serving import page
from bearcat.serving.auth import TokenCheck
from bearcat.serving.middleware import Bodies, RequestMiddleware
from bearcat.serving.page.translations import language_of
from bearcat.serving.protection.same_origin import POLICY, SECURITY_HEADERS, STRICT_POLICY, OriginCheck
from bearcat.serving.protocol import error_response

LOGO = Path(page.__file__).parent / "static" / "page.svg"  # the service's
MAX_BODY = 4096  # bytes: a label of 100 characters, each escaped twice
STATIC = Path(__file__).parent / "static"
STATIC_FILES = {
    "/": STATIC / "labelling.html",
    "/labelling.js": STATIC / "labelling.js",
    "/labelling.css": STATIC / "labelling.css",
    "/logo.svg": LOGO,
}
ACTIONS = ("confirm", "skip", "undo", "reopen_skipped")
METHODS = {
    **dict.fromkeys((*STATIC_FILES, "/texts", "/state"), ("GET", "HEAD")),
    **{f"/{action}": ("POST",) for action in ACTIONS},
}
MAX_DAMAGED_SHOWN = 20
HEADERS = {
    **SECURITY_HEADERS,
    POLICY: f"{STRICT_POLICY}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
    "Cache-Control": "no-store",
}

log = logging.getLogger("bearcat.labelling.session")


def make_labelling_app(
    session: LabellingSession, commands: Callable[[], list[str]], host: str = "127.0.0.1", token: str | None = None
) -> Starlette:
    """Returns the ASGI app of the labelling page.

    Args:
        session: The images and their labels.
        commands: Returns the commands to run after labelling, which the page shows.
        host: Address that the app is served on.
        token: What browsers must send, None: nothing.
    """
    endpoints = Endpoints(session, commands)
    routes = [
        *(Route(path, static_file(file)) for path, file in STATIC_FILES.items()),
        Route("/texts", endpoints.texts),
        Route("/state", endpoints.state),
        Route("/image/{number:int}", endpoints.image),
        *(Route(f"/{action}", getattr(endpoints, action), methods=["POST"]) for action in ACTIONS),
    ]
    check = TokenCheck(token) if token is not None else None
    # strict, because these requests write into the training set
    origin = OriginCheck(host, token is not None, only_own_page=True)
    bodies = Bodies()
    middleware = Middleware(
        RequestMiddleware,
        max_body=MAX_BODY,
        token=check,
        methods=METHODS,
        origin=origin,
        headers=HEADERS,
        bodies=bodies,
    )
    handlers: dict[Any, Any] = {
        HTTPException: http_error,
        BearcatError: endpoints.refused,
        OSError: endpoints.disk_error,
    }
    app = Starlette(
        routes=routes,
        middleware=[middleware],
        exception_handlers=handlers,
        lifespan=lambda app: images_opened_in_background(session),
    )
    app.state.bodies = bodies
    return app


@contextlib.asynccontextmanager
async def images_opened_in_background(session: LabellingSession) -> AsyncIterator[None]:
    """Predicts the labels while the page is served; the queue orders those that are predicted so far."""
    stop = threading.Event()
    opening = asyncio.create_task(asyncio.to_thread(session.open_images, stop))
    try:
        yield
    finally:
        stop.set()
        await opening


def static_file(file: Path) -> Callable:
    """Returns the endpoint of a static file."""

    async def send(request: Request) -> Response:
        return FileResponse(file)

    return send


def http_error(request: Request, error: HTTPException) -> Response:
    """Turns an HTTPException into the JSON error format of the service."""
    return error_response(error.status_code, str(error.detail), dict(error.headers or {}))


class Endpoints:
    """Endpoints of the page: every action is answered with the state that follows from it."""

    def __init__(self, session: LabellingSession, commands: Callable[[], list[str]]):
        self.session = session
        self.commands = commands

    async def texts(self, request: Request) -> Response:
        """Returns the page's texts in the browser's language."""
        language = language_of(request.headers.get("accept-language", ""))
        return JSONResponse({"language": language, "texts": TEXTS[language]})

    async def state(self, request: Request) -> Response:
        """Returns what the page shows."""
        return await self._answer()

    async def image(self, request: Request) -> Response:
        """Returns an image as PNG: one frame, rotated as EXIF says, transparency on white, as the network sees it."""
        image = self.session.queue.image(request.path_params["number"])
        return Response(await run_in_threadpool(as_png, image), media_type="image/png")

    async def confirm(self, request: Request) -> Response:
        """Copies an image into the training set under its label."""
        fields = await json_fields(request, {"number": int, "label": str})
        copy = await run_in_threadpool(self.session.confirm, fields["number"], fields["label"])
        return await self._answer("saved", label=copy.label, file=copy.path.name)

    async def skip(self, request: Request) -> Response:
        """Leaves an image for the end."""
        fields = await json_fields(request, {"number": int})
        await run_in_threadpool(self.session.skip, fields["number"])
        return await self._answer("image_skipped")

    async def undo(self, request: Request) -> Response:
        """Undoes the last confirmation or skip."""
        await json_fields(request, {})
        copy = await run_in_threadpool(self.session.undo)
        return await (self._answer("undone", label=copy.label, file=copy.path.name) if copy else self._answer())

    async def reopen_skipped(self, request: Request) -> Response:
        """Puts the skipped images back into the queue."""
        await json_fields(request, {})
        await run_in_threadpool(self.session.reopen_skipped)
        return await self._answer()

    async def refused(self, request: Request, error: BearcatError) -> Response:
        """Returns why an action was refused, with the state, in which an image may have been left out."""
        language = language_of(request.headers.get("accept-language", ""))
        message = error.message_in(language) if isinstance(error, LabellingError) else str(error)
        return JSONResponse({**await run_in_threadpool(self._state), "error": message}, 409)

    async def disk_error(self, request: Request, error: OSError) -> Response:
        """Returns what the disk refused; other errors are described in the log only."""
        language = language_of(request.headers.get("accept-language", ""))
        log.error("%s failed", request.url.path, exc_info=error)
        message = message_for(error) or TEXTS[language]["failed"]
        return JSONResponse({**await run_in_threadpool(self._state), "error": message}, 500)

    async def _answer(self, message: str = "", **values: str) -> Response:
        """Returns the state with the key of a text in TEXTS and the values of its placeholders."""
        return JSONResponse({**await run_in_threadpool(self._state), "message": message, "values": values})

    def _state(self) -> dict:
        session, queue, counts = self.session, self.session.queue, self.session.counts()
        current, symbols = session.current(), session.symbols
        waiting = counts[Status.WAITING]
        return {
            "image": image_state(current) if current else None,
            "labelled": counts[Status.LABELLED],
            "remaining": counts[Status.OPEN] + waiting,
            "skipped": counts[Status.SKIPPED],
            "damaged": session.damaged()[:MAX_DAMAGED_SHOWN],
            "damaged_count": counts[Status.DAMAGED],
            "already_labelled": queue.already_labelled,
            "duplicates": queue.duplicates,
            "opened": 1 - waiting / max(1, len(queue.images)),
            "can_undo": session.can_undo,
            "model": session.model_name,
            "labels_are_classes": symbols.are_classes,
            "known_symbols": sorted(symbols.known) if symbols.known is not None else None,
            "folder": show_name(queue.folder),
            "target": show_name(session.copies.folder),
            "commands": self.commands(),
        }


def image_state(image: QueuedImage) -> dict:
    """Returns what the page shows of an image; it loads the pixels by the number."""
    prediction = image.prediction
    return {
        "number": image.number,
        "name": image.name,
        "text": image.text,
        "parts": [[part, round(confidence, 6)] for part, confidence in prediction.parts] if prediction else [],
        "confidence": round(prediction.confidence, 6) if prediction else None,
    }


def as_png(image: QueuedImage) -> bytes:
    """Returns an image as PNG; raises LabellingError if its file is gone or damaged."""
    try:
        opened = open_image(image.path, SPREAD)  # no single frame may show the whole text
    except ImageError:
        raise LabellingError("image_gone", file=image.name) from None
    buffer = io.BytesIO()
    opened.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


async def json_fields(request: Request, types: dict[str, type]) -> dict:
    """Returns the JSON object in a request's body.

    Raises:
        HTTPException: Its names and the types of its values are not exactly those of `types`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "application/json is expected")
    try:
        fields = parse_json(await request.body())
    except ValueError:
        raise HTTPException(400, "the body is not valid JSON") from None
    # type() rather than isinstance(): True is an int in Python, but not the number of an image
    if not isinstance(fields, dict) or {name: type(value) for name, value in fields.items()} != types:
        raise HTTPException(400, f"a JSON object with {', '.join(types) or 'no fields'} is expected")
    return fields
