"""From the body of a request to its fields and images: forms, JSON, uploaded files, and base64 in every spelling."""

import base64
import json
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

MOST_IMAGES = 64  # of one request
MOST_OPTIONS = 16  # fields beside the images
MOST_FIELDS = MOST_OPTIONS + MOST_IMAGES
LARGE = 2**18  # bytes from which on parsing would hold up the others
REPEATED = "img"  # the one field that a form may hold several times
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


async def read_fields(request: Request, max_body: int) -> dict:
    """Return the fields of a form or of a JSON object; several of the name img become a list.

    Raises RequestError for a body that is neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == MULTIPART:
        async with request.form(max_files=MOST_FIELDS, max_fields=MOST_FIELDS, max_part_size=max_body) as form:
            return fields_of([(name, await content_of(value)) for name, value in form.multi_items()])
    if kind not in PARSERS:
        raise RequestError(415, f"content type {kind!r}: a form or application/json is expected")
    body = await request.body()
    return await run_in_threadpool(PARSERS[kind], body) if len(body) > LARGE else PARSERS[kind](body)


async def content_of(value: str | UploadFile) -> str | bytes:
    """Return a field's text, or the bytes of an uploaded file."""
    return await value.read() if isinstance(value, UploadFile) else value


def parse_json(body: bytes) -> dict:
    """Return the fields of a JSON object."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RequestError(400, 'a JSON object is expected, as in {"img": "<base64 of the image>"}')
    return fields


def parse_form(body: bytes) -> dict:
    """Return the fields of an urlencoded form."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise RequestError(400, f"the body is no urlencoded form: {error}") from None
    return fields_of(pairs)


def fields_of(pairs: list[tuple[str, str | bytes]]) -> dict:
    """Return the fields of a form; the last of a name counts, but for images, of which several are a list."""
    images = [value for name, value in pairs if name == REPEATED]
    if len(pairs) - len(images) > MOST_OPTIONS:
        raise RequestError(400, f"the form has {len(pairs)} fields, at most {MOST_OPTIONS} beside img are expected")
    return dict(pairs) | ({REPEATED: images} if len(images) > 1 else {})


PARSERS = {JSON: parse_json, FORM: parse_form}


def text_of(fields: dict, name: str) -> str:
    """Return a field that must be text."""
    if not isinstance(fields[name], str):
        raise RequestError(400, f"{name} is {shown(fields[name])}: text is expected")
    return fields[name]


def shown(value: object) -> str:
    """Return a value as a message may show it: never a whole image."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def image_of(value: object, field: str) -> bytes:
    """Return an image's bytes from a field: an uploaded file, or base64 as text."""
    if isinstance(value, bytes) and value:
        return value
    if not isinstance(value, str) or not value.strip():
        raise RequestError(400, f"{field} is missing: base64 of an image is expected")
    try:
        return decode_base64(value)
    except ValueError as error:
        raise RequestError(400, f"{field} is no base64 of an image: {error}") from None


def decode_base64(text: str) -> bytes:
    """Decode base64 with or without a data URL's prefix, padding, line breaks, the urlsafe alphabet, spaces for +."""
    if text.lstrip().startswith("data:"):
        text = text.partition(",")[2]
    text = text.strip().replace("\r", "").replace("\n", "").replace(" ", "+").replace("-", "+").replace("_", "/")
    text = text.rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


# ---- merged from replies: The one form of every answer of the service, right or wrong.


SUCCESS = "处理成功"  # the words that existing clients compare with
ANSWER_FIELDS = ("result", "recognition_rate", "overall_recognition_rate", "time")


class RequestError(Exception):
    """What a client did wrong, or what the service cannot do now, with the HTTP status that says so."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.headers = headers


def success_of(answer: dict) -> dict:
    """Return a unit's answer in the form of the contract."""
    return {"return_code": 200, "return_info": SUCCESS, **answer}


def failure_of(status: int, message: str) -> dict:
    """Return a mistake in the form of the contract."""
    return {"return_code": status, "return_info": message, **dict.fromkeys(ANSWER_FIELDS)}


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the response that tells of a mistake."""
    return JSONResponse(failure_of(status, message), status, headers)
