"""The HTTP contract: the fields and images of a request, and the one form of every answer and every error.

Base64 is accepted in every usual spelling. How the fields are read from a body: see `bearcat.serving.bodies`.
"""

import base64
import reprlib
from urllib.parse import unquote_to_bytes

from starlette.responses import JSONResponse

from bearcat.data.decoding.restrictions import RESTRICTIONS

SUCCESS = "处理成功"  # existing clients compare return_info with it
ANSWER_FIELDS = ("result", "recognition_rate", "overall_recognition_rate", "time")
IMAGE_FIELD = "img"
IMAGE_FIELDS = (IMAGE_FIELD, "image", "file", "img_base64")  # the others are aliases; only these may be repeated
# the last in gradio's old format, with the image
OPTION_FIELDS = ("model", "grid", "name", *RESTRICTIONS, "prompt", "data")
MAX_IMAGES = 64  # per request
MAX_CROPS = 256  # per request: its images, or the cells of their grids
MAX_OPTION = 1024  # characters of a field beside the images
SHOWN = 80  # characters of what a client sent, in a message
MAX_OPTIONS = 16  # fields beside the images
MAX_FIELDS = MAX_OPTIONS + MAX_IMAGES
NAMES_SHOWN = 5  # of the fields that a request has, in a message
EXPECTED = "expected an image as base64, or an upload"
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"

DATA_URL = "data:"  # in upper case as well (RFC 3986)
ESCAPED_BREAKS = ("\\n", "\\r", "\\t")
PLAIN_ALPHABET = str.maketrans(" -_", "++/", "\r\n\t")
# what base64 has of special characters: replaced at once, since unquoting takes each escape on its own
BASE64_ESCAPES = ((b"%2B", b"+"), (b"%2F", b"/"), (b"%3D", b"="))
UNQUOTED_AT_A_TIME = 2**16  # bytes: unquoting takes about forty times the memory of what it is given
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 2 * SHOWN
_repr.maxlevel = 2


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


def find_images(fields: dict) -> tuple[str, object]:
    """Finds the image or the list of images of a request: in `img`, else in one of its aliases.

    Returns:
        The name of the field and its value.

    Raises:
        RequestError: There is none.
    """
    for name in IMAGE_FIELDS:
        if fields.get(name) not in (None, "", b""):
            return name, fields[name]
    sent = next((name for name in IMAGE_FIELDS if name in fields), None)
    if sent:
        raise RequestError(400, f"{sent} is empty: {EXPECTED}")
    names = [short_repr(name) for name in list(fields)[:NAMES_SHOWN]]
    more = [f"{len(fields) - len(names)} more"] if len(fields) > len(names) else []
    received = f"the request has {', '.join([*names, *more])}" if names else "the request has no fields"
    raise RequestError(400, f"{IMAGE_FIELD} is missing: {EXPECTED}; {received}")


def text_field(fields: dict, name: str) -> str:
    """Returns a field that must be text.

    Raises:
        RequestError: The field has another type, or is too long.
    """
    text = fields[name]
    if not isinstance(text, str):
        raise RequestError(400, f"{name} is {short_repr(text)}: expected text")
    if len(text) > MAX_OPTION:
        raise RequestError(400, f"{name} has {len(text):,} characters: at most {MAX_OPTION:,} are allowed")
    return text


def short_repr(value: object) -> str:
    """Returns the repr of a value for a message, cut to 80 characters; of a large value only the start is read."""
    text = _repr.repr(value[:SHOWN] + "…" if isinstance(value, str) and len(value) > SHOWN else value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def image_field(value: object, name: str) -> bytes:
    """Returns the encoded image in a field: an upload's bytes, or decoded base64.

    Args:
        value: The value of the field.
        name: The name of the field, for messages.

    Raises:
        RequestError: The field is empty or is not base64.
    """
    if isinstance(value, bytes) and value:
        return value
    if not isinstance(value, str) or not value.strip():
        what = "empty" if value in (None, "", b"") or isinstance(value, str) else short_repr(value)
        raise RequestError(400, f"{name} is {what}: {EXPECTED}")
    try:
        return decode_base64(value)
    except ValueError as error:
        raise RequestError(400, f"{name} is {short_repr(value)}, which is not valid base64 ({error})") from None


def decode_base64(text: str) -> bytes:
    """Decodes base64 with or without a data URL's prefix, padding and line breaks.

    Accepted as well: the urlsafe alphabet, spaces in place of + as forms that were not escaped have them, characters
    escaped twice (%2B), and Python's notation of bytes, b'…'.

    Raises:
        ValueError: The text is not base64.
    """
    # no regular expressions and no pieces: a text may have millions of characters, each of them special
    text = _without_python_quotes(text.strip())
    if text[: len(DATA_URL)].lower() == DATA_URL:
        text = text.partition(",")[2].strip()
    if "%" in text:
        text = unquote_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    if not text.isascii():
        raise ValueError("it has characters that are not ASCII")
    text = text.translate(PLAIN_ALPHABET).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _without_python_quotes(text: str) -> str:
    """Returns what is inside of Python's notation of bytes, b'…'; any other text as it is."""
    start = text[:2].removeprefix("b")[:1]
    if start not in ("'", '"') or len(text) < 2 or not text.endswith(start):
        return text
    text = text.removeprefix("b")[1:-1]
    for escape in ESCAPED_BREAKS:
        text = text.replace(escape, "")
    return text.strip()


def unquote_bytes(data: bytes | bytearray) -> bytearray:
    """Replaces the escapes %XX, as `urllib.parse.unquote_to_bytes` does, in little memory."""
    if b"%" not in data:
        return bytearray(data)
    result, start = bytearray(), 0
    while start < len(data):
        end = start + UNQUOTED_AT_A_TIME
        cut = data.rfind(b"%", end - 2, end)  # an escape must not be cut in two
        end = cut if cut >= 0 else end
        piece = bytes(data[start:end])
        for escape, character in BASE64_ESCAPES:
            piece = piece.replace(escape, character)
        result += unquote_to_bytes(piece)
        start = end
    return result
