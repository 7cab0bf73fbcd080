"""The filter in front of gradio: only the requests that the page needs reach it, and those within bounds."""

import json
import re
from collections.abc import Callable, Container

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.serving.bodies import CHARSETS, parse_json_object
from bearcat.serving.page.uploads import UploadFolder
from bearcat.serving.protection.same_origin import PAGE_POLICY, POLICY, raw_headers, with_headers
from bearcat.serving.protocol import MULTIPART, RequestError, error_response, short_repr

# paths of gradio that the page and gradio's own client use; not, among others, /proxy=, which fetches from other hosts,
# and the list of runs
ALLOWED_PATHS = re.compile(
    r"/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon|(static|assets)/.*"
    r"|gradio_api/((info|startup-events|app_id|theme\.css|upload|upload_progress|reset|cancel|queue/(join|data))"
    r"|heartbeat/.*|file=.*))?/?"
)
API = "/gradio_api/"
JOIN, ANSWERS, UPLOAD, PROGRESS = (f"{API}{name}" for name in ("queue/join", "queue/data", "upload", "upload_progress"))
EVENT_FIELDS = ("session_hash", "event_id", "fn_index", "trigger_id", "event_data", "data")
MAX_EVENT = 2**16  # bytes of an event of the page: images are uploaded beforehand
MAX_PATH = 1024  # characters of the path of an upload
VISIT = re.compile(r"[\w-]{1,64}", re.ASCII)  # gradio's name of a visit
# an address at another machine: a URL or, on Windows, a share; a single letter is a drive
ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.-]+:|[\\/]{2})", re.IGNORECASE)
RANGE = re.compile(rb"bytes=\d{0,18}-\d{0,18}")
# gradio would keep what it reports of each upload until somebody asks for it
UPLOADED = 'data: {"msg": "done"}\n\n'
UNKNOWN = 'data: {"msg": "unexpected_error", "message": "no events", "session_not_found": true, "success": false}\n\n'
STREAM = "text/event-stream"
RETRY = {"Retry-After": "1"}


class RequestFilter:
    """Passes requests to gradio, whose scripts it permits; those beyond the bounds are answered with an error.

    Args:
        app: gradio's app.
        uploads: The folder of its uploads.
        events: Numbers of the page's events.
        is_known: Whether a visit has sent events.
        is_busy: Whether a visit has to wait before it may send another event.
    """

    def __init__(
        self,
        app: ASGIApp,
        uploads: UploadFolder,
        events: Container[int],
        is_known: Callable[[str], bool],
        is_busy: Callable[[str], bool],
    ):
        self.app = app
        self._uploads = uploads
        self._events = events
        self._is_known = is_known
        self._is_busy = is_busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = with_headers(send, raw_headers({POLICY: PAGE_POLICY}))
        try:
            await self._pass_on(scope, receive, send)
        except RequestError as error:
            await error_response(error.status, str(error), error.headers)(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        if not ALLOWED_PATHS.fullmatch(path) or ADDRESS.match(path.partition("file=")[2]):
            raise RequestError(404, f"not found: {path[:80]!a}")
        path = path.rstrip("/")
        if path == PROGRESS:
            await Response(UPLOADED, media_type=STREAM)(scope, receive, send)
        elif path == ANSWERS:
            await self._stream(scope, receive, send)
        elif scope.get("method") != "POST":
            await self.app(_with_valid_range(scope), receive, send)
        elif path == UPLOAD:
            await self._upload(scope, receive, send)
        else:
            body = _encode(self._check_event(path, await _read(receive)))
            await self.app(_with_length(scope, len(body)), _replay(body, receive), send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams the answers of a visit, until gradio forgets it or its client leaves."""
        visit = QueryParams(scope["query_string"]).get("session_hash", "")
        if not self._is_known(visit):
            return await Response(UNKNOWN, media_type=STREAM)(scope, receive, send)
        begun = False

        async def note_start(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except (KeyError, RuntimeError) as error:
            not_found = error.args == (visit,) or getattr(error.__cause__, "status_code", None) == 404
            if self._is_known(visit) and not not_found:
                raise
            # gradio has forgotten the visit meanwhile, though another stream of it may have begun since
            if begun:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await Response(UNKNOWN, media_type=STREAM)(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        async with self._uploads.room_for(_upload_size(scope)):
            try:
                await self.app({**scope, "query_string": b""}, receive, keep)
            except TypeError:
                raise RequestError(400, "the field files is text: expected an upload") from None
        for message in answer:
            await send(message)

    def _check_event(self, path: str, body: bytes) -> dict:
        """Returns an event without what gradio does not need.

        Raises:
            RequestError: 400, or 503 if too many events of its visit wait.
        """
        event = parse_json_object(body)
        event = {name: _without_addresses(event[name]) for name in EVENT_FIELDS if name in event}
        visit, number = event.get("session_hash"), event.get("fn_index")
        if path != JOIN:
            return event
        if not isinstance(visit, str) or not VISIT.fullmatch(visit):
            raise RequestError(400, f"session_hash is {short_repr(visit)}: expected letters and digits, at most 64")
        if not isinstance(number, int) or number not in self._events:
            raise RequestError(400, f"fn_index is {short_repr(number)}: expected the number of an event of the page")
        if self._is_busy(visit):
            raise RequestError(503, "too many events of this visit wait: try again", RETRY)
        return event


def _encode(event: dict) -> bytes:
    """Returns an event as JSON that gradio can parse, and echo.

    Raises:
        RequestError: 400, if it holds NaN, infinity, or half of a surrogate pair.
    """
    try:
        return json.dumps(event, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise RequestError(400, f"the body is not valid JSON: {short_repr(str(error))}") from None


def _upload_size(scope: Scope) -> int:
    """Returns the announced size of an upload.

    Raises:
        RequestError: 411 if there is none, 415 if it is no form or has a charset that takes long to decode.
    """
    headers = Headers(scope=scope)
    content_type = headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"utf-8").decode("latin-1").strip().lower()
    if kind.decode("latin-1").lower() != MULTIPART or charset not in CHARSETS:
        raise RequestError(415, f"content type {short_repr(content_type)}: expected {MULTIPART}, in UTF-8")
    length = headers.get("content-length", "")
    if not length.isdecimal():
        raise RequestError(411, "the upload has no Content-Length")
    return int(length)


def _without_addresses(value: object) -> object:
    """Returns a value of an event without the URLs that browsers add to the paths of files.

    Raises:
        RequestError: A path is a URL, which gradio would fetch.
    """
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    if not isinstance(value, dict):
        return value
    path = value.get("path", "")
    if isinstance(path, str) and (len(path) > MAX_PATH or ADDRESS.match(path)):
        raise RequestError(400, f"path is {short_repr(path)}: expected that of an upload")
    return {name: _without_addresses(inner) for name, inner in value.items() if name != "url"}


async def _read(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_EVENT:
            raise RequestError(413, f"the event has more than {MAX_EVENT:,} bytes")
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a receive function that returns a body, and then what the client does."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _with_valid_range(scope: Scope) -> Scope:
    """Returns a request without a Range that gradio cannot parse."""
    headers = [header for header in scope["headers"] if header[0] != b"range" or RANGE.fullmatch(header[1])]
    return {**scope, "headers": headers}


def _with_length(scope: Scope, length: int) -> Scope:
    dropped = (b"content-length", b"transfer-encoding")
    headers = [header for header in scope["headers"] if header[0] not in dropped]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}
