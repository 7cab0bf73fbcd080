"""Bodies over a real socket: refusals that reach the client, clients that leave, stops, and returned memory."""

import json
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bearcat.serving.middleware import STOPPING_SECONDS
from bearcat.serving.protocol import MAX_CROPS
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
