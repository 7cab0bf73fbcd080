"""Bounds on connections, over real sockets: heads, their number, clients that do not read, and the end of a service."""

import asyncio
import contextlib
import json
import logging
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from bearcat.serving.protection import connections
from bearcat.serving.protection.connections import BoundedProtocol, ConnectionPool, warn_rarely_of_accept_errors
from bearcat.serving.protocol import ANSWER_FIELDS
from tests.helpers.services import make_work, running

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
SECONDS = 30  # after which a test gives up
LARGE = b"x" * 2**20

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class App:
    """An app that reads the body and answers "hello", or 64 MiB under /large; notes what has happened."""

    def __init__(self):
        self.events: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope, receive, send) -> None:
        self.events.append("asked")
        message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
        if message["type"] == "http.disconnect":
            return self.events.append("left")
        await self.may_answer.wait()
        if scope["path"] != "/large":
            return await PlainTextResponse("hello")(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(64):
            await send({"type": "http.response.body", "body": LARGE, "more_body": number < 63})
        self.events.append("sent")


@asynccontextmanager
async def serving(app: App, limit: int = 100) -> AsyncIterator[tuple[Callable[[], Awaitable[Talk]], ConnectionPool]]:
    """Serves an app; yields what opens a connection to it, and the pool of connections."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    config.load()
    pool = ConnectionPool(limit)
    make = partial(BoundedProtocol, config=config, server_state=ServerState(), app_state={}, pool=pool)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    watching = asyncio.create_task(pool.watch())
    try:
        yield partial(asyncio.open_connection, *server.sockets[0].getsockname()), pool
    finally:
        watching.cancel()
        server.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Runs a test's coroutine, for a limited time."""
    asyncio.run(asyncio.wait_for(test(), SECONDS))


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch):
    for name in ("HEAD_SECONDS", "WRITE_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(connections, name, 0.2)
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.05)


async def exchange(connect: Callable[[], Awaitable[Talk]], *parts: bytes, pause: float = 0.0) -> bytes:
    """Sends parts and returns everything that is answered until the service closes the connection."""
    reader, writer = await connect()
    answer = asyncio.create_task(reader.read())
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
        if answer.done():
            break
    received = await answer
    writer.close()
    return received


def check_error(answer: bytes, status: int) -> str:
    """Checks that an answer has this status and the form of the contract; returns its message."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"\r\nconnection: close" in head
    assert b"\r\nx-content-type-options: nosniff" in head
    fields = json.loads(body)
    assert fields["return_code"] == status
    assert [fields[field] for field in ANSWER_FIELDS] == [None] * 4
    return fields["return_info"]


def test_an_app_that_asks_for_the_body_of_a_refused_request_gets_to_know_that_it_never_comes(
    caplog: pytest.LogCaptureFixture,
):
    async def test() -> None:
        app = App()
        async with serving(app) as (connect, _):
            head = POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = await exchange(connect, head + b"no number\r\n")
            check_error(answer, 400)
            assert app.events == ["asked", "left"]

    asyncio.run(asyncio.wait_for(test(), SECONDS))
    assert "Exception" not in caplog.text  # uvicorn's "100 Continue" after the end of the answer


MUCH = b"a" * (connections.MAX_HEAD + 1)
LARGE_HEADS = {
    "one header": [GET, b"X: " + MUCH, MUCH * 5],
    "one header in one piece": [GET + b"X: " + MUCH + b"\r\n\r\n"],
    "many headers": [GET, *[b"X: y\r\n" * 2000] * 10],
    "a path": [b"GET /", MUCH, MUCH * 5],
    "a method": [MUCH],
    "blank lines": [b"\r\n" * 1000] * 100,
    "trailers": [POST, b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", b"X: " + MUCH, MUCH * 5],
    "a chunk's extension": [POST, b"Transfer-Encoding: chunked\r\n\r\n2;a=", MUCH, MUCH * 5],
}


@pytest.mark.parametrize("name", LARGE_HEADS)
def test_a_head_that_is_too_large_is_refused_before_it_is_complete(name: str):
    async def test() -> None:
        app = App()
        async with serving(app) as (connect, _):
            answer = await exchange(connect, *LARGE_HEADS[name])
            if name == "a method":
                check_error(answer, 400)
            else:
                assert "65,536 bytes" in check_error(answer, 431)
            assert (await exchange(connect, GET + b"Connection: close\r\n\r\n")).endswith(b"hello")
            assert app.events[-1] == "asked"
            assert app.events.count("asked") == 1 + (b"chunked" in b"".join(LARGE_HEADS[name]))

    run(test)


def test_a_large_body_after_its_head_in_one_piece_is_no_large_head():
    async def test() -> None:
        async with serving(App()) as (connect, _):
            request = POST + b"Content-Length: 200000\r\nConnection: close\r\n\r\n" + b"x" * 200_000
            assert (await exchange(connect, request)).endswith(b"hello")

    run(test)


SLOW_HEADS = {
    "half a head": [GET],
    "one that trickles": [GET, *[b"X: y\r\n"] * 1000],
    "blank lines that trickle": [b"\r\n"] * 1000,
    "half a second head": [GET + b"\r\n", GET],
    "trickling blank lines after a request": [GET + b"\r\n", *[b"\r\n"] * 1000],
}


@pytest.mark.parametrize("name", SLOW_HEADS)
def test_a_head_that_does_not_arrive_in_time_is_408(name: str):
    async def test() -> None:
        async with serving(App()) as (connect, _):
            answer = await exchange(connect, *SLOW_HEADS[name], pause=0.03)
            first, found, last = answer.rpartition(b"HTTP/1.1 408")
            assert "did not arrive" in check_error(found + last, 408)
            assert first.endswith(b"hello" if "second" in name or "after" in name else b"")

    run(test)


def test_a_connection_that_says_nothing_is_closed_without_an_answer():
    async def test() -> None:
        async with serving(App()) as (connect, _):
            assert await exchange(connect) == b""

    run(test)


def test_half_a_head_sent_ahead_does_not_end_the_request_before_it():
    async def test() -> None:
        app = App()
        app.may_answer.clear()
        async with serving(app) as (connect, _):
            talk = asyncio.create_task(exchange(connect, GET + b"\r\n" + GET))
            await asyncio.sleep(4 * connections.HEAD_SECONDS)
            app.may_answer.set()
            assert (await talk).endswith(b"hello")

    run(test)


def test_bytes_that_are_not_http_are_400():
    async def test() -> None:
        async with serving(App()) as (connect, _):
            assert check_error(await exchange(connect, b"\x16\x03\x01\x00\xff\r\n\r\n"), 400)
            broken = POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
            assert check_error(await exchange(connect, broken), 400)

    run(test)


def test_a_body_after_an_upgrade_is_refused_and_a_request_without_one_is_answered():
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"

    async def test() -> None:
        app = App()
        async with serving(app) as (connect, _):
            answer = await exchange(connect, POST + upgrade + b"Content-Length: 3\r\n\r\nabc")
            assert "Version.HTTP_1_1" in check_error(answer, 400)
            assert app.events == []
            reader, writer = await connect()
            writer.write(GET + upgrade + b"\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
            writer.close()

    run(test)


def test_too_many_requests_ahead_of_their_answers_end_the_connection():
    async def test() -> None:
        app = App()
        app.may_answer.clear()
        async with serving(app) as (connect, _):
            _, writer = await connect()
            writer.write((GET + b"\r\n") * 5000)
            with pytest.raises(ConnectionError):
                while True:
                    await writer.drain()
                    writer.write(b"GET")
                    await asyncio.sleep(0.01)
            assert app.events == ["asked"]
            app.may_answer.set()
            few = (GET + b"\r\n") * 9 + GET + b"Connection: close\r\n\r\n"
            assert (await exchange(connect, few)).count(b"hello") == 10

    run(test)


def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", SECONDS)

    async def test() -> None:
        app = App()
        async with serving(app, limit=3) as (connect, pool):
            first, second, third = [await connect() for _ in range(3)]
            for _, writer in (first, second, third):
                writer.write(GET)
            while len(pool) < 3:
                await asyncio.sleep(0.01)
            assert (await exchange(connect, GET + b"Connection: close\r\n\r\n")).endswith(b"hello")
            with contextlib.suppress(ConnectionError):  # reset, or closed
                assert await first[0].read() == b""
            for _, writer in (second, third):
                writer.write(b"Connection: close\r\n\r\n")
            assert [(await reader.read())[-5:] for reader, _ in (second, third)] == [b"hello"] * 2

    run(test)


def test_a_connection_too_many_is_503_if_all_others_are_busy():
    async def test() -> None:
        app = App()
        app.may_answer.clear()
        async with serving(app, limit=2) as (connect, pool):
            talks = [asyncio.create_task(exchange(connect, GET + b"Connection: close\r\n\r\n")) for _ in range(2)]
            while len(app.events) < 2:
                await asyncio.sleep(0.01)
            for _ in range(5):
                answer = await exchange(connect, GET + b"\r\n")
                assert "too many connections" in check_error(answer, 503)
                assert b"retry-after: 1\r\n" in answer
                assert len(pool) <= 3
            app.may_answer.set()
            assert [answer[-5:] for answer in await asyncio.gather(*talks)] == [b"hello"] * 2

    run(test)


def test_a_client_that_does_not_read_is_dropped():
    async def test() -> None:
        app = App()
        async with serving(app) as (connect, pool):
            _, writer = await connect()  # its reader stops reading at 128 KiB
            writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while "asked" not in app.events or len(pool):
                await asyncio.sleep(0.01)
            writer.close()
            answer = await exchange(connect, b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert len(answer) > 64 * len(LARGE)  # who reads gets all

    run(test)


def test_slow_bodies_are_refused_when_the_service_has_waited_half_its_time_to_stop():
    async def test() -> None:
        app = App()
        async with serving(app) as (connect, pool):
            slow = asyncio.create_task(exchange(connect, POST + b"Content-Length: 99\r\n\r\n{"))
            while "asked" not in app.events:
                await asyncio.sleep(0.01)
            app.may_answer.clear()
            busy = asyncio.create_task(exchange(connect, GET + b"Connection: close\r\n\r\n"))
            while app.events.count("asked") < 2:
                await asyncio.sleep(0.01)
            pool.stop_waiting()
            assert "stopping" in check_error(await slow, 503)
            assert "left" in app.events
            app.may_answer.set()
            assert (await busy).endswith(b"hello")

    run(test)


def test_repeated_shortages_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    async def test() -> None:
        loop = asyncio.get_running_loop()
        warn_rarely_of_accept_errors(loop)
        context = {"message": connections.ACCEPT_ERROR, "exception": OSError(24, "Too many open files")}
        for _ in range(1000):
            loop.call_exception_handler(context)
        monkeypatch.setattr(connections, "QUIET_SECONDS", 0)
        loop.call_exception_handler(context)
        loop.call_exception_handler({"message": "something else"})

    with caplog.at_level(logging.WARNING):
        asyncio.run(test())
    first, second, other = (record.getMessage() for record in caplog.records)
    assert first == "cannot accept connections: [Errno 24] Too many open files"
    assert second == f"{first} (999 more times since the last message)"
    assert other == "something else"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not limit descriptors")
def test_a_service_with_few_descriptors_survives_many_half_heads(tmp_path: Path):
    few = ("bash", "-c", 'ulimit -Sn 64; ulimit -Hn 100; exec "$0" "$@"')
    with running(make_work(tmp_path / "work", first={}), "--no-page", prefix=few) as service:
        assert service.get("/health").status_code == 200
        limits = Path(f"/proc/{service.process.pid}/limits")
        if limits.exists():
            assert re.search(r"^Max open files +100 +100 ", limits.read_text(), re.MULTILINE)
        script = (
            f"import socket\nopen_ = [socket.create_connection(('127.0.0.1', {service.port})) for _ in range(300)]\n"
            "for one in open_:\n    one.send(b'GET / HTTP/1.1\\r\\n')\nprint(flush=True)\ninput()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as attacker:
            attacker.stdout.readline()
            assert [service.get("/health").status_code for _ in range(20)] == [200] * 20
            attacker.communicate(b"\n", timeout=SECONDS)
        lines = [line for line in service.log().splitlines() if "GET /health" not in line]
        assert len(lines) <= 3, lines
