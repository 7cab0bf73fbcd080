"""The service as a process, over HTTP: forms of a request, bad requests, changes of models, and stops under load."""

import io
import json
import re
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bearcat.serving.middleware import CLOSE
from bearcat.serving.protocol import ANSWER_FIELDS, SUCCESS
from tests.helpers.services import DARK, LIGHT, SIDE, Running, make_work, png, running, to_base64, write_model

LIMIT = 100_000  # bytes of a body in these tests


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    """A service with two models, the first of which is the default."""
    work = make_work(tmp_path_factory.mktemp("service") / "work", first={}, second={"characters": "xy"})
    with running(work, "--no-page", "--max-body", LIMIT) as service:
        yield service
        assert "Traceback" not in service.log()


def check_error(answer: requests.Response, status: int) -> None:
    """Checks that an answer has this status and the form of the contract."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["return_code"] == status
    assert body["return_info"]
    assert [body[field] for field in ANSWER_FIELDS] == [None] * 4


FORMS = {
    "a form": {"data": {"img": DARK}},
    "JSON": {"json": {"img": DARK}},
    "a file": {"files": {"img": ("a.png", png(0))}},
    "a form in parts": {"files": {"img": (None, DARK)}},
    "a data URL": {"json": {"img": f"data:image/png;base64,{DARK}"}},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gets_the_same_answer(service: Running, form: str):
    answer = service.post(**FORMS[form]).json()
    assert answer.pop("time") >= 0
    assert answer == {
        "return_code": 200,
        "return_info": SUCCESS,
        "result": "a",
        "recognition_rate": [1.0],
        "overall_recognition_rate": 1.0,
    }


BATCHES = {
    "JSON": {"json": {"img": [DARK, "bm8gcGljdHVyZQ==", LIGHT]}},
    "a form": {"data": {"img": [DARK, "bm8gcGljdHVyZQ==", LIGHT]}},
    "files": {"files": [("img", ("1.png", png(0))), ("img", ("2.png", b"no image")), ("img", ("3.png", png(255)))]},
}


@pytest.mark.parametrize("form", BATCHES)
def test_a_list_of_images_gets_a_list_of_answers_of_which_a_bad_one_is_an_error(service: Running, form: str):
    answer = service.post(**BATCHES[form])
    assert answer.status_code == 200
    assert answer.json()["return_info"] == SUCCESS
    first, bad, last = answer.json()["results"]
    assert (first["result"], last["result"]) == ("a", "b")
    assert first["return_code"] == last["return_code"] == 200
    assert bad["return_code"] == 415
    assert [bad[field] for field in ANSWER_FIELDS] == [None] * 4


def test_a_batch_goes_to_the_named_model(service: Running):
    answer = service.post(json={"img": [DARK] * 64, "model": "second"}).json()
    assert [one["result"] for one in answer["results"]] == ["x"] * 64


def test_the_models_are_listed_with_their_descriptions(service: Running):
    first, second = service.get("/models").json()["models"]
    assert (first["name"], second["name"]) == ("first", "second")
    assert first["mode"] == "ORDINARY"
    assert first["vocabulary_size"] == 2
    assert first["input"] == {"height": 16, "width": 16, "channels": 1}
    assert first["metrics"] == {"val_exact": 0.9}
    assert service.get("/health").json() == {"status": "ok", "units": ["first", "second"]}
    assert requests.head(f"{service.address}/health", timeout=10).status_code == 200


def post_raw(content_type: str, body: object = b"x") -> dict:
    return {"data": body, "headers": {"content-type": content_type}}


def text_bomb() -> bytes:
    """Returns an image with a compressed text of two million characters."""
    text = PngInfo()
    text.add_text("bomb", "0" * 2_000_000, zip=True)
    buffer = io.BytesIO()
    Image.new("L", (SIDE, SIDE)).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


BAD = {
    "no image field": ({"data": {"picture": DARK}}, 400),
    "no body": ({"headers": {"content-type": "application/json"}}, 400),
    "no base64": ({"data": {"img": "*** not base64 ***"}}, 400),
    "no image": ({"data": {"img": "bm8gcGljdHVyZQ=="}}, 415),
    "an SVG": ({"data": {"img": to_base64(b"<svg xmlns='http://www.w3.org/2000/svg'/>")}}, 415),
    "an image cut short": ({"data": {"img": to_base64(png()[:43])}}, 400),
    "a text bomb": ({"data": {"img": to_base64(text_bomb())}}, 400),
    "1 × 1": ({"data": {"img": to_base64(png(size=(1, 1)))}}, 400),
    "too many pixels": ({"data": {"img": to_base64(png(size=(8000, 8000)))}}, 413),
    "bad JSON": (post_raw("application/json", b"{"), 400),
    "deep JSON": (post_raw("application/json", b"[" * 50_000), 400),
    "a JSON list": ({"json": [DARK]}, 400),
    "a JSON number": ({"json": {"img": 7}}, 400),
    "an empty batch": ({"json": {"img": []}}, 400),
    "a batch too long": ({"json": {"img": [DARK] * 65}}, 400),
    "an unknown model": ({"data": {"img": DARK, "model": "third"}}, 400),
    "a model that is not text": ({"json": {"img": DARK, "model": {"a": 1}}}, 400),
    "an option of another mode": ({"data": {"img": DARK, "prompt": "ab"}}, 400),
    "an invalid grid": ({"data": {"img": DARK, "grid": "much"}}, 400),
    "no content type": ({"data": b"x"}, 415),
    "plain text": (post_raw("text/plain"), 415),
    "parts without a boundary": (post_raw("multipart/form-data"), 400),
    "invalid parts": (post_raw("multipart/form-data; boundary=x"), 400),
    "many fields": ({"data": {"img": DARK} | {str(number): "x" for number in range(50)}}, 400),
    "many parts": ({"files": [(str(number), ("a", b"x")) for number in range(90)]}, 400),
    "many images in a form": ({"data": {"img": [DARK] * 90}}, 400),
    "a body too large": ({"data": {"img": "A" * LIMIT}}, 413),
    "a chunked body too large": (post_raw("application/json", iter([b"x" * LIMIT] * 2)), 413),
    "an upload too large": ({"files": {"img": ("a.png", b"x" * LIMIT)}}, 413),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_answered_in_the_contract_s_form_and_the_service_lives(service: Running, name: str):
    request, status = BAD[name]
    check_error(service.post(**request), status)
    assert service.post(data={"img": LIGHT}).json()["result"] == "b"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/", "GET, HEAD, POST"),
        ("OPTIONS", "/", "GET, HEAD, POST"),
        ("GET", "/api/predict", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/models", "GET, HEAD"),
        ("POST", "/metrics", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_with_the_allowed_ones(service: Running, method: str, path: str, allowed: str):
    answer = requests.request(method, service.address + path, timeout=10)
    check_error(answer, 405)
    assert answer.headers["Allow"] == allowed


def test_an_unknown_path_is_404_in_the_contract_s_form(service: Running):
    for path in ("/", "/nothing", "/gradio_api/info"):
        check_error(service.get(path), 404)


def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Sends raw parts with a pause between them until an answer comes, and returns the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for number, part in enumerate(parts):
            if select.select([connection], [], [], pause if number else 0)[0]:
                break  # sending to a server that has closed would reset the connection and lose the answer
            connection.sendall(part)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_a_body_that_does_not_arrive_is_408_and_others_are_served(service: Running):
    answers = []
    slow = threading.Thread(target=lambda: answers.append(talk(service.port, HEAD + b"Content-Length: 99\r\n\r\n{")))
    slow.start()
    assert service.post(data={"img": DARK}).json()["result"] == "a"
    slow.join()
    head, _, body = answers[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert f"connection: {CLOSE['Connection']}".encode() in head.lower()
    assert json.loads(body)["return_code"] == 408


def test_a_body_that_trickles_is_408(service: Running):
    answer = talk(service.port, HEAD + b"Content-Length: 99\r\n\r\n{", *[b" "] * 4, pause=0.3)
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_announced_too_large_is_refused_before_it_is_sent(service: Running):
    answer = talk(service.port, HEAD + b"Content-Length: 999999\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_client_that_leaves_is_logged_and_nothing_breaks(service: Running):
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(HEAD + b"Content-Length: 99\r\n\r\n{")
    service.wait_for_log(r"POST / 499")


def test_the_service_survives_bytes_that_are_not_http(service: Running):
    assert b" 400 " in talk(service.port, b"\x16\x03\x01\x00\xff\r\n\r\n")
    assert service.get("/health").status_code == 200


def test_the_log_has_one_line_per_request_and_no_image(tmp_path: Path):
    work = make_work(tmp_path / "work", first={}, second={"characters": "xy"})
    with running(work, "--no-page") as service:  # its own, since requests of earlier tests may still reach the log
        before = len(service.log().splitlines())
        service.post(data={"img": LIGHT, "model": "second"})
        service.get("/health?token=secret%0A")
        service.wait_for_log("GET /health 200 .*\n")
        image, health = service.log().splitlines()[before:]
        assert re.fullmatch(r"\S+ \S+ INFO POST / 200 [\d.]+ ms \d+ B in \d+ B out second", image)
        assert re.fullmatch(r"\S+ \S+ INFO GET /health 200 [\d.]+ ms 0 B in \d+ B out -", health)
        assert LIGHT[:20] not in service.log()
        assert "secret" not in service.log()


def metric(service: Running, name: str) -> float:
    """Returns a value of /metrics, 0 if it does not exist yet."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", service.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_metrics_count_requests_by_status_and_model(service: Running):
    good, bad = (
        f'bearcat_requests_total{{status="{of[0]}",unit="{of[1]}"}}' for of in (("200", "second"), ("405", ""))
    )
    before = metric(service, good), metric(service, bad), metric(service, "bearcat_request_seconds_count")
    service.post(data={"img": DARK, "model": "second"})
    requests.put(service.address, timeout=10)
    assert metric(service, good) == before[0] + 1
    assert metric(service, bad) == before[1] + 1
    assert metric(service, "bearcat_request_seconds_count") >= before[2] + 2
    assert metric(service, "bearcat_queue_length") == 0


def send_requests(service: Running, stop: threading.Event, answers: list) -> None:
    """Sends requests until `stop` is set; records each answer, or the error that ended it."""
    with requests.Session() as session:
        while not stop.is_set():
            try:
                answers.append(session.post(service.address, data={"img": DARK}, timeout=60).json())
            except requests.RequestException as error:
                answers.append(error)
                return


def under_load(service: Running, clients: int = 4):
    """Starts clients that send requests; returns a function that stops them and returns their answers."""
    stop, answers = threading.Event(), []
    threads = [threading.Thread(target=send_requests, args=(service, stop, answers)) for _ in range(clients)]
    for thread in threads:
        thread.start()

    def end() -> list:
        stop.set()
        for thread in threads:
            thread.join()
        return answers

    return end


def test_models_are_replaced_added_and_removed_under_load_without_a_bad_answer(tmp_path: Path):
    work = make_work(tmp_path / "work", captcha={})
    folder = work / "App_model"
    with running(work, "--no-page") as service:
        end = under_load(service, 2)
        (folder / "captcha.onnx").write_bytes(b"half a file")
        service.wait_for_log("model captcha rejected: .*still serving the previous one")
        write_model(folder / "captcha.onnx", classes=5)  # loads, but its output does not fit its card
        service.wait_for_log("model captcha rejected: .*5 output classes")
        assert service.post(data={"img": DARK}).json()["result"] == "a"
        write_model(folder / "captcha.onnx", characters="xy")
        write_model(folder / "zeta.onnx", characters="pq")
        service.wait_for_log("model zeta loaded")
        assert service.post(data={"img": DARK}).json()["result"] == "x"
        time.sleep(0.1)
        results = [answer["result"] for answer in end()]
        assert set(results) == {"a", "x"}
        assert results[-1] == "x"
        assert service.post(data={"img": DARK, "model": "zeta"}).json()["result"] == "p"
        (folder / "captcha.onnx").unlink()
        service.wait_for_log("model captcha removed")
        assert service.get("/health").json()["units"] == ["zeta"]
        assert service.post(data={"img": DARK}).json()["result"] == "p"
        (folder / "zeta.onnx").unlink()
        service.wait_for_log("model zeta removed")
        check_error(service.post(data={"img": DARK}), 503)
        assert service.get("/health").status_code == 503


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_told_to_wait_answers_503_until_there_is_a_model(tmp_path: Path, workers: int):
    if workers > 1 and sys.platform == "win32":
        pytest.skip("under Windows processes cannot share a socket")
    work = make_work(tmp_path / "work")
    with running(work, "--no-page", "--wait", "--workers", workers) as service:
        assert service.get("/health").status_code == 503
        check_error(service.post(data={"img": DARK}), 503)
        assert "holds no trained model" in service.log()
        if workers > 1:  # each has looked for a model before there is one
            service.wait_for_log(rf"(?s)(worker \d+ started.*){{{workers}}}")
        write_model(work / "App_model" / "captcha.onnx")
        service.wait_for_log(rf"(?s)(model captcha loaded.*){{{workers}}}")  # by each for itself
        assert service.post(data={"img": DARK}).json()["result"] == "a"


def test_a_full_queue_is_503_with_when_to_try_again(tmp_path: Path):
    work = make_work(tmp_path / "work", slow={"work": 20})
    with running(work, "--no-page", "--queue", 1) as service:
        end = under_load(service, 8)
        time.sleep(0.2)
        answer = service.post(data={"img": DARK})
        deadline = time.monotonic() + 20
        while answer.status_code == 200 and time.monotonic() < deadline:
            answer = service.post(data={"img": DARK})
        answers = end()
        check_error(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
        assert {one["return_code"] for one in answers} == {200, 503}
        assert service.post(json={"img": [DARK] * 5}).status_code == 200  # an idle service takes a whole batch


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for another process")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_requests_are_answered_after_a_signal(tmp_path: Path, number: int):
    work = make_work(tmp_path / "work", slow={"work": 15})
    with running(work, "--no-page") as service:
        end = under_load(service, 8)
        while metric(service, "bearcat_queue_length") < 8:
            time.sleep(0.01)
        service.process.send_signal(number)
        assert service.process.wait(60) == (0 if number == signal.SIGTERM else 130)
        answers = end()
    good = [answer for answer in answers if isinstance(answer, dict)]
    assert len(good) >= 8
    assert all(answer["result"] == "a" for answer in good)
    # every request that was accepted has been answered: the log has no other ones
    logged = re.findall(r"POST / (\d+) ", service.log())
    assert logged == ["200"] * len(good)
