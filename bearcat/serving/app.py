"""The HTTP API as an ASGI app: images in, predictions out, and one form for every error."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bearcat.artifacts.model_choice import AUTO_MODEL
from bearcat.core.errors import (
    ImageError,
    ImageFormatError,
    ImageSizeError,
    LabelError,
    PredictionTimeoutError,
    RequestOptionError,
    SettingsError,
)
from bearcat.data.decoding.restrictions import RESTRICTIONS
from bearcat.data.grids import Grid
from bearcat.serving.auth import TokenCheck
from bearcat.serving.bodies import read_fields
from bearcat.serving.metrics import CONTENT_TYPE, ServingMetrics
from bearcat.serving.middleware import MAX_BODY, MODEL_KEY, Bodies, RequestMiddleware
from bearcat.serving.openapi import DOCS_POLICY, describe_api, docs_page
from bearcat.serving.protection.same_origin import POLICY, OriginCheck
from bearcat.serving.protocol import (
    MAX_CROPS,
    MAX_IMAGES,
    RequestError,
    error_payload,
    error_response,
    find_images,
    image_field,
    short_repr,
    success_payload,
    text_field,
)
from bearcat.serving.queue import MAX_WAITING, RETRY_SECONDS, QueueFullError, WorkQueue

STATUS_OF_ERROR: dict[type[BaseException], int] = {ImageFormatError: 415, ImageSizeError: 413}  # 400 for all others
CLIENT_ERRORS = (ImageError, LabelError, RequestOptionError, SettingsError)  # whatever else a model raises is ours
GRID, PROMPT = "grid", "prompt"
LENGTH = "length"
TEXT_OPTIONS = (GRID, "name", *RESTRICTIONS)
GET = ("GET", "HEAD")
METHODS = {
    "/": (*GET, "POST"),
    "/api/predict": ("POST",),
    **dict.fromkeys(("/models", "/health", "/metrics", "/docs", "/openapi.json"), GET),
}

Predict = Callable[..., dict]
T = TypeVar("T")
log = logging.getLogger("bearcat.requests")


def make_app(
    models: Mapping[str, Predict],
    max_body: int = MAX_BODY,
    *,
    host: str = "0.0.0.0",
    token: str | None = None,
    session_key: bytes | None = None,
    max_waiting: int = MAX_WAITING,
    max_crops: int = MAX_CROPS,
    describe_models: Callable[[], list[dict]] | None = None,
    rejected_models: Callable[[], list[str]] = list,
    answer_fitting: Predict | None = None,
    page: ASGIApp | None = None,
    lifespan: Callable | None = None,
) -> Starlette:
    """Returns the service as an ASGI app.

    Args:
        models: Model name → function from an image's bytes and options to the payload of the answer. It may change
            while the service runs; its first model answers requests that name none.
        max_body: Largest accepted body of a request, in bytes.
        host: Address that the app is served on; on a loopback address without a token only loopback names are
            accepted as Host.
        token: What clients must send; None accepts everybody.
        session_key: Signs the cookies of browsers that sent the token; by default a random one.
        max_waiting: Images that may wait for a thread.
        max_crops: Images, or cells of their grids, that a request may have.
        describe_models: Returns what GET /models lists; by default only names.
        rejected_models: Returns the names of files that were rejected, for GET /health.
        answer_fitting: Answers an image with the model that it fits, for requests that name AUTO_MODEL.
        page: App for all other paths.
        lifespan: Starlette's lifespan.
    """
    metrics = ServingMetrics()
    predictions = PredictionEndpoints(models, WorkQueue(max_waiting, metrics.queue.set), max_crops, answer_fitting)
    bodies = Bodies()
    describe_models = describe_models or (lambda: [{"name": name} for name in models])
    info = InfoEndpoints(models, predictions.model_names, describe_models, rejected_models, metrics)
    routes = [
        Route("/", predictions.predict, methods=["POST"]),
        Route("/api/predict", predictions.predict_gradio, methods=["POST"]),
        Route("/models", info.models),
        Route("/health", info.health),
        Route("/metrics", info.metrics),
        Route("/openapi.json", info.openapi),
        Route("/docs", info.docs),
        *([Mount("/", page)] if page else []),
    ]
    check = TokenCheck(token, session_key) if token is not None else None
    middleware = Middleware(
        RequestMiddleware,
        max_body=max_body,
        token=check,
        methods=METHODS,
        on_request=metrics.count,
        bodies=bodies,
        origin=OriginCheck(host, token is not None),
    )
    handlers: dict[type[Exception], Callable[..., Response]] = {
        HTTPException: handle_http_exception,
        **dict.fromkeys((RequestError, QueueFullError, PredictionTimeoutError, *CLIENT_ERRORS), handle_error),
    }
    app = Starlette(routes=routes, middleware=[middleware], exception_handlers=handlers, lifespan=lifespan)
    app.state.bodies = bodies
    return app


def handle_http_exception(request: Request, error: HTTPException) -> Response:
    """Returns Starlette's own errors, such as 404, in the form of the contract."""
    return error_response(error.status_code, str(error.detail), dict(error.headers or {}))


def handle_error(request: Request, error: Exception) -> Response:
    """Returns the response for an error of a request."""
    known = to_request_error(error)
    return error_response(known.status, str(known), known.headers)


def to_request_error(error: BaseException) -> RequestError:
    """Returns an error with its HTTP status; one that is not the client's is logged and not described."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, QueueFullError):
        return RequestError(503, str(error), {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, CLIENT_ERRORS):
        return RequestError(STATUS_OF_ERROR.get(type(error), 400), str(error))
    if isinstance(error, PredictionTimeoutError):
        log.error("%s", error)
        return RequestError(500, str(error))  # no 503: the same image would take as long again
    log.error("prediction failed", exc_info=error)
    return RequestError(500, "the service failed; see its log")


class PredictionEndpoints:
    """The endpoints that predict images."""

    def __init__(self, models: Mapping[str, Predict], queue: WorkQueue, max_crops: int, answer_fitting: Predict | None):
        self._models = models
        self._queue = queue
        self._max_crops = max_crops
        self._answer_fitting = answer_fitting

    async def predict(self, request: Request) -> Response:
        """POST /: predicts one image, or a list of images."""
        started = time.perf_counter()
        fields = await read_fields(request)
        model = self._choose_model(fields.get("model"), request)
        if type(fields.get(LENGTH)) is int:  # in JSON
            fields[LENGTH] = str(fields[LENGTH])
        options = {name: text_field(fields, name) for name in TEXT_OPTIONS if fields.get(name)}
        if fields.get(PROMPT):  # text or a list
            options[PROMPT] = text_field(fields, PROMPT) if isinstance(fields[PROMPT], str) else fields[PROMPT]
        field, images = find_images(fields)
        if not isinstance(images, list):
            return JSONResponse(success_payload(await self._predict_one(request, model, images, field, options)))
        if not 1 <= len(images) <= MAX_IMAGES:
            raise RequestError(400, f"{field} is a list of {len(images)}: expected 1 to {MAX_IMAGES} images")
        jobs = [partial(_predict, model, image, f"{field}[{n}]", options) for n, image in enumerate(images)]
        outcomes = await self._run(request, jobs, options)
        results = [_batch_item(outcome) for outcome in outcomes]
        seconds = round(time.perf_counter() - started, 6)
        return JSONResponse(success_payload({"results": results, "time": seconds}))

    async def predict_gradio(self, request: Request) -> Response:
        """POST /api/predict: predicts one image, in the format of gradio 2 and 3."""
        data = (await read_fields(request)).get("data")
        image = data[0] if isinstance(data, list) and data else None
        answer = await self._predict_one(request, self._choose_model(None, request), image, "data[0]", {})
        return JSONResponse({"data": [answer["result"]], "duration": answer["time"]})

    async def _predict_one(self, request: Request, model: Predict, image: object, field: str, options: dict) -> dict:
        (outcome,) = await self._run(request, [partial(_predict, model, image, field, options)], options)
        if not isinstance(outcome, BaseException):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # else it and its traceback refer to each other, and keep the image until the next collection

    async def _run(
        self, request: Request, jobs: Sequence[Callable[[], dict]], options: dict
    ) -> list[dict | BaseException]:
        """Runs the jobs of a request, a job per image, as long as the client waits for them.

        Raises:
            RequestError: 400, if the grids of all images have too many cells.
            QueueFullError: The queue is full.
            ClientDisconnect: The client has left.
        """
        cells = _cells(options.get(GRID, ""))
        if len(jobs) * cells > self._max_crops:
            raise RequestError(
                400,
                f"the request has {len(jobs)} × {cells} images and cells: at most {self._max_crops} are allowed",
            )
        return await _while_connected(request, self._queue.run(jobs, cells))

    def model_names(self) -> list[str]:
        """Returns what a request can name as its model: the models and, if one can be chosen, AUTO_MODEL."""
        names = list(self._models)
        return names if self._answer_fitting is None or AUTO_MODEL in names else [*names, AUTO_MODEL]

    def _choose_model(self, name: object, request: Request) -> Predict:
        """Returns the model that a request names, or the first one, and records its name for the log.

        AUTO_MODEL stands for the model that an image fits, unless a model has that name.
        """
        names = list(self._models)
        if not names:
            raise RequestError(503, "there is no trained model: run python save_model.py")
        if name in (None, ""):
            name = names[0]
        model = self._models.get(name) if isinstance(name, str) else None
        if model is None and name == AUTO_MODEL:
            model = self._answer_fitting
        if model is None:
            available = ", ".join(self.model_names())
            raise RequestError(400, f"model is {short_repr(name)}: available models are {available}")
        request.scope[MODEL_KEY] = name
        return model


def _cells(grid: str) -> int:
    """Returns the number of cells into which an image is cut; an invalid grid counts as one and is refused later."""
    try:
        return Grid.parse(grid).cells if grid else 1
    except SettingsError:
        return 1


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Returns the result of some work, which is cancelled if the client leaves.

    Raises:
        ClientDisconnect: The client has left.
    """
    task, has_left = cast(asyncio.Task, asyncio.current_task()), False

    async def watch() -> None:
        nonlocal has_left
        await _until_disconnect(request)
        has_left = True
        task.cancel()

    watching = asyncio.ensure_future(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if not has_left:
            raise
        task.uncancel()
        raise ClientDisconnect from None
    finally:
        watching.cancel()


async def _until_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _predict(model: Predict, image: object, field: str, options: dict) -> dict:
    return model(image_field(image, field), **options)


def _batch_item(outcome: dict | BaseException) -> dict:
    """Returns the entry of one image in the answer to a batch."""
    if not isinstance(outcome, BaseException):
        return success_payload(outcome)
    error = to_request_error(outcome)
    return error_payload(error.status, str(error))


class InfoEndpoints:
    """The endpoints that describe the service."""

    def __init__(
        self,
        models: Mapping[str, Predict],
        model_names: Callable[[], list[str]],
        describe_models: Callable[[], list[dict]],
        rejected_models: Callable[[], list[str]],
        metrics: ServingMetrics,
    ):
        self._models = models
        self._model_names = model_names
        self._describe_models = describe_models
        self._rejected_models = rejected_models
        self._metrics = metrics

    async def models(self, request: Request) -> Response:
        """GET /models: the models, the default one first."""
        return JSONResponse({"models": self._describe_models()})

    async def health(self, request: Request) -> Response:
        """GET /health: whether the service can predict images now, and which models were rejected."""
        names, rejected = list(self._models), self._rejected_models()
        payload: dict[str, object] = {"status": "ok" if names else "no unit", "units": names}
        payload |= {"rejected": rejected} if rejected else {}
        return JSONResponse(payload, 200 if names else 503)

    async def metrics(self, request: Request) -> Response:
        """GET /metrics: metrics for Prometheus."""
        return Response(await run_in_threadpool(self._metrics.text), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, request: Request) -> Response:
        """GET /openapi.json: the API as an OpenAPI document."""
        return JSONResponse(describe_api(self._model_names()))

    async def docs(self, request: Request) -> Response:
        """GET /docs: the same as a page, which loads nothing from other hosts."""
        return HTMLResponse(docs_page(describe_api(self._model_names())), headers={POLICY: DOCS_POLICY})
