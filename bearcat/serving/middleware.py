"""The outermost guard of the service: token, methods, size and time of a body; and what is noted of every request."""

import asyncio
import logging
import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.serving.auth import TokenCheck
from bearcat.serving.protocol import RequestError, failure

MAX_BODY = 8 * 2**20  # bytes
BODY_SECONDS = 30  # in which a body must have come
DRAINED = 64 * 2**20  # bytes of a body too large that are still read: a client that is sending sees no answer
MOST_HELD = 2**28  # bytes of all bodies that are in memory at a time
GONE = 499  # noted for a client that left before its answer; nginx's number
OPEN = "/health"  # the one path that asks for no token
CLOSE = {"Connection": "close"}
LATER = {"Retry-After": "1"}
UNIT = "bearcat.unit"  # key of the scope under which the name of the unit that answers is noted

log = logging.getLogger("bearcat.requests")
Note = Callable[[int, str, float], object]


class Guard:
    """Lets through what may pass, answers all else in the form of the contract, and keeps the service alive.

    `methods` are path → methods, of the paths that this service knows; `note` is called with status, unit and seconds.
    """

    def __init__(
        self, app: ASGIApp, max_body: int, token: TokenCheck | None, methods: dict[str, tuple[str, ...]], note: Note
    ):
        self.app = app
        self.max_body = max_body
        self.token = token
        self.methods = methods
        self.note = note
        self.held = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})  # nothing here speaks it
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        visit = Visit(scope, receive, send, self.max_body, self.held)
        try:
            await self._serve(scope, visit)
        except ClientDisconnect:
            visit.status = visit.status or GONE
        except Exception as error:
            if visit.status:
                raise  # half an answer is out: the server closes the connection
            await visit.fail(error)
        except asyncio.CancelledError:
            visit.status = visit.status or GONE
            raise
        finally:
            self.held.bytes -= visit.kept
            self._write_down(visit)

    async def _serve(self, scope: Scope, visit: "Visit") -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            visit.check_announced()
            return await self.app(scope, visit.receive, visit.send)
        await visit.drain()
        await refusal(scope, visit.receive, visit.send)

    def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if self.token and path != OPEN and not self.token.allows(scope):
            return self.token.answer(scope)
        methods = self.methods.get(path)
        if methods and scope["method"] not in methods:
            allowed = ", ".join(methods)
            return failure(405, f"{path} takes {allowed}, not {scope['method']}", {"Allow": allowed})
        return None

    def _write_down(self, visit: "Visit") -> None:
        seconds, unit = time.perf_counter() - visit.started, visit.scope.get(UNIT, "")
        self.note(visit.status, unit, seconds)
        path = ascii(visit.scope["path"][:80])[1:-1]  # no query, which may hold the token, and no line breaks
        log.info(
            "%s %s %d %.1f ms %d B in %d B out %s",
            visit.scope["method"], path, visit.status, seconds * 1000, visit.received, visit.sent, unit or "-",
        )  # fmt: skip


class Held:
    """How many bytes of bodies are in memory, of all requests together."""

    def __init__(self):
        self.bytes = 0


class Visit:
    """One request on its way: counts its bytes, and puts the guard's answer in place of what is made of a bad body."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body: int, held: Held):
        self.scope = scope
        self.started = time.perf_counter()
        self.status = self.received = self.sent = self.kept = 0
        self._held = held
        self._receive, self._send = receive, send
        self._max_body = max_body
        self._whole = False
        self._mistake: RequestError | None = None

    def check_announced(self) -> None:
        """Raise RequestError for a body that says itself that it is too large, and that nobody is sending yet."""
        headers = dict(self.scope["headers"])
        announced = headers.get(b"content-length", b"0")
        too_large = announced.isdigit() and int(announced) > self._max_body
        if too_large and (b"expect" in headers or int(announced) > DRAINED):
            raise self._too_large()

    async def receive(self) -> Message:
        """Return the next part of the body; raise RequestError where it is too large, too slow, or one too many."""
        message = await self._next_part()
        if self.received > self._max_body:
            await self.drain()
            raise self._too_large()
        size = len(message.get("body", b""))
        self.kept += size
        self._held.bytes += size
        if size and self._held.bytes > MOST_HELD:
            await self.drain()
            raise self._bad_body(503, "too many bodies are coming at once: ask again in 1 s", LATER)
        return message

    async def drain(self) -> None:
        """Read on what a client is sending, so that it comes to see the answer."""
        headers = dict(self.scope["headers"])
        coming = b"content-length" in headers or b"transfer-encoding" in headers
        while coming and b"expect" not in headers and not self._whole and self.received < DRAINED:
            await self._next_part()

    async def send(self, message: Message) -> None:
        """Send a part of the answer, unless the body was refused and the guard will answer."""
        if self._mistake:
            raise self._mistake
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.sent += len(message.get("body", b""))
        await self._send(message)

    async def fail(self, error: Exception) -> None:
        """Answer with what went wrong; what no client can mend is told to the log alone."""
        self._mistake, mistake = None, self._mistake or error
        if isinstance(mistake, RequestError):
            response = failure(mistake.status, str(mistake), mistake.headers)
        else:
            log.error("%s failed", self.scope["path"], exc_info=error)
            response = failure(500, "the service failed; its log says why")
        await response(self.scope, self._receive, self.send)

    async def _next_part(self) -> Message:
        if self._whole:
            return await self._receive()
        left = BODY_SECONDS - (time.perf_counter() - self.started)
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError:
            raise self._bad_body(408, f"the body did not come within {BODY_SECONDS} s") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.received += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message

    def _too_large(self) -> RequestError:
        return self._bad_body(413, f"the body has more than {self._max_body:,} bytes")

    def _bad_body(self, status: int, message: str, headers: dict[str, str] = CLOSE) -> RequestError:
        self._mistake = RequestError(status, message, headers)
        return self._mistake
