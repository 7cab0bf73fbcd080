"""The HTTP contract as an ASGI app: base64 in, JSON out, and one form for every mistake."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bearcat.core.errors import (
    ImageError,
    ImageFormatError,
    ImageSizeError,
    LabelError,
    RequestOptionError,
    SettingsError,
)
from bearcat.serving.auth import TokenCheck
from bearcat.serving.metrics import TEXT, ServingMetrics
from bearcat.serving.middleware import MAX_BODY, UNIT, Guard
from bearcat.serving.openapi import describe_api, docs_page
from bearcat.serving.protocol import (
    MOST_IMAGES,
    SUCCESS,
    RequestError,
    decode_base64,
    failure,
    failure_of,
    image_of,
    read_fields,
    shown,
    success_of,
    text_of,
)
from bearcat.serving.queue import MOST_WAITING, WorkQueue

__all__ = ["MAX_BODY", "SUCCESS", "decode_base64", "make_app"]

STATUS_OF_ERROR = {ImageFormatError: 415, ImageSizeError: 413}  # 400 is that of all others
MISTAKES = (ImageError, LabelError, RequestOptionError, SettingsError)  # a client's, among what units raise
TEXT_OPTIONS = ("grid", "name")  # what a request may say beside the image
PROMPT = "prompt"  # text or a list
GET = ("GET", "HEAD")
METHODS = {
    "/": (*GET, "POST"),
    "/api/predict": ("POST",),
    **dict.fromkeys(("/models", "/health", "/metrics", "/docs", "/openapi.json"), GET),
}

Answer = Callable[..., dict]
log = logging.getLogger("bearcat.requests")


def make_app(
    units: Mapping[str, Answer],
    max_body: int = MAX_BODY,
    *,
    token: str | None = None,
    most_waiting: int = MOST_WAITING,
    cards: Callable[[], list[dict]] | None = None,
    page: ASGIApp | None = None,
    lifespan: Callable | None = None,
) -> Starlette:
    """Return the service over units: name → a function from an image's bytes, and options, to the answer's fields.

    The first unit answers where a request names none; which units there are may change while the service runs.
    `cards` says of each what GET /models answers; `page` gets what no other route takes.
    """
    metrics = ServingMetrics()
    desk = Desk(units, max_body, WorkQueue(most_waiting, metrics.queue.set))
    about = About(units, cards or (lambda: [{"name": name} for name in units]), metrics)
    routes = [
        Route("/", desk.read, methods=["POST"]),
        Route("/api/predict", desk.read_in_old_form, methods=["POST"]),
        Route("/models", about.models),
        Route("/health", about.health),
        Route("/metrics", about.metrics),
        Route("/openapi.json", about.openapi),
        Route("/docs", about.docs),
        *([Mount("/", page)] if page else []),
    ]
    check = TokenCheck(token) if token is not None else None
    guard = Middleware(Guard, max_body=max_body, token=check, methods=METHODS, note=metrics.count)
    handlers = {RequestError: refuse, HTTPException: refuse_route, **dict.fromkeys(MISTAKES, refuse)}
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers, lifespan=lifespan)


def told(error: Exception) -> RequestError:
    """Return what a client is told of an error, which goes to the log where it is none of the client's."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, MISTAKES):
        return RequestError(STATUS_OF_ERROR.get(type(error), 400), str(error))
    log.error("an image could not be read", exc_info=error)
    return RequestError(500, "the service failed; its log says why")


def refuse(request: Request, error: Exception) -> Response:
    """Return what is wrong with a request."""
    mistake = told(error)
    return failure(mistake.status, str(mistake), mistake.headers)


def refuse_route(request: Request, error: HTTPException) -> Response:
    """Return what Starlette has to say, in our form."""
    return failure(error.status_code, str(error.detail), error.headers)


class Desk:
    """Where images are handed in."""

    def __init__(self, units: Mapping[str, Answer], max_body: int, queue: WorkQueue):
        self.units = units
        self.max_body = max_body
        self.queue = queue

    async def read(self, request: Request) -> Response:
        """Answer POST /: one image, or a list of them."""
        started = time.perf_counter()
        fields = await read_fields(request, self.max_body)
        unit = self._unit(fields.get("model"), request)
        options = {name: text_of(fields, name) for name in TEXT_OPTIONS if fields.get(name)}
        options |= {PROMPT: fields[PROMPT]} if fields.get(PROMPT) else {}
        images = fields.get("img")
        if not isinstance(images, list):
            return JSONResponse(success_of(await self._one(unit, images, "img", options)))
        if not 1 <= len(images) <= MOST_IMAGES:
            raise RequestError(400, f"img is a list of {len(images)}: 1 to {MOST_IMAGES} images are expected")
        jobs = [partial(recognise, unit, one, f"img[{n}]", options) for n, one in enumerate(images)]
        results = [answer_of_one(outcome) for outcome in await self.queue.run(jobs)]
        seconds = round(time.perf_counter() - started, 6)
        return JSONResponse(success_of({"results": results, "time": seconds}))

    async def read_in_old_form(self, request: Request) -> Response:
        """Answer POST /api/predict as gradio 2 and 3 did."""
        data = (await read_fields(request, self.max_body)).get("data")
        image = data[0] if isinstance(data, list) and data else None
        answer = await self._one(self._unit(None, request), image, "data[0]", {})
        return JSONResponse({"data": [answer["result"]], "duration": answer["time"]})

    async def _one(self, unit: Answer, image: object, field: str, options: dict) -> dict:
        (outcome,) = await self.queue.run([partial(recognise, unit, image, field, options)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _unit(self, name: object, request: Request) -> Answer:
        """Return the unit that is meant, and note its name for the log."""
        names = list(self.units)
        if not names:
            raise RequestError(503, "there is no trained unit: python save_model.py puts one into App_model")
        if name in (None, ""):
            name = names[0]
        if not isinstance(name, str) or name not in names:
            raise RequestError(400, f"model is {shown(name)}, there are: {', '.join(names)}")
        request.scope[UNIT] = name
        return self.units[name]


def recognise(unit: Answer, image: object, field: str, options: dict) -> dict:
    """Return a unit's answer to an image as it was sent."""
    return unit(image_of(image, field), **options)


def answer_of_one(outcome: dict | Exception) -> dict:
    """Return the answer to one image of several, right or wrong."""
    if not isinstance(outcome, Exception):
        return success_of(outcome)
    mistake = told(outcome)
    return failure_of(mistake.status, str(mistake))


class About:
    """What the service says of itself."""

    def __init__(self, units: Mapping[str, Answer], cards: Callable[[], list[dict]], metrics: ServingMetrics):
        self._units = units
        self._cards = cards
        self._metrics = metrics

    async def models(self, request: Request) -> Response:
        """List the units, the one first that answers where none is named."""
        return JSONResponse({"models": self._cards()})

    async def health(self, request: Request) -> Response:
        """Tell whether an image would be read now."""
        names = list(self._units)
        return JSONResponse({"status": "ok" if names else "no unit", "units": names}, 200 if names else 503)

    async def metrics(self, request: Request) -> Response:
        """Return the figures for Prometheus."""
        return Response(await run_in_threadpool(self._metrics.text), headers={"Content-Type": TEXT})

    async def openapi(self, request: Request) -> Response:
        """Describe the API for programs."""
        return JSONResponse(describe_api(list(self._units)))

    async def docs(self, request: Request) -> Response:
        """Describe the API for people, without asking another machine for a script."""
        return HTMLResponse(docs_page(describe_api(list(self._units))))
