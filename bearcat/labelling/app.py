"""The labelling page as an ASGI app: its static files, and the routes that show, confirm and skip images.

Clients name images by number; no path that they send is ever used as a file's path.
"""

import asyncio
import contextlib
import io
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bearcat.core.errors import BearcatError, ImageError, message_for
from bearcat.core.files import parse_json
from bearcat.core.names import show_name
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.labelling.background.supervisor import Background
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
MAX_BODY = 4096  # bytes: a label of 100 characters, each escaped twice, or a grid of short ones
STATIC = Path(__file__).parent / "static"
FRAME = STATIC / "frame.html"  # of all labelling pages, with places for their own part and for the files they load
TAGS = {".js": '<script src="{}" defer></script>', ".css": '<link rel="stylesheet" href="{}">'}
STATIC_FILES = {
    "/": STATIC / "labelling.html",  # within the frame
    "/core.js": STATIC / "core.js",
    "/page.js": STATIC / "page.js",
    "/labelling.js": STATIC / "labelling.js",
    "/grid.js": STATIC / "grid.js",
    "/labelling.css": STATIC / "labelling.css",
    "/logo.svg": LOGO,
}
MAX_DAMAGED_SHOWN = 20
HEADERS = {
    **SECURITY_HEADERS,
    POLICY: f"{STRICT_POLICY}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
    "Cache-Control": "no-store",
}

log = logging.getLogger("bearcat.labelling.session")


def make_labelling_app(
    session: LabellingSession,
    commands: Callable[[], list[str]],
    host: str = "127.0.0.1",
    token: str | None = None,
    background: Background | None = None,
) -> Starlette:
    """Returns the ASGI app of the labelling page.

    Args:
        session: The images and their labels.
        commands: Returns the commands to run after labelling, which the page shows.
        host: Address that the app is served on.
        token: What browsers must send, None: nothing.
        background: What runs beside the page, None: nothing.
    """
    beside = [session.keep_predicting, *([background.run] if background else [])]
    return make_app(TextEndpoints(session, commands, background), STATIC_FILES, MAX_BODY, host, token, beside)


def make_app(
    endpoints: "PageEndpoints",
    static_files: Mapping[str, Path],
    max_body: int,
    host: str,
    token: str | None,
    beside: Sequence[Callable[[threading.Event], object]] = (),
) -> Starlette:
    """Returns the ASGI app of a labelling page.

    Args:
        endpoints: Its endpoints.
        static_files: Path → file; "/" is the page's own part of the frame.
        max_body: Largest accepted body, in bytes.
        host: Address that the app is served on.
        token: What browsers must send, None: nothing.
        beside: What runs beside the page, each in a thread, until its event is set.
    """
    reading = {f"/{name}": getattr(endpoints, name) for name in endpoints.readings}
    acting = {f"/{action}": getattr(endpoints, action) for action in endpoints.actions}
    routes = [
        Route("/", static_page(static_files)),
        *(Route(path, static_file(file)) for path, file in static_files.items() if path != "/"),
        *(Route(path, endpoint) for path, endpoint in reading.items()),
        Route("/image/{number:int}", endpoints.image),
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in acting.items()),
    ]
    check = TokenCheck(token) if token is not None else None
    # strict, because these requests write into the work
    origin = OriginCheck(host, token is not None, only_own_page=True)
    bodies = Bodies()
    middleware = Middleware(
        RequestMiddleware,
        max_body=max_body,
        token=check,
        methods={**dict.fromkeys((*static_files, *reading), ("GET", "HEAD")), **dict.fromkeys(acting, ("POST",))},
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
        lifespan=lambda app: run_beside_page(beside),
    )
    app.state.bodies = bodies
    return app


@contextlib.asynccontextmanager
async def run_beside_page(beside: Sequence[Callable[[threading.Event], object]]) -> AsyncIterator[None]:
    """Runs functions in threads while the page is served, then sets their event and waits for them."""
    stop = threading.Event()
    tasks = [asyncio.create_task(asyncio.to_thread(run, stop)) for run in beside]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def static_page(static_files: Mapping[str, Path]) -> Callable:
    """Returns the endpoint of the page: the frame with its own part and all of its scripts and styles."""
    tags = [TAGS[file.suffix].format(path[1:]) for path, file in static_files.items() if file.suffix in TAGS]
    own = {"<!-- files -->": "\n".join(tags), "<!-- labelling -->": static_files["/"].read_text(encoding="utf-8")}
    html = FRAME.read_text(encoding="utf-8")
    for place, part in own.items():
        html = html.replace(place, part)

    async def send(request: Request) -> Response:
        return HTMLResponse(html)

    return send


def static_file(file: Path) -> Callable:
    """Returns the endpoint of a static file."""

    async def send(request: Request) -> Response:
        return FileResponse(file)

    return send


def http_error(request: Request, error: HTTPException) -> Response:
    """Turns an HTTPException into the JSON error format of the service."""
    return error_response(error.status_code, str(error.detail), dict(error.headers or {}))


class PageEndpoints(ABC):
    """Endpoints of a page: its texts, its images, and what it answers if something is refused or fails.

    Attributes:
        readings: The names of the endpoints that are called by GET.
        actions: The names of the endpoints that are called by POST.
        language_texts: Language → the texts of the page.
        frames: What the page shows of an animation, a value of FRAMES.
    """

    readings: tuple[str, ...] = ("texts",)
    actions: tuple[str, ...] = ()
    language_texts: Mapping[str, Mapping[str, str]] = TEXTS
    frames = SPREAD  # no single frame may show the whole text

    async def texts(self, request: Request) -> Response:
        """Returns the page's texts in the browser's language."""
        language = language_of(request.headers.get("accept-language", ""))
        return JSONResponse({"language": language, "texts": self.language_texts[language]})

    @abstractmethod
    async def image(self, request: Request) -> Response:
        """Returns the image whose number is in the path."""

    async def refused(self, request: Request, error: BearcatError) -> Response:
        """Returns why an action was refused, with the state, in which an image may have been left out."""
        language = language_of(request.headers.get("accept-language", ""))
        message = error.message_in(language) if isinstance(error, LabellingError) else str(error)
        return JSONResponse({**await run_in_threadpool(self._state), "error": message}, 409)

    async def disk_error(self, request: Request, error: OSError) -> Response:
        """Returns what the disk refused; other errors are described in the log only."""
        language = language_of(request.headers.get("accept-language", ""))
        log.error("%s failed", request.url.path, exc_info=error)
        message = message_for(error) or self.language_texts[language]["failed"]
        return JSONResponse({**await run_in_threadpool(self._state), "error": message}, 500)

    def _state(self) -> dict:
        """Returns the state that goes with an error; nothing if it differs between windows."""
        return {}


class Endpoints(PageEndpoints):
    """Endpoints of a page for labelling: every action is answered with the state that follows from it.

    Args:
        session: The images and their labels.
        commands: Returns the commands to run after labelling.
    """

    readings: tuple[str, ...] = ("texts", "state")
    actions: tuple[str, ...] = ("confirm", "skip", "undo", "reopen_skipped")

    def __init__(self, session: LabellingSession, commands: Callable[[], list[str]]):
        self.session = session
        self.commands = commands

    async def state(self, request: Request) -> Response:
        """Returns what the page shows."""
        return await self._answer()

    async def image(self, request: Request) -> Response:
        """Returns an image as PNG: one frame, rotated as EXIF says, transparency on white, as the network sees it."""
        image = self.session.queue.image(request.path_params["number"])
        try:
            content = await run_in_threadpool(as_png, image.path, self.frames)
        except ImageError:
            raise LabellingError("image_gone", file=image.name) from None
        return Response(content, media_type="image/png")

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
        """Undoes the last confirmation, of one image or a grid, or the last skip."""
        await json_fields(request, {})
        copies = await run_in_threadpool(self.session.undo)
        if len(copies) > 1:
            return await self._answer("undone_many", count=str(len(copies)))
        values = {"label": copies[0].text, "file": copies[0].path.name} if copies else {}
        return await self._answer("undone" if copies else "", **values)

    async def reopen_skipped(self, request: Request) -> Response:
        """Puts the skipped images back into the queue."""
        await json_fields(request, {})
        await run_in_threadpool(self.session.reopen_skipped)
        return await self._answer()

    async def _answer(self, message: str = "", **values: str) -> Response:
        """Returns the state with the key of a text in TEXTS and the values of its placeholders."""
        return JSONResponse({**await run_in_threadpool(self._state), "message": message, "values": values})

    def _state(self) -> dict:
        session, queue, counts = self.session, self.session.queue, self.session.counts()
        current, symbols = session.current(), session.symbols
        waiting = counts[Status.WAITING]
        return {
            "image": self.image_state(current) if current else None,
            "labelled": counts[Status.LABELLED],
            "remaining": counts[Status.OPEN] + waiting,
            "skipped": counts[Status.SKIPPED],
            "damaged": session.damaged()[:MAX_DAMAGED_SHOWN],
            "damaged_count": counts[Status.DAMAGED],
            "already_labelled": queue.already_labelled,
            "duplicates": queue.duplicates,
            "opened": 1 - waiting / max(1, len(queue.images)),
            "predicted": session.predicted(),
            "can_undo": session.can_undo,
            "model": session.model_name,
            "labels_are_classes": symbols.are_classes,
            "known_symbols": sorted(symbols.known) if symbols.known is not None else None,
            "folder": show_name(queue.folder),
            "target": show_name(session.copies.folder),
            "commands": self.commands(),
        }

    def image_state(self, image: QueuedImage) -> dict:
        """Returns what the page shows of an image; it loads the pixels by the number."""
        prediction = image.prediction
        return {
            "number": image.number,
            "name": image.name,
            "text": image.text,
            "parts": [[part, round(confidence, 6)] for part, confidence in prediction.parts] if prediction else [],
            "confidence": round(prediction.confidence, 6) if prediction else None,
        }


class TextEndpoints(Endpoints):
    """Endpoints of the page of texts and classes, which has a grid.

    Args:
        session, commands: See `Endpoints`.
        background: What runs beside the page, None: nothing.
    """

    readings = (*Endpoints.readings, "grid")
    actions = (*Endpoints.actions, "confirm_many")

    def __init__(
        self, session: LabellingSession, commands: Callable[[], list[str]], background: Background | None = None
    ):
        super().__init__(session, commands)
        self.background = background

    async def grid(self, request: Request) -> Response:
        """Returns the images to confirm at once, in their order."""
        images, count = await run_in_threadpool(self.session.grid)
        return JSONResponse({"images": [self.image_state(image) for image in images], "count": count})

    async def confirm_many(self, request: Request) -> Response:
        """Copies the images of a grid into the training set, all but those that are marked as wrong."""
        fields = await json_fields(request, {"images": list, "marked": list})
        labels = [(one["number"], one["label"]) for one in map(_checked_label, fields["images"])]
        marked = [one for one in fields["marked"] if _is_number(one)]
        done = await run_in_threadpool(self.session.confirm_many, labels, marked)
        if done.refusals:
            return await self.refused(request, done.refusals[0])
        counts = {"count": str(len(done.copies)), "marked": str(len(marked))}
        return await self._answer("saved_many_marked" if marked else "saved_many", **counts)

    def _state(self) -> dict:
        background = self.background
        running = {
            "activity": background.activity or "",
            "labels": background.labels,
            "needed": background.labels_needed,
            "failed": background.failed,
        } if background else None  # fmt: skip
        predictor = self.session.predictor
        return super()._state() | {
            "predictor": predictor.as_dict() if predictor else None,
            "background": running,
            "grid": self.session.grid()[1],
        }

    def image_state(self, image: QueuedImage) -> dict:
        """Returns what the page shows of an image, with who predicted it."""
        predictor = image.predictor
        return super().image_state(image) | {"predictor": predictor.as_dict() if predictor else None}


def _is_number(value: Any) -> bool:
    """Whether a value of a request is the number of an image; raises HTTPException if not."""
    if type(value) is not int:  # type() rather than isinstance(): True is an int in Python
        raise HTTPException(400, "the numbers of images are expected in marked")
    return True


def _checked_label(value: Any) -> dict:
    """Returns an item of `images` in a request; raises HTTPException if it has another form."""
    types = {"number": int, "label": str}
    if not isinstance(value, dict) or {name: type(one) for name, one in value.items()} != types:
        raise HTTPException(400, 'images of the form {"number": 0, "label": "…"} are expected')
    return value


def as_png(path: Path, frames: str) -> bytes:
    """Returns the pixels of an image file as PNG; raises ImageError if it is gone or damaged."""
    buffer = io.BytesIO()
    open_image(path, frames).save(buffer, "PNG", compress_level=1)
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
