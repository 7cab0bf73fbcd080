"""The middleware around every request: origin, token, methods, limits of the body, access log, and metrics."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.serving.auth import WRONG_TOKEN_SECONDS, TokenCheck
from bearcat.serving.protection.same_origin import SECURITY_HEADERS, OriginCheck, raw_headers, with_headers
from bearcat.serving.protocol import RequestError, error_response

MAX_BODY = 8 * 2**20  # bytes
BODY_SECONDS = 30  # in which a body must arrive
STOPPING_SECONDS = 5  # in which a body must arrive after the service was asked to stop
MAX_DRAINED = 64 * 2**20  # bytes of a refused body that are still read: a client sees no answer while it sends
MAX_BODY_MEMORY = 2**28  # bytes that all bodies, and what parsing makes of them, take at a time
CLIENT_CLOSED = 499  # logged if a client leaves before its answer, as nginx does
PUBLIC_PATH = "/health"  # needs no token
CLOSE = {"Connection": "close"}
RETRY = {"Retry-After": "1"}
MODEL_KEY = "bearcat.model"  # of the ASGI scope: the name of the model that answers
MEMORY_KEY = "bearcat.memory"  # of the ASGI scope: the BodyMemory of the request

log = logging.getLogger("bearcat.requests")
OnRequest = Callable[[int, str, float], object]


class Bodies:
    """The bodies of all open requests: the memory that they take, and those that have not arrived yet."""

    def __init__(self):
        self.used = 0  # bytes
        self.latest = math.inf  # time of the event loop at which they must have arrived since the service stops
        self.arriving: set[asyncio.Timeout] = set()

    def stop(self) -> None:
        """Gives bodies that have not arrived little time, so that the service can stop; called in the event loop."""
        self.latest = asyncio.get_running_loop().time() + STOPPING_SECONDS
        for timeout in self.arriving:
            timeout.reschedule(min(timeout.when() or self.latest, self.latest))


class BodyMemory:
    """The memory that the body of one request takes, of what all may take."""

    def __init__(self, bodies: Bodies):
        self._bodies = bodies
        self.held = 0

    def hold(self, size: int) -> None:
        """Changes the number of bytes that this request holds.

        Raises:
            RequestError: 503, if all requests then hold too much; one alone may hold any number.
        """
        more = size - self.held
        self._bodies.used += more
        self.held = size
        if more > 0 and self._bodies.used > max(MAX_BODY_MEMORY, size):
            raise RequestError(503, "too many large requests at once: try again in 1 s", RETRY)


class RequestMiddleware:
    """Checks requests before the app sees them, limits their bodies, and logs and counts them.

    Everything that it refuses, and every exception, is answered in the form of the contract.

    Args:
        app: The app to protect.
        max_body: Largest accepted body, in bytes.
        token: Check of the token, None to accept everybody.
        methods: Allowed methods of each path; paths that are not listed are left to the app.
        on_request: Called with status, model name and seconds after every request.
        bodies: Where the bodies of all requests are counted.
        origin: Check of host name and origin, None to accept all.
        headers: Added to every response that has no such header itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body: int,
        token: TokenCheck | None,
        methods: Mapping[str, tuple[str, ...]],
        on_request: OnRequest = lambda status, model, seconds: None,
        bodies: Bodies | None = None,
        origin: OriginCheck | None = None,
        headers: Mapping[str, str] = SECURITY_HEADERS,
    ):
        self.app = app
        self.max_body = max_body
        self.token = token
        self.methods = methods
        self.on_request = on_request
        self.origin = origin
        self._headers = raw_headers(headers)
        self._bodies = bodies or Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})  # no route speaks it
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = _Exchange(scope, receive, with_headers(send, self._headers), self.max_body, self._bodies)
        try:
            await self._respond(scope, exchange)
        except ClientDisconnect:
            exchange.status = exchange.status or CLIENT_CLOSED
        except Exception as error:
            if _is_departure(error):  # a library raised something else, or several, when the client left
                exchange.status = exchange.status or CLIENT_CLOSED
            elif exchange.status:
                raise  # part of the answer has been sent: the server closes the connection
            else:
                await exchange.send_error(error)
        except asyncio.CancelledError:
            exchange.status = exchange.status or CLIENT_CLOSED
            raise
        finally:
            exchange.memory.hold(0)
            self._log(exchange)

    async def _respond(self, scope: Scope, exchange: "_Exchange") -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            exchange.check_content_length()
            return await self.app(scope, exchange.receive, exchange.send)
        await exchange.drain()
        if refusal.status_code == 401 and self.token and self.token.is_wrong(scope):
            await asyncio.sleep(WRONG_TOKEN_SECONDS)  # slows down guessing
        await refusal(scope, exchange.receive, exchange.send)

    def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if self.token and path != PUBLIC_PATH and not self.token.allows(scope):
            return self.token.response(scope)
        methods = self.methods.get(path)
        if methods and scope["method"] not in methods:
            allowed = ", ".join(methods)
            return error_response(405, f"{path} accepts {allowed}, not {scope['method']}", {"Allow": allowed})
        reason = self.origin.refusal(scope) if self.origin else ""
        return error_response(403, reason) if reason else None

    def _log(self, exchange: "_Exchange") -> None:
        seconds, model = time.perf_counter() - exchange.started, exchange.scope.get(MODEL_KEY, "")
        self.on_request(exchange.status, model, seconds)
        path = ascii(exchange.scope["path"][:80])[1:-1]  # no query, which may hold the token, and no line breaks
        log.info(
            "%s %s %d %.1f ms %d B in %d B out %s",
            exchange.scope["method"],
            path,
            exchange.status,
            seconds * 1000,
            exchange.received,
            exchange.sent,
            model or "-",
        )


def _is_departure(error: BaseException) -> bool:
    """Whether an error comes from a client that has left: is caused by it, or is one of a group."""
    errors, seen = [error], set()
    while errors:
        error = errors.pop()
        if isinstance(error, ClientDisconnect):
            return True
        if id(error) not in seen:
            seen.add(id(error))
            errors += getattr(error, "exceptions", ())
            errors += filter(None, (error.__cause__, error.__context__))
    return False


class _Exchange:
    """One request and its response: counts bytes, limits the body, and replaces the app's answer to a bad body."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body: int, bodies: Bodies):
        self.scope = scope
        self.started = time.perf_counter()
        self._deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        self.status = self.received = self.sent = 0
        self._receive, self._send = receive, send
        self._max_body = max_body
        self._bodies = bodies
        self.memory = scope[MEMORY_KEY] = BodyMemory(bodies)
        self._complete = self._has_left = False
        self._error: RequestError | None = None

    def check_content_length(self) -> None:
        """Refuses a body by its announced length if the client is not sending it yet, or if it is too long to drain.

        Raises:
            RequestError: 413.
        """
        length = self._content_length()
        if length > self._max_body and (b"expect" in dict(self.scope["headers"]) or length > MAX_DRAINED):
            raise self._too_large()

    async def receive(self) -> Message:
        """Returns the next part of the body.

        Raises:
            RequestError: The body is too large (413) or too slow (408), or all bodies fill the memory (503).
        """
        try:
            return await self._bounded_part()
        except RequestError:
            if not self.status:
                raise
            self._error = None  # the answer has begun: nothing can be refused any more
            return {"type": "http.disconnect"}

    async def _bounded_part(self) -> Message:
        message = await self._next_part()
        if self.received > self._max_body:
            await self.drain()
            raise self._too_large()
        try:
            self.memory.hold(self.memory.held + len(message.get("body", b"")))
        except RequestError as error:
            self._error = error
            await self.drain()
            raise
        return message

    async def drain(self) -> None:
        """Reads the rest of a refused body, so that the client gets to read the answer."""
        if self._complete:
            return
        headers = dict(self.scope["headers"])
        has_body = b"content-length" in headers or b"transfer-encoding" in headers
        if not has_body or b"expect" in headers or self._content_length() > MAX_DRAINED:
            return
        while not self._complete and self.received < MAX_DRAINED:
            await self._next_part()

    async def send(self, message: Message) -> None:
        """Sends a part of the response, unless the body was refused: then the middleware answers."""
        if self._error:
            raise self._error
        if message["type"] == "http.response.start":
            try:
                await self.drain()
            except RequestError:
                self._error = None  # it is too slow: the answer comes without the rest
            if self._error:
                raise self._error  # another task of the app received what is refused meanwhile
            self.status = CLIENT_CLOSED if self._has_left else message["status"]  # a library may still answer
        self.sent += len(message.get("body", b""))
        await self._send(message)

    async def send_error(self, error: Exception) -> None:
        """Answers with an error; details of a failure go to the log only."""
        self._error, cause = None, self._error or error
        if isinstance(cause, RequestError):
            response = error_response(cause.status, str(cause), cause.headers)
        else:
            log.error("%s failed", self.scope["path"], exc_info=error)
            response = error_response(500, "the service failed; see its log")
        await response(self.scope, self._receive, self.send)

    async def _next_part(self) -> Message:
        if self._complete:
            return await self._receive()
        timeout = asyncio.timeout_at(min(self._deadline, self._bodies.latest))
        try:
            async with timeout:
                self._bodies.arriving.add(timeout)
                message = await self._receive()
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._bodies.arriving.discard(timeout)
        if message["type"] == "http.disconnect":
            self._has_left = True
            raise ClientDisconnect
        self.received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        return message

    def _content_length(self) -> int:
        """Returns the announced length of the body, 0 without one."""
        length = dict(self.scope["headers"]).get(b"content-length", b"0")
        return int(length) if length.isdigit() else 0

    def _too_slow(self) -> RequestError:
        if self._bodies.latest < math.inf:
            return self._bad_body(503, "the service is stopping, and the body did not arrive in time")
        return self._bad_body(408, f"the body did not arrive within {BODY_SECONDS} s")

    def _too_large(self) -> RequestError:
        return self._bad_body(413, f"the body has more than {self._max_body:,} bytes")

    def _bad_body(self, status: int, message: str, headers: dict[str, str] = CLOSE) -> RequestError:
        self._error = RequestError(status, message, headers)
        return self._error
