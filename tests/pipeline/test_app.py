"""Starting the service: token, page, several processes, warnings and refusals."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from bearcat.core.errors import ServiceError
from bearcat.serving.auth import TokenCheck
from bearcat.serving.server import listen
from bearcat.serving.workers import check_workers
from tests.helpers.services import DARK, Running, make_work, running, write_model
from tests.helpers.steps import ROOT, run_refused, run_script

TOKEN = "open-sesame-open-sesame"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    """A service with a token and its page."""
    work = make_work(tmp_path_factory.mktemp("service") / "work", captcha={})
    with running(work, BEARCAT_TOKEN=TOKEN) as service:
        yield service
        assert TOKEN not in service.log()


def test_the_api_answers_before_the_page_is_loaded(guarded: Running):
    headers = {"X-Token": TOKEN}
    assert guarded.post(data={"img": DARK}, headers=headers).json()["result"] == "a"
    if "the page is ready" not in guarded.log():
        assert 'http-equiv="refresh"' in guarded.get("/", headers=headers).text
    guarded.wait_for_log("the page is ready", 60)
    assert "gradio" in guarded.get("/", headers=headers).text
    assert re.search(r"POST / 200.*\n(.*\n)*.*the page is ready", guarded.log())


PATHS = """/ /models /metrics /docs /openapi.json /nothing /config /gradio_api/info /gradio_api/upload
/gradio_api/run/predict /gradio_api/queue/join /gradio_api/file=/etc/hostname /health/ //health""".split()


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_every_path_is_401(guarded: Running, path: str):
    guarded.wait_for_log("the page is ready", 60)
    for method in ("GET", "POST"):
        answer = requests.request(method, guarded.address + path, json={"img": DARK, "data": [DARK]}, timeout=10)
        assert answer.status_code == answer.json()["return_code"] == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "X-Token" in answer.json()["return_info"]


def test_health_needs_no_token(guarded: Running):
    assert guarded.get("/health").json()["status"] == "ok"


RIGHT = [{"Authorization": f"Bearer {TOKEN}"}, {"Authorization": f"bearer {TOKEN}"}, {"X-Token": TOKEN}]
WRONG = [
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": TOKEN},
    {"X-Token": TOKEN[:-1]},
    {"X-Token": f"{TOKEN}x"},
    {"X-Token": ""},
    {"X-Token": "ÿ".encode("latin-1")},
    {"Cookie": f"bearcat={TOKEN}"},
    {"Cookie": "bearcat="},
    {"Cookie": 'bearcat="\\'},
]


def test_the_token_is_accepted_in_both_headers_only(guarded: Running):
    for headers in RIGHT:
        assert guarded.post(data={"img": DARK}, headers=headers).status_code == 200
    for headers in WRONG:
        assert guarded.post(data={"img": DARK}, headers=headers).status_code == 401


def test_a_visit_with_the_token_opens_the_page_and_removes_it_from_the_address(guarded: Running):
    guarded.wait_for_log("the page is ready", 60)
    assert guarded.get("/?token=wrong").status_code == 401
    assert guarded.get(f"/models?token={TOKEN}").status_code == 401  # only the page's own address takes it
    with requests.Session() as browser:
        page = browser.get(f"{guarded.address}/?token={TOKEN}", timeout=10)
        assert page.status_code == 200
        assert page.url == f"{guarded.address}/"
        assert "gradio" in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        (cookie,) = browser.cookies
        assert TOKEN not in cookie.value
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert browser.get(f"{guarded.address}/gradio_api/info", timeout=10).status_code == 200
    login = guarded.get("/", headers={"Accept": "text/html"})
    assert login.status_code == 401
    assert 'name="token"' in login.text


def test_an_open_stream_of_a_browser_does_not_keep_the_service_from_stopping(tmp_path: Path):
    with running(make_work(tmp_path / "work", captcha={})) as service:
        service.wait_for_log("the page is ready", 60)
        heartbeat = requests.get(f"{service.address}/gradio_api/heartbeat/abc", stream=True, timeout=10)
        assert next(heartbeat.iter_lines())
        asked = time.monotonic()
        service.process.terminate()
        assert service.process.wait(20) == 0
        assert time.monotonic() - asked < 5
        assert "Traceback" not in service.log()


@pytest.mark.parametrize("token", ["", " ", "two words", "口令", "line\nbreak"])
def test_a_token_that_cannot_be_a_header_is_refused(token: str):
    with pytest.raises(ServiceError, match="one word of ASCII"):
        TokenCheck(token)


def test_wrong_arguments_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work = make_work(tmp_path / "work", captcha={})
    assert "--workers is 0" in run_refused("app.py", "--work", work, "--workers", 0)
    assert "one word of ASCII" in run_refused("app.py", "--work", work, "--token", "")
    assert "500K or 8M" in run_script("app.py", "--work", work, "--max-body", "much").stderr
    assert "a number from 0 up" in run_script("app.py", "--work", work, "--queue", -1).stderr
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ServiceError, match="load balancer"):
        check_workers(2)


def test_the_socket_names_its_protocol_so_that_answers_are_sent_at_once():
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_bad_model_is_left_out_and_a_good_one_is_served(tmp_path: Path):
    work = make_work(tmp_path / "work", good={})
    (work / "App_model" / "bad.onnx").write_bytes(b"no model")
    with running(work, "--no-page") as service:
        assert service.get("/health").json()["units"] == ["good"]
        assert re.search(r"ERROR model bad rejected: .*bad\.onnx cannot be loaded", service.log())


def test_what_prevents_a_start_is_one_message(tmp_path: Path):
    work = make_work(tmp_path / "work", captcha={})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in run_refused("app.py", "--work", work, "--port", port)
    model = work / "App_model" / "captcha.onnx"
    model.write_bytes(model.read_bytes()[:100])
    assert f"{model} cannot be loaded" in run_refused("app.py", "--work", work)
    write_model(model, classes=4)
    assert "4 output classes, but its card says 3" in run_refused("app.py", "--work", work)


@pytest.mark.parametrize("token", [(), ("--token", TOKEN)])
def test_a_public_address_without_a_token_is_warned_of(tmp_path: Path, token: tuple[str, ...]):
    work = make_work(tmp_path / "work", captcha={})
    command = [sys.executable, "-u", str(ROOT / "app.py"), "--work", str(work), "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen([*command, "--no-page", *token], stdout=subprocess.PIPE, encoding="utf-8") as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Next:"):
                break
        process.terminate()
    assert any("Warning: other machines" in line for line in lines) == (not token)


@pytest.mark.skipif(sys.platform == "win32", reason="refused on Windows")
def test_several_workers_share_port_and_metrics_and_one_that_dies_is_replaced(tmp_path: Path):
    work = make_work(tmp_path / "work", captcha={})
    with running(work, "--workers", 2, script=True) as service:
        service.wait_for_log(r"(?s)worker \d+ started.*worker \d+ started")
        for _ in range(20):
            assert service.post(data={"img": DARK}).json()["result"] == "a"
        count = re.search(r'requests_total{status="200",unit="captcha"} (\S+)', service.get("/metrics").text)
        assert float(count[1]) == 20
        assert service.get("/").status_code == 404
        workers = children_of(service.process.pid)
        os.kill(workers[0], signal.SIGKILL)
        service.wait_for_log(f"worker {workers[0]} exited with code -9: starting another")
        assert service.post(data={"img": DARK}).json()["result"] == "a"
        left = children_of(service.process.pid)
        service.process.terminate()
        assert service.process.wait(30) == 0
    for worker in {*workers, *left}:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    assert "Traceback" not in service.log()


def children_of(pid: int) -> list[int]:
    """Returns the processes that a process has started as workers."""
    import psutil

    return [child.pid for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]
