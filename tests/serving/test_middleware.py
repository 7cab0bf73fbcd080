"""Bodies over a real socket: refusals that reach the client, clients that leave, stops, and returned memory."""

import asyncio
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.serving.middleware import STOPPING_SECONDS, RequestMiddleware
from bearcat.serving.protocol import MAX_CROPS, RequestError, error_response
from tests.helpers.services import DARK, LIGHT, Running, make_work, png, running, to_base64

MEGABYTE = 2**20
POST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"
IMAGE_PART = b'--x\r\nContent-Disposition: form-data; name="img"\r\n\r\n'
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for another process")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    work = make_work(tmp_path_factory.mktemp("service") / "work", fast={}, slow={"work": 60})
    with running(work, "--no-page") as service:
        yield service


def connect(service: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=60)


def answer_of(connection: socket.socket) -> tuple[int, dict]:
    """Returns the status and the fields of the answer."""
    received = b""
    while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < length_of(received):
        part = connection.recv(65536)
        assert part, "the connection was closed before the answer"
        received += part
    return int(received.split()[1]), json.loads(received.partition(b"\r\n\r\n")[2])


def length_of(answer: bytes) -> int:
    return int(re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)[1])


def wait_until(check: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


REFUSED_EARLY = {
    "a part without a name": b"--x\r\nContent-Disposition: form-data\r\n\r\n",
    "too many parts": (IMAGE_PART + b"a\r\n") * 81,
    "no part": b"-" * 100,
    "an invalid header": b"--x\r\nContent Disposition: form-data\r\n\r\n",
}


@pytest.mark.parametrize("keep", [True, False])  # a connection that is closed too early is reset
@pytest.mark.parametrize("name", REFUSED_EARLY)
def test_the_refusal_of_an_early_part_reaches_a_client_that_sends_the_rest_first(
    service: Running, name: str, keep: bool
):
    start, rest = REFUSED_EARLY[name], b"x" * (7 * MEGABYTE)
    close = b"" if keep else b"Connection: close\r\n"
    head = POST + MULTIPART + close + f"Content-Length: {len(start) + len(rest)}\r\n\r\n".encode()
    with connect(service) as connection:
        connection.sendall(head + start)
        for begin in range(0, len(rest), MEGABYTE):
            connection.sendall(rest[begin : begin + MEGABYTE])
        status, answer = answer_of(connection)
        assert (status, answer["return_code"]) == (400, 400)
        if keep:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert answer_of(connection)[0] == 200


@pytest.mark.parametrize("charset", ["punycode", "idna"])
def test_a_form_in_a_slow_charset_is_refused(service: Running, charset: str):
    body = IMAGE_PART + b"a" * 100_000 + b"-" + b"b" * 100_000 + b"\r\n--x--\r\n"
    answer = service.post(data=body, headers={"content-type": f"multipart/form-data; boundary=x; charset={charset}"})
    assert (answer.status_code, answer.json()["return_code"]) == (415, 415)


@pytest.mark.parametrize(
    ("images", "grid", "cells"), [(1, "20x20", 400), (MAX_CROPS // 4, "1x5", 5), (2, f"1x{MAX_CROPS}", MAX_CROPS)]
)
def test_a_request_has_a_bounded_number_of_cells(service: Running, images: int, grid: str, cells: int):
    image = to_base64(png(size=(1600, 100)))
    answer = service.post(json={"img": [image] * images, "grid": grid})
    assert (answer.status_code, answer.json()["return_code"]) == (400, 400)
    assert f"{images} × {cells} images and cells: at most {MAX_CROPS}" in answer.json()["return_info"]
    answers = service.post(json={"img": [image] * 4, "grid": f"2x{MAX_CROPS // 8}"}).json()["results"]
    assert [len(one["result"]) for one in answers] == [MAX_CROPS // 4] * 4


def queue_length(service: Running) -> float:
    return float(re.search(r"^bearcat_queue_length (\S+)$", service.get("/metrics").text, re.MULTILINE)[1])


def send_json(connection: socket.socket, fields: dict) -> None:
    body = json.dumps(fields).encode()
    connection.sendall(POST + f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_jobs_of_clients_that_left_are_dropped(service: Running):
    image = to_base64(png(size=(400, 400)))
    with connect(service) as connection:
        send_json(connection, {"img": [image] * 64, "grid": "2x2", "model": "slow"})
        wait_until(lambda: queue_length(service) > 100, "the cells count in the queue")
    service.wait_for_log(r"POST / 499 .* slow")
    wait_until(lambda: queue_length(service) == 0, "the jobs were not dropped")
    assert service.post(data={"img": LIGHT}).json()["result"] == "b"


def respond(app: ASGIApp, receive: Receive, *headers: tuple[bytes, bytes]) -> tuple[list[Message], list[int]]:
    """Returns what is sent in answer to a request to an app, and the statuses that are logged."""
    sent: list[Message] = []
    statuses: list[int] = []

    async def send(message: Message) -> None:
        sent.append(message)

    checked = RequestMiddleware(app, 100, None, {}, lambda status, model, seconds: statuses.append(status))
    scope = {"type": "http", "asgi": {"spec_version": "2.3"}, "method": "POST", "path": "/", "headers": [*headers]}
    asyncio.run(checked(scope, receive, send))
    return sent, statuses


async def leave() -> Message:
    return {"type": "http.disconnect"}


async def raise_in_a_group(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await Request(scope, receive).body()
    except ClientDisconnect as error:
        raise ExceptionGroup("tasks", [ValueError("another"), error]) from None


async def raise_another(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await Request(scope, receive).body()
    except ClientDisconnect as error:
        raise RuntimeError("the response has started") from error


async def answer_nevertheless(scope: Scope, receive: Receive, send: Send) -> None:
    with suppress(ClientDisconnect):
        await Request(scope, receive).body()
    await PlainTextResponse("Internal Server Error", 500)(scope, receive, send)


@pytest.mark.parametrize("app", [raise_in_a_group, raise_another, answer_nevertheless])
def test_a_client_that_leaves_is_no_failure_of_the_service(app: ASGIApp, caplog: pytest.LogCaptureFixture):
    assert respond(app, leave, (b"expect", b"100-continue"))[1] == [499]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def parts(count: int) -> Receive:
    """Returns a receive function for a body in parts of 80 bytes."""
    left = [80] * count

    async def receive() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"a" * (left.pop() if left else 0), "more_body": bool(left)}

    return receive


def test_a_large_body_is_refused_once_if_one_task_of_the_app_answers_while_another_reads():
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answering = asyncio.create_task(PlainTextResponse("a")(scope, receive, send))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except RequestError as error:
            await asyncio.wait([answering])
            assert isinstance(answering.exception(), RequestError)
            await error_response(error.status, str(error))(scope, receive, send)

    sent, statuses = respond(app, parts(5), (b"transfer-encoding", b"chunked"))
    assert statuses == [413]
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [413]


def test_a_large_body_is_not_refused_once_the_answer_has_begun():
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.body", "body": b"a"})

    sent, statuses = respond(app, parts(3), (b"expect", b"100-continue"))
    assert statuses == [200]
    assert sent[-1]["body"] == b"a"


@ON_POSIX
def test_a_stop_does_not_wait_for_a_body_that_does_not_arrive(tmp_path: Path):
    # a minute for bodies is more than the whole grace
    with running(make_work(tmp_path / "work", captcha={}), "--no-page", script=True) as service:
        with connect(service) as connection:
            connection.sendall(POST + MULTIPART + b"Content-Length: 9999\r\n\r\n" + IMAGE_PART)
            with connect(service) as other:
                send_json(other, {"img": DARK})
                assert answer_of(other)[0] == 200  # so the first request has reached the service
            service.process.send_signal(signal.SIGTERM)
            status, answer = answer_of(connection)
            assert (status, answer["return_code"]) == (503, 503)
            assert "stopping" in answer["return_info"]
        assert service.process.wait(60) == 0
    assert STOPPING_SECONDS <= 15


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's malloc has settings for what it gives back")
def test_memory_of_large_bodies_and_grids_is_given_back(tmp_path: Path):
    large = {"data": "img=" + "%80" * (2 * MEGABYTE), "headers": {"content-type": "application/x-www-form-urlencoded"}}
    upload = {"files": {"img": ("a.png", b"x" * (7 * MEGABYTE))}}
    cells = {"json": {"img": to_base64(png(size=(400, 400))), "grid": "16x16"}}
    with running(make_work(tmp_path / "work", captcha={}), "--no-page") as service:
        process = psutil.Process(service.process.pid)
        for request in ({"data": {"img": DARK}}, cells):
            assert service.post(**request).status_code == 200
        before = process.memory_info().rss
        for request in [large, upload, cells] * 3:
            service.post(**request)
        wait_until(lambda: process.memory_info().rss < before + 50 * MEGABYTE, "the memory is kept")
