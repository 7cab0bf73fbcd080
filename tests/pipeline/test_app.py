"""How the service is started: token, page, several processes, what it warns of and what it refuses."""

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
from tests.helpers.services import DARK, Running, make_work, running, write_unit
from tests.helpers.steps import ROOT, run_script, run_wrongly

TOKEN = "open-sesame"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    """A service with a token and its page."""
    work = make_work(tmp_path_factory.mktemp("service") / "work", unit={})
    with running(work, BEARCAT_TOKEN=TOKEN) as service:
        yield service
        assert TOKEN not in service.log()


def test_the_api_answers_before_the_page_is_there(guarded: Running):
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


def test_health_asks_for_no_token(guarded: Running):
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


def test_the_token_is_taken_in_both_headers_and_nothing_else_is(guarded: Running):
    for headers in RIGHT:
        assert guarded.post(data={"img": DARK}, headers=headers).status_code == 200
    for headers in WRONG:
        assert guarded.post(data={"img": DARK}, headers=headers).status_code == 401


def test_a_visit_with_the_token_opens_the_page_and_leaves_it_out_of_the_address(guarded: Running):
    guarded.wait_for_log("the page is ready", 60)
    assert guarded.get("/?token=wrong").status_code == 401
    assert guarded.get(f"/models?token={TOKEN}").status_code == 401  # the page's own address alone
    with requests.Session() as browser:
        page = browser.get(f"{guarded.address}/?token={TOKEN}", timeout=10)
        assert page.status_code == 200
        assert page.url == f"{guarded.address}/"
        assert "gradio" in page.text
        (cookie,) = browser.cookies
        assert TOKEN not in cookie.value
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert browser.get(f"{guarded.address}/gradio_api/info", timeout=10).status_code == 200
    asked = guarded.get("/", headers={"Accept": "text/html"})
    assert asked.status_code == 401
    assert 'name="token"' in asked.text


def test_a_browser_that_listens_does_not_keep_the_service_from_stopping(tmp_path: Path):
    with running(make_work(tmp_path / "work", unit={})) as service:
        service.wait_for_log("the page is ready", 60)
        heartbeat = requests.get(f"{service.address}/gradio_api/heartbeat/abc", stream=True, timeout=10)
        assert next(heartbeat.iter_lines())
        asked = time.monotonic()
        service.process.terminate()
        assert service.process.wait(20) == 0
        assert time.monotonic() - asked < 5
        assert "Traceback" not in service.log()


@pytest.mark.parametrize("token", ["", " ", "two words", "口令", "line\nbreak"])
def test_a_token_that_no_header_can_hold_is_refused(token: str):
    with pytest.raises(ServiceError, match="one word of ASCII"):
        TokenCheck(token)


def test_wrong_arguments_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work = make_work(tmp_path / "work", unit={})
    assert "--workers is 0" in run_wrongly("app.py", "--work", work, "--workers", 0)
    assert "one word of ASCII" in run_wrongly("app.py", "--work", work, "--token", "")
    assert "500K or 8M" in run_script("app.py", "--work", work, "--max-body", "much").stderr
    assert "a number from 0 on" in run_script("app.py", "--work", work, "--queue", -1).stderr
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ServiceError, match="load balancer"):
        check_workers(2)


def test_the_socket_says_that_it_speaks_tcp_so_that_answers_are_sent_at_once():
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_bad_unit_is_left_out_and_one_that_is_good_serves(tmp_path: Path):
    work = make_work(tmp_path / "work", good={})
    (work / "App_model" / "bad.onnx").write_bytes(b"no unit")
    with running(work, "--no-page") as service:
        assert service.get("/health").json()["units"] == ["good"]
        assert re.search(r"ERROR unit bad is refused: .*bad\.onnx cannot be loaded", service.log())


def test_what_keeps_it_from_starting_is_one_message(tmp_path: Path):
    work = make_work(tmp_path / "work", unit={})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in run_wrongly("app.py", "--work", work, "--port", port)
    unit = work / "App_model" / "unit.onnx"
    unit.write_bytes(unit.read_bytes()[:100])
    assert f"{unit} cannot be loaded" in run_wrongly("app.py", "--work", work)
    write_unit(unit, rows=4)
    assert "4 rows, its card speaks of 3" in run_wrongly("app.py", "--work", work)


@pytest.mark.parametrize("token", [(), ("--token", TOKEN)])
def test_another_address_without_a_token_is_warned_of(tmp_path: Path, token: tuple[str, ...]):
    work = make_work(tmp_path / "work", unit={})
    command = [sys.executable, "-u", str(ROOT / "app.py"), "--work", str(work), "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen([*command, "--no-page", *token], stdout=subprocess.PIPE, encoding="utf-8") as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Next:"):
                break
        process.terminate()
    assert any("Warning: other machines" in line for line in lines) == (not token)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is refused several processes")
def test_several_processes_share_the_port_and_their_figures_and_one_that_dies_is_replaced(tmp_path: Path):
    work = make_work(tmp_path / "work", unit={})
    with running(work, "--workers", 2, script=True) as service:
        service.wait_for_log(r"(?s)process \d+ serves.*process \d+ serves")
        for _ in range(20):
            assert service.post(data={"img": DARK}).json()["result"] == "a"
        count = re.search(r'requests_total{status="200",unit="unit"} (\S+)', service.get("/metrics").text)
        assert float(count[1]) == 20
        assert service.get("/").status_code == 404
        workers = children_of(service.process.pid)
        os.kill(workers[0], signal.SIGKILL)
        service.wait_for_log(f"process {workers[0]} ended with code -9: another one is started")
        assert service.post(data={"img": DARK}).json()["result"] == "a"
        left = children_of(service.process.pid)
        service.process.terminate()
        assert service.process.wait(30) == 0
    for worker in {*workers, *left}:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    assert "Traceback" not in service.log()


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started for serving."""
    import psutil

    return [child.pid for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]
