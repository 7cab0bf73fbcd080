"""The filter in front of gradio, here a stub: what reaches it, and how all other requests are answered."""

import json
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from bearcat.serving.page.request_filter import ADDRESS, ANSWERS, JOIN, MAX_EVENT, PROGRESS, UPLOAD, RequestFilter
from bearcat.serving.page.uploads import MAX_ARRIVING, UploadFolder

EVENT = {"session_hash": "visit", "fn_index": 3, "data": []}


class Gradio:
    """A stub of gradio that remembers what reached it."""

    def __init__(self):
        self.received: list[tuple[str, str, bytes]] = []
        self.busy = False
        self.ranges: list[str | None] = []

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        body = await request.body()
        assert int(request.headers.get("content-length", len(body))) == len(body)
        self.received.append((scope["path"], request.url.query, body))
        self.ranges.append(request.headers.get("range"))
        await PlainTextResponse("gradio")(scope, receive, send)


@pytest.fixture
def gradio() -> Gradio:
    return Gradio()


@pytest.fixture
def client(gradio: Gradio, tmp_path: Path) -> TestClient:
    app = RequestFilter(gradio, UploadFolder(tmp_path), {3}, lambda visit: visit == "visit", lambda visit: gradio.busy)
    return TestClient(app)


def refused(answer, status: int, words: str) -> bool:
    """Whether an answer is an error in the form of the contract, which says these words."""
    return answer.status_code == answer.json()["return_code"] == status and words in answer.json()["return_info"]


def test_of_an_event_gradio_gets_only_what_it_needs(client: TestClient, gradio: Gradio):
    file = {"path": "/tmp/a.png", "url": "http://127.0.0.1/a.png", "meta": {"_type": "gradio.FileData"}}
    client.post(JOIN, json=EVENT | {"data": [file, "http://is text"], "oauth_token": "x", "simple_format": True})
    (_, _, body) = gradio.received[0]
    del file["url"]
    assert json.loads(body) == EVENT | {"data": [file, "http://is text"]}


@pytest.mark.parametrize(
    "path", ["http://1.2.3.4/a", " HTTPS://x", "file:///etc/passwd", "ftp:x", "//host/a", "\\\\host\\a", "a" * 2000]
)
@pytest.mark.parametrize("where", ["data", "event_data"])
def test_a_path_to_another_machine_never_reaches_gradio(client: TestClient, gradio: Gradio, path: str, where: str):
    answer = client.post(JOIN, json=EVENT | {where: [{"deep": {"path": path}}]})
    assert refused(answer, 400, "path is")
    assert not gradio.received


def test_paths_of_this_machine_are_no_addresses():
    assert not any(map(ADDRESS.match, ["/tmp/a.png", r"C:\Temp\a.png", "C:/Temp/a.png", "a.png"]))


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/a", "//host/a", "FTP://x"])
def test_files_of_other_machines_are_not_found(client: TestClient, gradio: Gradio, path: str):
    assert refused(client.get(f"/gradio_api/file={path}"), 404, "not found")
    assert not gradio.received


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"[" * 970 + b"]" * 970, 400, "nested too deep"),
        (b"{", 400, "not valid JSON"),
        (b"[]", 400, "JSON object"),
        (json.dumps(EVENT | {"data": "x" * MAX_EVENT}).encode(), 413, "65,536 bytes"),
        (json.dumps(EVENT | {"session_hash": "x" * 65}).encode(), 400, "session_hash is 'xxx"),
        (json.dumps(EVENT | {"session_hash": None}).encode(), 400, "session_hash is None"),
        (json.dumps(EVENT | {"fn_index": 4}).encode(), 400, "fn_index is 4"),
        (json.dumps(EVENT | {"fn_index": [3]}).encode(), 400, "fn_index is [3]"),
    ],
)
def test_events_beyond_the_bounds_are_refused(client: TestClient, gradio: Gradio, body: bytes, status: int, words: str):
    answer = client.post(JOIN, content=body, headers={"content-type": "application/json"})
    assert refused(answer, status, words)
    assert len(answer.json()["return_info"]) < 200
    assert not gradio.received


def test_a_visit_with_too_many_events_has_to_wait(client: TestClient, gradio: Gradio):
    gradio.busy = True
    answer = client.post(JOIN, json=EVENT)
    assert refused(answer, 503, "too many events")
    assert answer.headers["retry-after"]
    assert client.post("/gradio_api/cancel", json={"session_hash": "visit", "fn_index": 3, "event_id": "e"}).is_success


def test_an_upload_is_passed_on_without_an_id_that_gradio_would_remember(client: TestClient, gradio: Gradio):
    assert client.post(UPLOAD, params={"upload_id": "x"}, files={"files": ("a.png", b"abc")}).text == "gradio"
    ((_, query, body),) = gradio.received
    assert query == ""
    assert b"abc" in body
    assert '"done"' in client.get(PROGRESS, params={"upload_id": "x"}).text
    assert len(gradio.received) == 1


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"content-type": "multipart/form-data; boundary=b; charset=punycode"}, 415, "punycode"),
        ({"content-type": "multipart/form-data; boundary=b; charset=IDNA"}, 415, "expected"),
        ({"content-type": "text/plain"}, 415, "text/plain"),
        ({"content-type": "multipart/form-data; boundary=b", "content-length": str(MAX_ARRIVING + 1)}, 413, "at most"),
        ({"content-type": "multipart/form-data; boundary=b", "content-length": "-1"}, 411, "Content-Length"),
    ],
)
def test_uploads_beyond_the_bounds_are_refused(
    client: TestClient, gradio: Gradio, headers: dict, status: int, words: str
):
    assert refused(client.post(UPLOAD, content=b"x", headers=headers), status, words)
    assert not gradio.received


def test_a_visit_without_events_is_told_so_in_the_stream_that_it_expects(client: TestClient, gradio: Gradio):
    answer = client.get(ANSWERS, params={"session_hash": "other"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert json.loads(answer.text.removeprefix("data: "))["session_not_found"]
    assert client.get(ANSWERS).text == answer.text
    assert not gradio.received
    assert client.get(ANSWERS, params={"session_hash": "visit"}).text == "gradio"


@pytest.mark.parametrize("data", ["[NaN]", "[Infinity]", '["\\ud800"]'])
def test_json_that_gradio_could_not_echo_is_refused(client: TestClient, gradio: Gradio, data: str):
    body = json.dumps(EVENT).replace("[]", data)
    assert refused(client.post(JOIN, content=body), 400, "not valid JSON")
    assert not gradio.received


def test_a_range_that_gradio_could_not_parse_is_left_out(client: TestClient, gradio: Gradio):
    for value in ("bytes=1-2-3", "bytes=a-", f"bytes={'9' * 5000}-", "bytes=0-9"):
        client.get("/gradio_api/file=/tmp/a.png", headers={"range": value})
    assert gradio.ranges == [None, None, None, "bytes=0-9"]


@pytest.mark.parametrize("begun", [True, False])
def test_the_stream_of_a_visit_that_gradio_forgets_ends(begun: bool, tmp_path: Path):
    known, fault = {"visit"}, {"forgets": "visit", "error": KeyError("another")}

    async def gradio(scope, receive, send):
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
        known.discard(fault["forgets"])
        raise fault["error"]

    client = TestClient(RequestFilter(gradio, UploadFolder(tmp_path), {3}, known.__contains__, lambda visit: False))
    begun_twice = RuntimeError("Caught handled exception, but response already started.")
    begun_twice.__cause__ = HTTPException(404)
    begun_anew = {"forgets": "", "error": KeyError("visit")}
    for changes in ({}, begun_anew, begun_anew | {"error": begun_twice}):
        known.add("visit")
        fault |= changes
        answer = client.get(ANSWERS, params={"session_hash": "visit"})
        assert (answer.status_code, "first" in answer.text, "no events" in answer.text) == (200, begun, not begun)
    fault["error"] = KeyError("another")
    with pytest.raises(KeyError):  # a fault, which the log is to show
        client.get(ANSWERS, params={"session_hash": "visit"})
