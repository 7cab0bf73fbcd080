"""Bodies of requests: charsets, fields that are kept, memory that is counted, and values that are bounded."""

import asyncio
import random
import sys
import threading
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from bearcat.core.files import MAX_JSON_LEVELS
from bearcat.data.grids import Grid
from bearcat.serving import bodies, middleware, protocol
from bearcat.serving.app import make_app
from bearcat.serving.bodies import KEPT_FIELDS, LARGE_BODY, MAX_VALUES, read_fields
from bearcat.serving.middleware import MEMORY_KEY, Bodies, BodyMemory
from bearcat.serving.protocol import FORM, JSON, MAX_FIELDS, MULTIPART, RequestError, unquote_bytes
from tests.helpers.services import DARK

BOUNDARY = "limit"


def part(name: str, content: bytes, upload: bool = False) -> bytes:
    file = '; filename="a.png"' if upload else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def shared() -> Bodies:
    """Returns bodies among which is one of another request; a request alone may take any memory."""
    bodies = Bodies()
    bodies.used = 1
    return bodies


def read(content_type: str, body: bytes, memory: BodyMemory | None = None, chunk: int = 1000) -> dict:
    """Reads a body that arrives in chunks."""
    chunks: Iterator[bytes] = (body[start : start + chunk] for start in range(0, len(body), chunk))
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict:
        return messages.pop(0)

    scope = {
        "type": "http",
        "headers": [(b"content-type", content_type.encode())],
        MEMORY_KEY: memory or BodyMemory(shared()),
    }
    return asyncio.run(read_fields(Request(scope, receive)))


def read_parts(*parts: bytes, charset: str = "", **options) -> dict:
    return read(f"{MULTIPART}; boundary={BOUNDARY}{charset}", multipart(*parts), **options)


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "unicode_escape", "zip", "gbk", "latin-1", "none"])
def test_a_form_in_another_charset_is_415(charset: str):
    with pytest.raises(RequestError, match=f"charset '{charset}': expected utf-8") as refused:
        read_parts(part("img", b"x"), charset=f"; charset={charset}")
    assert refused.value.status == 415


@pytest.mark.parametrize("charset", ["", "utf-8", '"UTF-8"', "us-ascii"])
def test_a_form_in_utf_8_is_read(charset: str):
    fields = read_parts(part("name", "牌坊".encode()), charset=charset and f"; charset={charset}")
    assert fields == {"name": "牌坊"}


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_an_upload_is_the_same_however_it_arrives(chunk: int):
    content = b"\r\n--limi\r\n--\x00\xff" * 20
    fields = read_parts(part("img", content, upload=True), part("model", b"a"), part("img", b"b"), chunk=chunk)
    assert fields == {"img": [content, "b"], "model": "a"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (f"{MULTIPART}; boundary={BOUNDARY}", multipart(part("other", b"x" * 9000, upload=True), part("img", b"a"))),
        (FORM, b"other=" + b"x" * 9000 + b"&img=a"),
        (JSON, b'{"other": "' + b"x" * 9000 + b'", "img": "a"}'),
    ],
)
def test_of_fields_that_are_not_used_only_the_names_are_kept(content_type: str, body: bytes):
    memory = BodyMemory(Bodies())
    assert read(content_type, body, memory) == {"other": None, "img": "a"}
    assert memory.held < 1000


def test_a_form_that_is_not_used_takes_no_memory_while_it_arrives(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(middleware, "MAX_BODY_MEMORY", 50_000)
    assert read_parts(part("other", b"x" * 200_000, upload=True), part("img", b"a"))["img"] == "a"
    with pytest.raises(RequestError) as refused:
        read_parts(part("img", b"x" * 20_000, upload=True))
    assert refused.value.status == 503


@pytest.mark.parametrize("text", ["a", "\U0001f600"])
def test_what_parsing_makes_of_a_body_is_counted(text: str, monkeypatch: pytest.MonkeyPatch):
    body = f'{{"img": "{"a" * 10_000}{text}"}}'.encode()
    monkeypatch.setattr(middleware, "MAX_BODY_MEMORY", (4 if text == "a" else 10) * len(body) + 1000)
    memory = BodyMemory(shared())
    read(JSON, body, memory)
    assert memory.held >= 10_000
    monkeypatch.setattr(middleware, "MAX_BODY_MEMORY", 3 * len(body))
    assert read(JSON, body, BodyMemory(Bodies())) == {"img": "a" * 10_000 + text}
    with pytest.raises(RequestError) as refused:
        read(JSON, body)
    assert refused.value.status == 503


@pytest.mark.parametrize("values", [b"[],", b"{},", b"1,", b'"":1,'])
def test_a_body_of_very_many_values_is_413_before_it_is_parsed(values: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies, "parse_json", lambda body: pytest.fail("parsed"))
    with pytest.raises(RequestError, match=r"more than 100,000 of the characters \[ \{ , :") as refused:
        read(JSON, b'{"a": [' + values * MAX_VALUES + b"1]}", chunk=2**20)
    assert refused.value.status == 413


@pytest.mark.parametrize("levels", [MAX_JSON_LEVELS, 970, 30_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_400(levels: int, start: str, end: str):
    with pytest.raises(RequestError, match="nested too deep") as refused:
        read(JSON, f'{{"img": {start * levels}1{end * levels}}}'.encode(), chunk=2**20)
    assert refused.value.status == 400


def test_a_form_of_escapes_is_read_in_pieces():
    characters = "é天😀%&=+ "
    escaped = "".join(f"%{byte:02X}" for byte in characters.encode())
    repeated = bodies.LARGE_BODY // len(escaped) + 5
    for shift in range(4):
        body = f"img={'x' * shift}{escaped * repeated}&model=a+b%zz".encode()
        assert read(FORM, body, chunk=2**16) == {"img": "x" * shift + characters * repeated, "model": "a b%zz"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b'{"img": "' + b"a" * LARGE_BODY + b'"}'),
        (FORM, b"img=" + b"a" * LARGE_BODY),
        (f"{MULTIPART}; boundary={BOUNDARY}", multipart(part("img", b"a" * LARGE_BODY))),
    ],
)
@pytest.mark.parametrize("large", [True, False])
def test_a_large_body_is_parsed_outside_of_the_event_loop(
    content_type: str, body: bytes, large: bool, monkeypatch: pytest.MonkeyPatch
):
    threads = set()
    collect, parse = bodies._collect_fields, bodies.parse_json
    for name, function in (("_collect_fields", collect), ("parse_json", parse)):
        monkeypatch.setattr(
            bodies, name, lambda value, call=function: (threads.add(threading.get_ident()), call(value))[1]
        )
    read(content_type, body if large else body.replace(b"a" * 1000, b""))
    assert (threads == {threading.get_ident()}) != large


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"&".join(b"img=x" for _ in range(MAX_FIELDS + 1))),
        (f"{MULTIPART}; boundary={BOUNDARY}", multipart(*[part("img", b"x")] * (MAX_FIELDS + 1))),
    ],
)
def test_a_form_of_too_many_fields_is_400(content_type: str, body: bytes):
    with pytest.raises(RequestError, match="at most 16 beside img, and 80 in all"):
        read(content_type, body)


def test_the_images_of_a_form_are_freed_as_soon_as_they_are_not_used(monkeypatch: pytest.MonkeyPatch):
    forms = []
    monkeypatch.setattr(
        bodies, "_MultipartForm", lambda *given, make=bodies._MultipartForm: forms.append(make(*given)) or forms[0]
    )
    fields = read_parts(part("img", b"x" * 1000, upload=True))
    assert sys.getrefcount(fields["img"]) == sys.getrefcount(object()) + 1  # only the dict


def test_every_field_that_the_service_uses_is_kept():
    fields = dict.fromkeys(KEPT_FIELDS, DARK)
    assert read_parts(*(part(name, value.encode()) for name, value in fields.items())) == fields


LONG = "a" * 30_000
ECHOED = {
    "content type": {"content": "x", "headers": {"content-type": LONG[:2000]}},
    "charset": {"content": "x", "headers": {"content-type": f"{MULTIPART}; boundary=x; charset={LONG[:400]}"}},
    "model": {"json": {"img": DARK, "model": LONG[:900]}},
    "long model": {"json": {"img": DARK, "model": LONG}},
    "deep model": {"json": {"img": DARK, "model": [[[[[LONG]]]]]}},
    "grid": {"data": {"img": DARK, "grid": LONG[:1000]}},
    "long grid": {"data": {"img": DARK, "grid": LONG}},
    "name": {"json": {"img": DARK, "name": {LONG: LONG}}},
    "prompt": {"json": {"img": DARK, "prompt": LONG}},
    "field names": {"json": {LONG: 1, LONG + "b": 2}},
    "img": {"data": {"img": "*" + LONG}},
    "img as a dict": {"json": {"img": {LONG: [LONG]}}},
}


@pytest.mark.parametrize("name", ECHOED)
def test_nothing_that_a_client_sent_is_repeated_in_full(name: str):
    def predict(image: bytes, grid: str) -> dict:  # every other request is refused before
        return {"result": Grid.parse(grid)}

    client = TestClient(make_app({"model": predict}), raise_server_exceptions=False)
    answer = client.post("/", **ECHOED[name])
    assert 400 <= answer.status_code < 500
    assert "a" * 81 not in answer.text
    assert len(answer.text) < 700


def test_escapes_are_replaced_as_the_standard_library_does_also_at_the_ends_of_pieces(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "UNQUOTED_AT_A_TIME", 7)
    choose = random.Random(0).choices
    for _ in range(2000):
        text = "".join(choose(["%", "%2B", "%2f", "%3D", "%25", "%C3%A4", "2", "B", "f", "3d", "+"], k=12)).encode()
        assert unquote_bytes(text) == unquote_to_bytes(text), text
