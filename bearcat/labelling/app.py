"""The labelling page as an ASGI app: one page, its two files, and a few routes that take numbers and labels.

No path that a client sends is ever one of a file: images are named by their numbers.
"""

import asyncio
import contextlib
import io
import logging
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bearcat.core.errors import BearcatError, ImageError, words_of
from bearcat.core.files import parse_json
from bearcat.data.images import open_image
from bearcat.labelling.queue import QueuedImage, Status
from bearcat.labelling.same_origin import SameSiteFence
from bearcat.labelling.session import Labelling
from bearcat.labelling.translations import WORDS, LabellingError, language_of
from bearcat.serving.auth import TokenCheck
from bearcat.serving.middleware import Guard
from bearcat.serving.protocol import failure

MOST_BODY = 4096  # bytes: a label of 100 characters, each escaped twice
FILES = {
    "/": "labelling.html",
    "/labelling.js": "labelling.js",
    "/labelling.css": "labelling.css",
    "/logo.svg": "page.svg",
}
ACTIONS = ("confirm", "skip", "back", "again")
METHODS = {
    **dict.fromkeys((*FILES, "/words", "/state"), ("GET", "HEAD")),
    **{f"/{action}": ("POST",) for action in ACTIONS},
}
SHOWN = 20  # names of damaged images, and classes

log = logging.getLogger("bearcat.labelling.session")


def make_labelling_app(
    labelling: Labelling, commands: Callable[[], list[str]], host: str = "127.0.0.1", token: str | None = None
) -> Starlette:
    """Return the page over a session; `commands` says what to run afterwards, `host` where the page is listened on."""
    desk = LabellingDesk(labelling, commands)
    routes = [
        *(Route(path, sender_of(name)) for path, name in FILES.items()),
        Route("/words", desk.words),
        Route("/state", desk.state),
        Route("/image/{number:int}", desk.image),
        *(Route(f"/{action}", getattr(desk, action), methods=["POST"]) for action in ACTIONS),
    ]
    check = TokenCheck(token) if token is not None else None
    middleware = [
        Middleware(Guard, max_body=MOST_BODY, token=check, methods=METHODS, note=lambda status, unit, seconds: None),
        Middleware(SameSiteFence, host=host),
    ]
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={HTTPException: refuse_route, BearcatError: desk.refuse, OSError: desk.refuse_disk},
        lifespan=lambda app: prediction_beside(labelling),
    )


@contextlib.asynccontextmanager
async def prediction_beside(labelling: Labelling) -> AsyncIterator[None]:
    """Read the images while the page answers already; the least sure of those read so far comes first."""
    stop = threading.Event()
    prediction = asyncio.create_task(asyncio.to_thread(labelling.look_at_all, stop))
    try:
        yield
    finally:
        stop.set()
        await prediction


def sender_of(name: str) -> Callable:
    """Return what answers with a file of the package."""

    async def send(request: Request) -> Response:
        return FileResponse(Path(__file__).parent / "static" / name)

    return send


def refuse_route(request: Request, error: HTTPException) -> Response:
    """Return what Starlette has to say, in the service's form."""
    return failure(error.status_code, str(error.detail), error.headers)


class LabellingDesk:
    """Answers the page: every action with the state that follows from it."""

    def __init__(self, labelling: Labelling, commands: Callable[[], list[str]]):
        self.labelling = labelling
        self.commands = commands

    async def words(self, request: Request) -> Response:
        """Return the page's words in the browser's language."""
        language = language_of(request.headers.get("accept-language", ""))
        return JSONResponse({"language": language, "words": WORDS[language]})

    async def state(self, request: Request) -> Response:
        """Return what the page shows."""
        return await self._answer()

    async def image(self, request: Request) -> Response:
        """Return an image as the network sees it first: one frame, turned as EXIF says, transparency on white."""
        image = self.labelling.image(request.path_params["number"])
        return Response(await run_in_threadpool(as_png, image), media_type="image/png")

    async def confirm(self, request: Request) -> Response:
        """Write an image under its label."""
        fields = await fields_of(request, {"number": int, "label": str})
        copy = await run_in_threadpool(self.labelling.confirm, fields["number"], fields["label"])
        return await self._answer("saved", label=copy.label, file=copy.path.name)

    async def skip(self, request: Request) -> Response:
        """Leave an image for the end."""
        fields = await fields_of(request, {"number": int})
        await run_in_threadpool(self.labelling.skip, fields["number"])
        return await self._answer("was_skipped")

    async def back(self, request: Request) -> Response:
        """Take back what was done last."""
        await fields_of(request, {})
        copy = await run_in_threadpool(self.labelling.back)
        said = ("taken_back", {"label": copy.label, "file": copy.path.name}) if copy else ("", {})
        return await self._answer(said[0], **said[1])

    async def again(self, request: Request) -> Response:
        """Show the skipped images once more."""
        await fields_of(request, {})
        await run_in_threadpool(self.labelling.open_skipped)
        return await self._answer()

    async def refuse(self, request: Request, error: BearcatError) -> Response:
        """Return why something was not done, and the state, in which an image may be gone."""
        words = WORDS[language_of(request.headers.get("accept-language", ""))]
        said = error.told(words) if isinstance(error, LabellingError) else str(error)
        return JSONResponse({**await run_in_threadpool(self._state), "wrong": said}, 409)

    async def refuse_disk(self, request: Request, error: OSError) -> Response:
        """Return what the disk refuses, in words; what is a bug goes to the log."""
        words = WORDS[language_of(request.headers.get("accept-language", ""))]
        log.error("%s failed", request.url.path, exc_info=error)
        return JSONResponse({**await run_in_threadpool(self._state), "wrong": words_of(error) or words["failed"]}, 500)

    async def _answer(self, said: str = "", **values: str) -> Response:
        return JSONResponse({**await run_in_threadpool(self._state), "said": said, "values": values})

    def _state(self) -> dict:
        labelling, counts = self.labelling, self.labelling.counts()
        current, symbols = labelling.current(), labelling.symbols
        waiting = counts[Status.WAITING]
        return {
            "image": shown_image(current) if current else None,
            "labelled": counts[Status.LABELLED],
            "left": counts[Status.OPEN] + waiting,
            "skipped": counts[Status.SKIPPED],
            "damaged": labelling.damaged()[:SHOWN],
            "damaged_count": counts[Status.DAMAGED],
            "before": labelling.pile.known,
            "duplicates": labelling.pile.duplicates,
            "looked_at": 1 - waiting / max(1, len(labelling.pile.images)),
            "can_go_back": labelling.can_go_back,
            "unit": labelling.unit,
            "classes": symbols.are_classes,
            "known": sorted(symbols.known) if symbols.known is not None else None,
            "folder": str(labelling.pile.folder),
            "target": str(labelling.copies.folder),
            "commands": self.commands(),
        }


def shown_image(image: QueuedImage) -> dict:
    """Return what the page needs of an image; the file itself it asks for by the number."""
    prediction = image.prediction
    return {
        "number": image.number,
        "name": image.path.name,
        "text": image.text,
        "parts": [[part, round(share, 6)] for part, share in prediction.parts] if prediction else [],
        "confidence": round(prediction.confidence, 6) if prediction else None,
    }


def as_png(image: QueuedImage) -> bytes:
    """Return an image as PNG; raise LabellingError where its file has gone or is damaged."""
    try:
        opened = open_image(image.path)
    except ImageError:
        raise LabellingError("gone", file=image.path.name) from None
    buffer = io.BytesIO()
    opened.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


async def fields_of(request: Request, kinds: dict[str, type]) -> dict:
    """Return the fields of a JSON object; raise HTTPException where it is not of just these and their types."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "JSON is expected")
    try:
        fields = parse_json(await request.body())
    except ValueError:
        raise HTTPException(400, "this is no JSON") from None
    # True is an int in Python, and no number of an image
    if not isinstance(fields, dict) or {name: type(value) for name, value in fields.items()} != kinds:
        raise HTTPException(400, f"a JSON object with {', '.join(kinds) or 'no fields'} is expected")
    return fields
