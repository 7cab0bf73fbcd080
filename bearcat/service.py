"""The HTTP contract as an ASGI app: base64 in, JSON out, and one form for every mistake."""

import base64
import binascii
import json
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.errors import ImageError, ImageFormatError, ImageSizeError, LabelError, RequestOptionError, SettingsError

SUCCESS = "处理成功"  # the words that existing clients compare with
MAX_BODY = 8 * 2**20  # bytes
MAX_FIELDS = 16
ANSWER_FIELDS = ("result", "recognition_rate", "overall_recognition_rate", "time")
STATUS_OF_ERROR = {ImageFormatError: 415, ImageSizeError: 413}  # 400 is that of all others

TEXT_OPTIONS = ("grid", "name")  # what a request may say beside the picture
PROMPT = "prompt"  # text or a list

Answer = Callable[..., dict]


class RequestError(Exception):
    """What a client did wrong, with the HTTP status that says so."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def make_app(units: dict[str, Answer], max_body: int = MAX_BODY) -> FastAPI:
    """Return the service over units: name → a function from a picture's bytes, and options, to the answer's fields.

    The first unit answers where a request names none.
    """
    app = FastAPI(title="Bearcat", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(BodyLimit, max_body=max_body)

    @app.post("/")
    async def read(request: Request) -> JSONResponse:
        fields = await read_fields(request, max_body)
        image = await picture_of(fields.get("img"), "img")
        options = {name: text_of(fields, name) for name in TEXT_OPTIONS if fields.get(name)}
        options |= {PROMPT: fields[PROMPT]} if fields.get(PROMPT) else {}
        answer = await answer_with(units, fields.get("model"), image, options)
        return JSONResponse({"return_code": 200, "return_info": SUCCESS, **answer})

    @app.post("/api/predict")
    async def read_in_old_form(request: Request) -> JSONResponse:
        fields = await read_fields(request, max_body)
        data = fields.get("data")
        image = await picture_of(data[0] if isinstance(data, list) and data else None, "data[0]")
        answer = await answer_with(units, None, image, {})
        return JSONResponse({"data": [answer["result"]], "duration": answer["time"]})

    @app.get("/api/predict")
    async def refuse_get() -> None:
        raise HTTPException(405)

    @app.get("/health")
    async def health() -> dict:
        return {"status": "ok", "units": list(units)}

    app.add_exception_handler(RequestError, lambda request, error: failure(error.status, str(error)))
    for mistake in (ImageError, LabelError, RequestOptionError, SettingsError):
        app.add_exception_handler(mistake, refuse)
    app.add_exception_handler(HTTPException, lambda request, error: failure(error.status_code, str(error.detail)))
    app.add_exception_handler(Exception, lambda request, error: failure(500, "the service failed; its log says why"))
    return app


def refuse(request: Request, error: Exception) -> JSONResponse:
    """Return what is wrong with a picture or an option."""
    return failure(STATUS_OF_ERROR.get(type(error), 400), str(error))


def failure(status: int, message: str) -> JSONResponse:
    """Return a mistake in the form of the contract."""
    return JSONResponse({"return_code": status, "return_info": message, **dict.fromkeys(ANSWER_FIELDS)}, status)


def text_of(fields: dict, name: str) -> str:
    """Return a field that must be text."""
    if not isinstance(fields[name], str):
        raise RequestError(400, f"{name} is {fields[name]!r}: text is expected")
    return fields[name]


async def answer_with(units: dict[str, Answer], name: object, image: bytes, options: dict[str, str]) -> dict:
    """Return a unit's answer, computed in a thread so that the loop stays free."""
    if name in (None, ""):
        name = next(iter(units))
    if not isinstance(name, str) or name not in units:
        raise RequestError(400, f"model is {name!r}, there are: {', '.join(units)}")
    return await run_in_threadpool(units[name], image, **options)


async def read_fields(request: Request, max_body: int) -> dict:
    """Return the fields of a form or of a JSON object."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            fields = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise RequestError(400, f"the body is no JSON: {error}") from None
        if not isinstance(fields, dict):
            raise RequestError(400, 'a JSON object is expected, as in {"img": "<base64 of the picture>"}')
        return fields
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return dict(await request.form(max_files=MAX_FIELDS, max_fields=MAX_FIELDS, max_part_size=max_body))
    raise RequestError(415, f"content type {kind!r}: a form or application/json is expected")


async def picture_of(value: object, field: str) -> bytes:
    """Return a picture's bytes from a field: an uploaded file, or base64 as text."""
    if isinstance(value, UploadFile):
        return await value.read()
    if not isinstance(value, str) or not value.strip():
        raise RequestError(400, f"{field} is missing: base64 of a picture is expected")
    try:
        return decode_base64(value)
    except (ValueError, binascii.Error) as error:
        raise RequestError(400, f"{field} is no base64 of a picture: {error}") from None


def decode_base64(text: str) -> bytes:
    """Decode base64 with or without a data URL's prefix, padding, line breaks, the urlsafe alphabet, spaces for +."""
    if text.lstrip().startswith("data:"):
        text = text.partition(",")[2]
    text = text.strip().replace("\r", "").replace("\n", "").replace(" ", "+").replace("-", "+").replace("_", "/")
    text = text.rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


class BodyLimit:
    """The outermost guard: counts a body's bytes, announced or not, and answers 413 where there are too many."""

    def __init__(self, app: ASGIApp, max_body: int):
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        received = int(announced) if announced.isdigit() else 0
        if received > self.max_body:
            return await self._refuse()(scope, receive, send)
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self.max_body:
                raise RequestError(413, self._too_large)
            return message

        await self.app(scope, counted, send)

    @property
    def _too_large(self) -> str:
        return f"the body has more than {self.max_body:,} bytes"

    def _refuse(self) -> JSONResponse:
        return failure(413, self._too_large)
