"""A model that never ends for some images: the client is answered, the threads are free again, the service stops."""

import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from bearcat.artifacts import run_guard
from bearcat.artifacts.inference import load_recogniser
from bearcat.core.errors import PredictionTimeoutError
from bearcat.serving.queue import available_cores
from bearcat.serving.server import predict_in_time
from tests.helpers.evil_models import write_endless
from tests.helpers.services import DARK, LIGHT, Running, make_work, png, running

SECONDS = 30  # a safety net, shorter than the limit that the tests do not change
SHORT = "import bearcat.artifacts.run_guard; bearcat.artifacts.run_guard.PREDICTION_SECONDS = 1"
QUICK_STOP = "import bearcat.serving.server; bearcat.serving.server.SHUTDOWN_SECONDS = 1"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work whose model never ends for a dark image."""
    work = make_work(tmp_path / "work")
    write_endless(work / "App_model" / "captcha.onnx", for_blank=False)
    return work


def queue_length(service: Running) -> int:
    return int(service.get("/metrics").text.rpartition("bearcat_queue_length ")[2].split(".")[0])


def wait_for_queue(service: Running, length: int) -> None:
    deadline = time.monotonic() + SECONDS
    while queue_length(service) != length:
        assert time.monotonic() < deadline, f"{queue_length(service)} images are being predicted, not {length}"
        time.sleep(0.02)


def leave_behind(service: Running) -> socket.socket:
    """Returns a connection whose client waits for an answer that never comes."""
    body = f"img={DARK.replace('+', '%2B')}".encode()
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=SECONDS)
    connection.sendall(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    return connection


def test_predictions_without_end_are_answered_and_their_threads_serve_the_next_image(work: Path):
    with running(work, "--no-page", setup=SHORT) as service:
        answers = []
        clients = [
            threading.Thread(target=lambda: answers.append(service.post(data={"img": DARK})))
            for _ in range(available_cores())
        ]
        for client in clients:
            client.start()
        while clients[0].is_alive():
            assert service.get("/health").status_code == 200
        for client in clients:
            client.join()
        for answer in answers:
            assert (answer.status_code, answer.json()["return_code"]) == (500, 500)
            assert answer.json()["return_info"] == "the prediction took more than 1 s"
        assert service.post(data={"img": LIGHT}).json()["result"] == "b"
        batch = service.post(json={"img": [DARK, LIGHT]}).json()["results"]
        assert [one["return_code"] for one in batch] == [500, 200]
        wait_for_queue(service, 0)
        assert "Traceback" not in service.log()


def test_a_prediction_ends_when_its_client_leaves(work: Path):
    with running(work, "--no-page") as service:
        clients = [leave_behind(service) for _ in range(available_cores() + 1)]
        wait_for_queue(service, len(clients))
        for client in clients:
            client.close()
        wait_for_queue(service, 0)
        assert service.post(data={"img": LIGHT}).json()["result"] == "b"
        assert "Traceback" not in service.log()
        assert "onnxruntime" not in service.log()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for another process")
def test_a_prediction_without_end_does_not_outlast_the_time_to_stop(work: Path):
    with running(work, "--no-page", setup=QUICK_STOP) as service, leave_behind(service):
        wait_for_queue(service, 1)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(SECONDS) == 0


def test_the_page_s_predictions_end_in_time(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_guard, "PREDICTION_SECONDS", 0.2)
    monkeypatch.setattr(run_guard, "_watchdog", run_guard._Watchdog())
    predict = predict_in_time(load_recogniser(work / "App_model" / "captcha.onnx"))
    (work / "dark.png").write_bytes(png(0))
    with pytest.raises(PredictionTimeoutError):
        predict(work / "dark.png")
