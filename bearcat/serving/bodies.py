"""The fields in the body of a request: a form, JSON or an upload, parsed in a bounded time and memory.

Large bodies are parsed outside of the event loop, and of a form only the fields that the service uses are kept. The
memory that parsing takes is estimated beforehand and counted by the middleware.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from bearcat.core.files import parse_json
from bearcat.serving.middleware import MEMORY_KEY
from bearcat.serving.protocol import (
    FORM,
    IMAGE_FIELDS,
    JSON,
    MAX_FIELDS,
    MAX_OPTIONS,
    MULTIPART,
    OPTION_FIELDS,
    RequestError,
    short_repr,
    unquote_bytes,
)

KEPT_FIELDS = frozenset((*IMAGE_FIELDS, *OPTION_FIELDS))
CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")  # of multipart forms: decoders of others may take quadratic time
LARGE_BODY = 2**16  # bytes; a larger body is parsed in a thread, so that other requests need not wait
PARSING_THREADS = 2  # more would only make the event loop wait for Python's lock
MAX_CONTENT_TYPE = 500  # characters of the header
MAX_VALUES = 100_000  # of a JSON body
BYTES_PER_VALUE = 100  # a dict of one number takes more, but also more of the characters that are counted
COPIES = 4  # of a body that exist at a time while it is parsed: received, split, decoded, as text
WIDE_COPIES = 10  # the same if it is not ASCII: a text takes up to 4 bytes per character

T = TypeVar("T")
Value = str | bytes | None
_pool = ThreadPoolExecutor(PARSING_THREADS, "parse")


async def read_fields(request: Request) -> dict:
    """Reads the fields of a form or of a JSON object; a repeated image becomes a list, unknown fields become None.

    Raises:
        RequestError: 415 for any other content type, 400 for a body that cannot be parsed, 413 for one of too many
            values, 503 if the memory for bodies is full.
    """
    header = request.headers.get("content-type", "")
    content_type = header.partition(";")[0].strip().lower()
    if content_type not in _READERS or len(header) > MAX_CONTENT_TYPE:
        raise RequestError(415, f"content type {short_repr(header)}: expected a form or application/json")
    fields = await _READERS[content_type](request)
    request.scope[MEMORY_KEY].hold(sum(map(_size, fields.values())))
    return fields


def _size(value: object) -> int:
    return sum(map(_size, value)) if isinstance(value, list) else sys.getsizeof(value)


async def _read_json(request: Request) -> dict:
    return await _read_whole(request, _parse_json, _weigh_json)


async def _read_form(request: Request) -> dict:
    return await _read_whole(request, _parse_form, _weigh_form)


async def _read_whole(request: Request, parse: Callable[[bytearray], dict], weigh: Callable[[bytearray], int]) -> dict:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
    request.scope[MEMORY_KEY].hold(weigh(body))
    return await _run(len(body), parse, body)


async def _run(size: int, function: Callable[..., T], *arguments: object) -> T:
    """Calls a function, in a thread if what it works on is large."""
    if size <= LARGE_BODY:
        return function(*arguments)
    return await asyncio.get_running_loop().run_in_executor(_pool, function, *arguments)


def _weigh_form(body: bytearray) -> int:
    return len(body) * (COPIES if body.isascii() else WIDE_COPIES)


def _weigh_json(body: bytearray) -> int:
    """Returns the bytes that a JSON body takes while it is parsed; raises RequestError if it has too many values."""
    values = sum(map(body.count, (b"[", b"{", b",", b":")))
    if values > MAX_VALUES:
        raise RequestError(413, f"the body has more than {MAX_VALUES:,} of the characters [ {{ , : send less at a time")
    return _weigh_form(body) + values * BYTES_PER_VALUE


def parse_json_object(body: bytes | bytearray, example: str = "") -> dict:
    """Returns the JSON object in a body; raises RequestError (400), ending with `example`, if there is none."""
    try:
        fields = parse_json(body)
    except ValueError as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RequestError(400, f"the body must be a JSON object{example}")
    return fields


def _parse_json(body: bytearray) -> dict:
    fields = parse_json_object(body, ', for example {"img": "<base64 of the image>"}')
    return {name: value if name in KEPT_FIELDS else None for name, value in fields.items()}


def _parse_form(body: bytearray) -> dict:
    parts = body.split(b"&", MAX_FIELDS)
    if len(parts) > MAX_FIELDS:
        raise _too_many_fields(f"more than {MAX_FIELDS}")
    pairs: list[tuple[str, Value]] = []
    for part in filter(None, parts):
        name, _, value = part.partition(b"=")
        field = _form_text(name)
        pairs.append((field, _form_text(value) if field in KEPT_FIELDS else None))
    return _collect_fields(pairs)


def _form_text(encoded: bytearray) -> str:
    return unquote_bytes(encoded.replace(b"+", b" ")).decode("utf-8", "replace")


async def _read_multipart(request: Request) -> dict:
    form = _MultipartForm(request.headers["content-type"])
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            await _run(received, form.write, chunk)
            request.scope[MEMORY_KEY].hold(COPIES * form.kept)
        return await _run(received, form.fields)
    finally:
        form.close()


_READERS: dict[str, Callable[[Request], Awaitable[dict]]] = {
    JSON: _read_json,
    FORM: _read_form,
    MULTIPART: _read_multipart,
}


class _MultipartForm:
    """A multipart form as it arrives; of parts that the service does not use only the names are kept."""

    def __init__(self, content_type: str):
        _, options = parse_options_header(content_type)
        charset = options.get(b"charset", b"utf-8").decode("latin-1")
        if charset.strip().lower() not in CHARSETS:
            raise RequestError(415, f"charset {short_repr(charset)}: expected utf-8")
        if b"boundary" not in options:
            raise RequestError(400, "the content type has no boundary: let the HTTP library set it")
        self.kept = 0  # bytes
        self._pairs: list[tuple[str, Value]] = []
        self._parts = 0
        self._name = ""
        self._content: bytearray | None = None  # of the current part, None if it is not kept
        self._is_upload = False
        self._header, self._header_value, self._disposition = bytearray(), bytearray(), b""
        with _form_errors():
            self._parser = python_multipart.MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add,
                    "on_part_end": self._end,
                },
            )

    def write(self, data: bytes) -> None:
        """Parses the next bytes of the body."""
        with _form_errors():
            self._parser.write(data)

    def fields(self) -> dict:
        """Returns the fields of the complete form."""
        with _form_errors():
            self._parser.finalize()
        return _collect_fields(self._pairs)

    def close(self) -> None:
        """Forgets what was received; parser and form refer to each other, and would keep it until a collection."""
        self._pairs, self._content = [], None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_FIELDS:
            raise _too_many_fields(f"more than {MAX_FIELDS}")
        self._disposition = b""

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise RequestError(400, "a part of the form has no name: expected Content-Disposition: form-data; name=…")
        self._name = _decode(options[b"name"])
        self._content = bytearray() if self._name in KEPT_FIELDS else None
        self._is_upload = b"filename" in options

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._content is not None:
            self._content += memoryview(data)[start:end]
            self.kept += end - start

    def _end(self) -> None:
        content, self._content = self._content, None
        value: Value = None
        if content is not None:
            value = bytes(content) if self._is_upload else _decode(content)
        self._pairs.append((self._name, value))


@contextmanager
def _form_errors() -> Iterator[None]:
    """Turns errors of the multipart parser into a RequestError."""
    try:
        yield
    except FormParserError as error:
        raise RequestError(400, f"the body is not a valid multipart form: {error}") from None


def _decode(text: bytes | bytearray) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _collect_fields(pairs: Sequence[tuple[str, Value]]) -> dict:
    """Returns the fields of a form; the last value of a name counts, but repeated images become a list."""
    images = {field: [value for name, value in pairs if name == field] for field in IMAGE_FIELDS}
    options = len(pairs) - sum(map(len, images.values()))
    if options > MAX_OPTIONS:
        raise _too_many_fields(str(len(pairs)))
    return dict(pairs) | {field: values for field, values in images.items() if len(values) > 1}


def _too_many_fields(received: str) -> RequestError:
    return RequestError(
        400, f"the form has {received} fields: at most {MAX_OPTIONS} beside img, and {MAX_FIELDS} in all, are allowed"
    )
