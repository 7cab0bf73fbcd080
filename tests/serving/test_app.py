"""The HTTP contract: every form of a request, and every error in one form."""

import base64
import io
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from bearcat.data.grids import Grid
from bearcat.data.images import open_image
from bearcat.serving import middleware
from bearcat.serving.app import make_app
from bearcat.serving.protocol import SUCCESS, decode_base64
from tests.helpers.services import to_base64

LIMIT = 20_000  # bytes of a body in these tests


def width_of(image: bytes) -> dict:
    """Answers with the image's width, as a model would with its text."""
    width = open_image(image).width
    return {"result": str(width), "recognition_rate": [0.5], "overall_recognition_rate": 0.5, "time": 0.001}


@pytest.fixture
def client() -> TestClient:
    models = {"wide": width_of, "other": lambda image: width_of(image) | {"result": "other"}}
    return TestClient(make_app(models, max_body=LIMIT), raise_server_exceptions=False)


def png(width: int = 40, height: int = 20) -> bytes:
    """Returns an image whose base64 has + and /, so that the urlsafe alphabet differs."""
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 90).save(buffer, "PNG")
    return buffer.getvalue()


def breaks(text: str) -> str:
    return "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))


@pytest.mark.parametrize(
    "spell",
    [
        lambda image: to_base64(image),
        lambda image: "data:image/png;base64," + to_base64(image),
        lambda image: base64.urlsafe_b64encode(image).decode(),
        lambda image: to_base64(image).rstrip("="),
        lambda image: breaks(to_base64(image)),
        lambda image: to_base64(image).replace("+", " "),
        lambda image: "DATA:image/PNG;BASE64, " + to_base64(image),
        lambda image: repr(base64.b64encode(image)),
        lambda image: repr(base64.encodebytes(image)),
        lambda image: quote(to_base64(image), safe=""),
    ],
    ids=[
        *("plain", "data URL", "urlsafe", "no padding", "line breaks", "spaces for +"),
        *("upper case", "Python's bytes", "Python's bytes with line breaks", "escaped twice"),
    ],
)
def test_base64_is_accepted_in_every_usual_spelling(spell):
    for width in range(40, 43):  # lengths with 0, 1 and 2 characters of padding among them
        image = png(width)
        assert decode_base64(spell(image)) == image


def test_a_form_json_and_a_file_get_the_same_answer(client: TestClient):
    image = png()
    answers = [
        client.post("/", data={"img": to_base64(image)}),
        client.post("/", json={"img": to_base64(image)}),
        client.post("/", files={"img": ("a.png", image)}),
        client.post("/", files={"img": (None, to_base64(image))}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.json() == {
            "return_code": 200,
            "return_info": SUCCESS,
            "result": "40",
            "recognition_rate": [0.5],
            "overall_recognition_rate": 0.5,
            "time": 0.001,
        }


@pytest.mark.parametrize("field", ["image", "file", "img_base64"])
def test_the_image_may_have_another_name_in_every_form(client: TestClient, field: str):
    image, other = png(), png(50)
    for request in ({"data": {field: to_base64(image)}}, {"json": {field: to_base64(image)}}):
        assert client.post("/", **request).json()["result"] == "40"
    assert client.post("/", files={field: ("a.png", image)}).json()["result"] == "40"
    several = client.post("/", data={field: [to_base64(image), to_base64(other)]}).json()
    assert [one["result"] for one in several["results"]] == ["40", "50"]
    both = {field: "no image", "img": to_base64(other)}
    assert client.post("/", json=both).json()["result"] == "50"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"picture": "x", "id": 1}, "img is missing: expected an image as base64, or an upload; the request has 'pic"),
        ({}, "the request has no fields"),
        ({"image": ""}, "image is empty: expected an image"),
        ({"img": 7}, "img is 7: expected an image"),
        ({"img": ["x", None]}, "img[1] is empty"),
        ({"file": "http://localhost/a.png"}, "file is 'http://localhost/a.png', which is not valid base64"),
    ],
)
def test_a_refusal_says_what_came(client: TestClient, fields: dict, message: str):
    answer = client.post("/", json=fields).json()
    assert message in str(answer)


def test_a_refusal_is_short_whatever_came(client: TestClient):
    fields = {f"{number}" * 200: "A" * 500 for number in range(10)}
    assert len(client.post("/", json=fields).json()["return_info"]) < 500
    assert len(client.post("/", json={"img": "*" * 9000}).json()["return_info"]) < 200


def test_a_model_is_chosen_by_name_and_an_unknown_one_is_refused(client: TestClient):
    image = to_base64(png())
    assert client.post("/", data={"img": image, "model": "other"}).json()["result"] == "other"
    refused = client.post("/", data={"img": image, "model": "none"})
    assert refused.status_code == 400
    assert "wide, other" in refused.json()["return_info"]


def test_gradio_s_old_format_is_answered(client: TestClient):
    answer = client.post("/api/predict", json={"data": ["data:image/png;base64," + to_base64(png())]})
    assert answer.json()["data"] == ["40"]


def test_health_names_the_models(client: TestClient):
    assert client.get("/health").json() == {"status": "ok", "units": ["wide", "other"]}


def tiff() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (20, 20)).save(buffer, "TIFF")
    return buffer.getvalue()


BAD_REQUESTS = {
    "no field": ({"data": {"picture": "x"}}, 400),
    "empty field": ({"data": {"img": ""}}, 400),
    "no base64": ({"data": {"img": "*** not base64 ***"}}, 400),
    "no image": ({"data": {"img": base64.b64encode(b"hello there").decode()}}, 415),
    "a TIFF": ({"data": {"img": to_base64(tiff())}}, 415),
    "cut short": ({"data": {"img": to_base64(png()[:200])}}, 400),
    "1 × 1": ({"data": {"img": to_base64(png(1, 1))}}, 400),
    "bad JSON": ({"content": "{", "headers": {"content-type": "application/json"}}, 400),
    "deep JSON": ({"content": "[" * 9000, "headers": {"content-type": "application/json"}}, 400),
    "JSON list": ({"json": ["x"]}, 400),
    "JSON number": ({"json": {"img": 7}}, 400),
    "plain text": ({"content": "x", "headers": {"content-type": "text/plain"}}, 415),
    "no boundary": ({"content": "x", "headers": {"content-type": "multipart/form-data"}}, 400),
    "many fields": ({"data": {"img": to_base64(png())} | {str(number): "x" for number in range(50)}}, 400),
    "body too large": ({"data": {"img": "A" * (LIMIT + 1)}}, 413),
    "chunked body too large": (
        {"content": iter([b"x" * LIMIT] * 2), "headers": {"content-type": "application/json"}},
        413,
    ),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_is_answered_in_the_contract_s_form_and_the_service_lives(client: TestClient, name: str):
    request, status = BAD_REQUESTS[name]
    answer = client.post("/", **request)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["return_code"] == status
    assert body["return_info"]
    assert [body[field] for field in ("result", "recognition_rate", "overall_recognition_rate", "time")] == [None] * 4
    assert client.post("/", data={"img": to_base64(png())}).status_code == 200


def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(client: TestClient):
    buffer = io.BytesIO()
    Image.new("1", (8000, 8000)).save(buffer, "PNG", optimize=True)
    assert len(buffer.getvalue()) < LIMIT / 2
    assert client.post("/", data={"img": to_base64(buffer.getvalue())}).status_code == 413


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/predict"), ("PUT", "/"), ("DELETE", "/health")])
def test_a_wrong_method_is_answered_with_405(client: TestClient, method: str, path: str):
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["return_code"] == 405


def test_a_bug_is_500_and_reveals_nothing():
    def fail(image: bytes) -> dict:
        raise ZeroDivisionError("secret")

    client = TestClient(make_app({"model": fail}), raise_server_exceptions=False)
    answer = client.post("/", data={"img": to_base64(png())})
    assert answer.status_code == answer.json()["return_code"] == 500
    assert "secret" not in answer.text


def test_bodies_that_would_fill_the_memory_are_503_and_are_forgotten_afterwards(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
):
    fields = {"img": to_base64(png())}
    client.app.state.bodies.used = 1  # of another request, since one alone is always accepted
    monkeypatch.setattr(middleware, "MAX_BODY_MEMORY", 100)
    for _ in range(3):
        refused = client.post("/", data=fields)
        assert refused.status_code == refused.json()["return_code"] == 503
        assert refused.headers["Retry-After"] == "1"
    monkeypatch.setattr(middleware, "MAX_BODY_MEMORY", 5 * len(fields["img"]))
    for _ in range(5):
        assert client.post("/", data=fields).status_code == 200


def test_a_grid_and_a_name_reach_the_model():
    asked = []

    def cells_of(image: bytes, grid: str = "", name: str = "") -> dict:
        asked.append((grid, name))
        return width_of(image)

    client = TestClient(make_app({"cells": cells_of}, max_body=LIMIT), raise_server_exceptions=False)
    for fields in ({}, {"grid": "2x4+5+41", "name": "牌坊"}):
        assert client.post("/", json={"img": to_base64(png()), **fields}).status_code == 200
        assert client.post("/", data={"img": to_base64(png()), **fields}).status_code == 200
    assert asked == [("", "")] * 2 + [("2x4+5+41", "牌坊")] * 2


def test_a_restriction_reaches_the_model_in_every_form():
    asked = []

    def text_of(image: bytes, **options: str) -> dict:
        asked.append(options)
        return width_of(image)

    client = TestClient(make_app({"texts": text_of}, max_body=LIMIT), raise_server_exceptions=False)
    restriction = {"characters": "0123", "length": "4-6", "pattern": r"\d+"}
    assert client.post("/", json={"img": to_base64(png()), **restriction}).status_code == 200
    assert client.post("/", data={"img": to_base64(png()), **restriction}).status_code == 200
    assert client.post("/", json={"img": to_base64(png()), "length": 4}).status_code == 200
    assert asked == [restriction, restriction, {"length": "4"}]
    for value in (4.5, [4], {"least": 4}, True):
        answer = client.post("/", json={"img": to_base64(png()), "length": value})
        assert answer.status_code == 400
        assert answer.json()["return_info"] == f"length is {value!r}: expected text"


def test_a_request_has_as_many_cells_as_allowed():
    client = TestClient(make_app({"cells": lambda image, grid="": width_of(image)}, max_crops=6))
    image = to_base64(png())
    for images, grid, status in (([image] * 6, "", 200), ([image] * 3, "1x2", 200), ([image] * 2, "2x2", 400)):
        assert client.post("/", json={"img": images, "grid": grid}).status_code == status
    assert client.post("/", json={"img": image, "grid": "1x7"}).status_code == 400


def test_an_invalid_grid_is_refused():
    def cells_of(image: bytes, grid: str) -> dict:
        return {"result": str(Grid.parse(grid))}

    client = TestClient(make_app({"cells": cells_of}, max_body=LIMIT), raise_server_exceptions=False)
    for grid in ("two by four", "0x4", 24):
        answer = client.post("/", json={"img": to_base64(png()), "grid": grid})
        assert answer.status_code == answer.json()["return_code"] == 400
        assert answer.json()["result"] is None
        assert answer.json()["return_info"]
