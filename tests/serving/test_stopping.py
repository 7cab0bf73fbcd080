"""Clients that are slow to send or to read are dropped at half of the time that the service has to stop."""

import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.services import Running, make_work, running

SECONDS = 60  # a safety net
STALLED_SECONDS = 1  # without a new answer: the client's and the system's buffers are full
# with other bounds so large or small that nothing but the time to stop ends a connection
PATIENT = """
import bearcat.serving.server
from bearcat.serving.protection import connections
bearcat.serving.server.SHUTDOWN_SECONDS = 4
bearcat.serving.middleware.BODY_SECONDS = bearcat.serving.middleware.STOPPING_SECONDS = 600
connections.WRITE_SECONDS = 600
connections.LINGER_SECONDS = 0.1
"""
TOO_LATE = "timeout graceful shutdown exceeded"  # logged by uvicorn at the end of the whole time
ASK = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
SEND = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"


def connect(service: Running) -> socket.socket:
    """Returns a connection for whose client the system keeps little."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(SECONDS)
    connection.connect(("127.0.0.1", service.port))
    return connection


def ask_until_stuck(service: Running, client: socket.socket) -> None:
    """Asks without reading an answer, until the service waits for the client."""
    asked, answered, since = 0, 0, time.monotonic()
    while time.monotonic() < since + STALLED_SECONDS:
        client.sendall(ASK * (8 + answered - asked))
        asked = answered + 8
        time.sleep(0.02)
        if answered != (answered := service.log_file.read_text(encoding="utf-8").count("GET /openapi.json")):
            since = time.monotonic()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for another process")
def test_slow_clients_do_not_take_all_of_the_time_to_stop(tmp_path: Path):
    with (
        running(make_work(tmp_path / "work", captcha={}), "--no-page", setup=PATIENT) as service,
        connect(service) as reader,
        connect(service) as sender,
    ):
        sender.sendall(SEND)
        ask_until_stuck(service, reader)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(SECONDS) == 0
        assert b"the service is stopping" in sender.recv(4096)
        assert TOO_LATE not in service.log()
