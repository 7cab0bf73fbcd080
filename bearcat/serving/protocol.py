"""The HTTP contract: fields and images of a request's body, and the one form of every answer and every error.

A body may be a form, JSON or an upload; base64 is accepted in every usual spelling.
"""

import base64
import json
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

SUCCESS = "处理成功"  # existing clients compare return_info with it
ANSWER_FIELDS = ("result", "recognition_rate", "overall_recognition_rate", "time")
IMAGE_FIELD = "img"  # the only field that a form may repeat
MAX_IMAGES = 64  # per request
MAX_OPTIONS = 16  # fields beside the images
MAX_FIELDS = MAX_OPTIONS + MAX_IMAGES
LARGE_BODY = 2**18  # bytes; a larger body is parsed in a thread, so that other requests need not wait
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


class RequestError(Exception):
    """An error to answer a request with, with its HTTP status and headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.headers = headers


def success_payload(answer: dict) -> dict:
    """Returns an answer with the return code and message of success."""
    return {"return_code": 200, "return_info": SUCCESS, **answer}


def error_payload(status: int, message: str) -> dict:
    """Returns an error in the form of an answer, with null in the fields of a prediction."""
    return {"return_code": status, "return_info": message, **dict.fromkeys(ANSWER_FIELDS)}


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Returns the response for an error."""
    return JSONResponse(error_payload(status, message), status, headers)


async def read_fields(request: Request, max_body: int) -> dict:
    """Reads the fields of a form or of a JSON object; a repeated `img` becomes a list.

    Raises:
        RequestError: 415 for any other content type, 400 for a body that cannot be parsed.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == MULTIPART:
        async with request.form(max_files=MAX_FIELDS, max_fields=MAX_FIELDS, max_part_size=max_body) as form:
            return _collect_fields([(name, await _read_part(value)) for name, value in form.multi_items()])
    if content_type not in _PARSERS:
        raise RequestError(415, f"content type {content_type!r}: expected a form or application/json")
    parse, body = _PARSERS[content_type], await request.body()
    return await run_in_threadpool(parse, body) if len(body) > LARGE_BODY else parse(body)


async def _read_part(value: str | UploadFile) -> str | bytes:
    return await value.read() if isinstance(value, UploadFile) else value


def _parse_json(body: bytes) -> dict:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RequestError(400, 'the body must be a JSON object, for example {"img": "<base64 of the image>"}')
    return fields


def _parse_form(body: bytes) -> dict:
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise RequestError(400, f"the body is not a valid urlencoded form: {error}") from None
    return _collect_fields(pairs)


_PARSERS: dict[str, Callable[[bytes], dict]] = {JSON: _parse_json, FORM: _parse_form}


def _collect_fields(pairs: Sequence[tuple[str, str | bytes]]) -> dict:
    """Returns the fields of a form; the last value of a name counts, but repeated images become a list."""
    images = [value for name, value in pairs if name == IMAGE_FIELD]
    if len(pairs) - len(images) > MAX_OPTIONS:
        raise RequestError(400, f"the form has {len(pairs)} fields: at most {MAX_OPTIONS} beside img are allowed")
    return dict(pairs) | ({IMAGE_FIELD: images} if len(images) > 1 else {})


def text_field(fields: dict, name: str) -> str:
    """Returns a field that must be text.

    Raises:
        RequestError: The field has another type.
    """
    if not isinstance(fields[name], str):
        raise RequestError(400, f"{name} is {short_repr(fields[name])}: expected text")
    return fields[name]


def short_repr(value: object) -> str:
    """Returns the repr of a value for a message, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def image_field(value: object, name: str) -> bytes:
    """Returns the encoded image in a field: an upload's bytes, or decoded base64.

    Args:
        value: The value of the field.
        name: The name of the field, for messages.

    Raises:
        RequestError: The field is missing or is not base64.
    """
    if isinstance(value, bytes) and value:
        return value
    if not isinstance(value, str) or not value.strip():
        raise RequestError(400, f"{name} is missing: expected an image as base64")
    try:
        return decode_base64(value)
    except ValueError as error:
        raise RequestError(400, f"{name} is not valid base64: {error}") from None


def decode_base64(text: str) -> bytes:
    """Decodes base64 with or without a data URL's prefix, padding and line breaks.

    The urlsafe alphabet is accepted too, and spaces in place of +, as forms that were not escaped have them.

    Raises:
        ValueError: The text is not base64.
    """
    if text.lstrip().startswith("data:"):
        text = text.partition(",")[2]
    text = text.strip().replace("\r", "").replace("\n", "").replace(" ", "+").replace("-", "+").replace("_", "/")
    text = text.rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
