"""Bounds on connections: their number, size and time of a request's head, and time to take an answer.

uvicorn has none of these; its protocol on httptools is extended here.
"""

import asyncio
import contextlib
import logging
import sys
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bearcat.serving.protection.same_origin import SECURITY_HEADERS
from bearcat.serving.protocol import error_response

MAX_CONNECTIONS = 1000
MAX_HEAD = 2**16  # bytes of a request's first line and headers
HEAD_SECONDS = 10  # in which a head must arrive
WRITE_SECONDS = 30  # for which a client may take nothing of an answer
MAX_PIPELINED = 16  # requests that a connection may send ahead of their answers
LINGER_SECONDS = 2  # for which a refused client may go on sending: closing at once could lose the answer
SWEEP_SECONDS = 0.5
DESCRIPTORS = 4096  # open files asked of the system
QUIET_SECONDS = 60  # between two log lines about the same shortage
ACCEPT_ERROR = "socket.accept() out of system resource"  # of asyncio

log = logging.getLogger("bearcat.serving.connections")


HEAD_TOO_LARGE = (431, f"the head of the request has more than {MAX_HEAD:,} bytes")
HEAD_TOO_SLOW = (408, f"the head of the request did not arrive within {HEAD_SECONDS} s")
TOO_MANY_AHEAD = (400, f"more than {MAX_PIPELINED} requests were sent ahead of their answers: wait for the answers")
# as Java's HttpClient does by default; the parser ignores the body after it
UPGRADE = (400, "another protocol is asked for (Upgrade): send the body in plain HTTP/1.1, in Java by Version.HTTP_1_1")
NOT_HTTP = (400, "the request is not valid HTTP")
TOO_MANY = (503, "too many connections: try again in 1 s")
STOPPING = (503, "the service is stopping: send the request again in 1 s")


class BoundedProtocol(HttpToolsProtocol):
    """A connection with a client.

    Args:
        args, options: As uvicorn passes them.
        pool: The connections of this process.
    """

    def __init__(self, *args: Any, pool: "ConnectionPool", **options: Any):
        super().__init__(*args, **options)
        self._pool = pool
        self._waiting_since = 0.0  # since when no request is in progress
        self._head_since: float | None = None  # when the awaited head began, None if none is awaited
        self._has_begun = False  # whether any byte of that head has come
        self._made_progress = False  # whether the last bytes completed a head, or were of a body
        self._without_progress = 0  # bytes since then
        self._unread_since = 0.0  # since when the client has taken nothing of what waits to be sent
        self._unread = 0  # bytes that wait to be sent
        self._linger_until = 0.0  # when a refused connection is closed, 0 if it was not refused
        self._problem = NOT_HTTP  # what is answered if the parser stops

    @property
    def is_waiting(self) -> bool:
        """Whether no request is in progress."""
        return bool(self._linger_until) or self.cycle is None or self.cycle.response_complete

    @property
    def waiting_since(self) -> float:
        """The time since which no request is in progress."""
        return self._waiting_since

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Adds the connection to the pool, or refuses it."""
        super().connection_made(transport)
        self._waiting_since = self._unread_since = self._head_since = self.loop.time()
        if not self._pool.add(self):
            self.refuse(*TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Removes the connection from the pool."""
        self._pool.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what has come, and refuses a head (or trailers) that go on too long."""
        if self._linger_until:
            return
        self._made_progress = False
        super().data_received(data)
        self._without_progress = 0 if self._made_progress else self._without_progress + len(data)
        if not self._made_progress and (self.cycle is None or not self.cycle.more_body):
            self._begin_head()  # line breaks before a head, of which the parser says nothing, count too
        if self._without_progress > MAX_HEAD:
            self.refuse(*HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Notes when a head began."""
        super().on_message_begin()
        self._made_progress = True
        self._begin_head()

    def on_headers_complete(self) -> None:
        """Passes a request on, unless its head is too large or too many were sent ahead."""
        self._made_progress, self._has_begun, self._head_since = True, False, None
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD:
            self._stop_parser(HEAD_TOO_LARGE)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parser(TOO_MANY_AHEAD)
        if self.parser.should_upgrade() and self.parser.get_method() == b"POST":
            self._stop_parser(UPGRADE)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Notes that a part of a body came."""
        self._made_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Notes that a request came to its end."""
        self._made_progress = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Notes that the connection waits again."""
        self._waiting_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers in the form of the contract; uvicorn calls this if its parser stops."""
        self.refuse(*self._problem)

    def refuse(self, status: int, message: str) -> None:
        """Answers with an error if that is still possible, and closes the connection."""
        if self._linger_until or self.transport.is_closing():
            return
        answering, self._linger_until = self.cycle, self.loop.time() + LINGER_SECONDS
        if self.pipeline or (answering and answering.response_started and not answering.response_complete):
            return self.transport.abort()  # in the middle of another answer
        if answering and not answering.response_complete:
            answering.disconnected = True  # the app gets to know, and sends nothing any more
            answering.waiting_for_100_continue = False  # nor does uvicorn when the app asks for the body
            answering.message_event.set()
        retry = {"retry-after": "1"} if status == 503 else {}
        response = error_response(status, message, {"connection": "close", **retry, **SECURITY_HEADERS})
        headers = b"".join(b"%b: %b\r\n" % (name, value) for name, value in response.headers.raw)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], headers, bytes(response.body)))
        # reads on for a moment: if it closed at once, what the client still sends would reset the connection, and the
        # client would not see the answer
        self.transport.write_eof()
        self.flow.resume_reading()

    def check_times(self, now: float) -> None:
        """Closes the connection if its client is too slow."""
        if self._linger_until:
            if now > self._linger_until:
                self.transport.abort()
        elif self._head_since is not None and now - self._head_since > HEAD_SECONDS:
            self._end_waiting()
        elif (unread := self.transport.get_write_buffer_size()) != self._unread or not unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > WRITE_SECONDS:
            self.transport.abort()

    def stop(self) -> None:
        """Refuses a request whose body is still arriving; drops a client that only has to read, or reads nothing."""
        unread = self.transport.get_write_buffer_size()
        if self.is_waiting or (unread and unread == self._unread):
            self.transport.abort()
        elif self.cycle.more_body:
            self.refuse(*STOPPING)

    def _end_waiting(self) -> None:
        """Ends the wait for a head that takes too long."""
        self._head_since = None
        if not self.is_waiting:
            self.cycle.keep_alive = False  # the answer to the request before it comes first
        elif self._has_begun:
            self.refuse(*HEAD_TOO_SLOW)
        else:
            self.transport.close()

    def _begin_head(self) -> None:
        self._has_begun = True
        if self._head_since is None:
            self._head_since = self.loop.time()

    def _stop_parser(self, problem: tuple[int, str]) -> None:
        self._problem = problem
        raise ValueError(problem[1])  # httptools turns it into an error of the parser


class ConnectionPool:
    """The connections of a process; a new one takes the place of the one that has waited longest if there are many.

    Args:
        limit: Number of connections.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._connections: set[BoundedProtocol] = set()
        self._shortage = RareWarning()

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: BoundedProtocol) -> bool:
        """Adds a connection; returns whether there is room for its requests."""
        if len(self._connections) >= self._limit:
            self._drop_oldest()
        has_room = len(self._connections) < self._limit
        self._connections.add(connection)
        return has_room

    def discard(self, connection: BoundedProtocol) -> None:
        """Forgets a connection."""
        self._connections.discard(connection)

    def stop_waiting(self) -> None:
        """Ends what would keep a service that stops from finishing the other requests."""
        for connection in list(self._connections):
            connection.stop()

    async def watch(self) -> None:
        """Checks the times of all connections, for ever."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                connection.check_times(now)

    def _drop_oldest(self) -> None:
        """Closes the connection that has waited longest for a request."""
        self._shortage.warn(f"there are {self._limit} connections: new ones take the place of idle ones")
        waiting = (connection for connection in self._connections if connection.is_waiting)
        oldest = min(waiting, key=lambda connection: connection.waiting_since, default=None)
        if oldest is not None:
            oldest.transport.abort()
            self._connections.discard(oldest)


class RareWarning:
    """Logs a warning no more than once in QUIET_SECONDS, with the number of times that it was left out."""

    def __init__(self) -> None:
        self._left_out = 0
        self._logged_at: float | None = None

    def warn(self, message: str) -> None:
        """Logs a warning, or counts it."""
        now = time.monotonic()
        if self._logged_at is not None and now - self._logged_at < QUIET_SECONDS:
            self._left_out += 1
            return
        log.warning("%s%s", message, f" ({self._left_out} more times since the last message)" * bool(self._left_out))
        self._left_out, self._logged_at = 0, now


def warn_rarely_of_accept_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Replaces asyncio's tracebacks, thousands a second if no descriptor is left, by one line a minute."""
    shortage = RareWarning()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") == ACCEPT_ERROR:
            shortage.warn(f"cannot accept connections: {context.get('exception')}")
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def raise_descriptor_limit() -> int:
    """Raises the limit of open files as far as the system allows, up to DESCRIPTORS; returns the limit."""
    if sys.platform == "win32":
        return DESCRIPTORS  # sockets are not counted among files there
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return DESCRIPTORS
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has a limit below "unlimited"
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def make_pool() -> ConnectionPool:
    """Returns a pool that leaves a quarter of the process's descriptors for files."""
    return ConnectionPool(min(MAX_CONNECTIONS, raise_descriptor_limit() * 3 // 4))
