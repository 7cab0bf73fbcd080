"""The routes of the labelling page: states, images, texts, and requests that are refused."""

import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.labelling.app import MAX_BODY, STATIC_FILES, make_labelling_app
from bearcat.labelling.order import GRID_SIZE, MAX_GRID_TEXT
from bearcat.labelling.predictors import Kind, Predictor
from bearcat.labelling.translations import TEXTS
from tests.helpers.labelling import ORIGIN, open_session, train_set


def test_images_are_confirmed_skipped_and_undone(client: TestClient, work: Work):
    state = client.get("/state").json()
    assert (state["image"]["name"], state["remaining"], state["damaged"]) == ("a.png", 4, ["broken.png"])
    state = client.post("/confirm", json={"number": 0, "label": "ab"}).json()
    assert (state["message"], state["labelled"], state["remaining"]) == ("saved", 1, 3)
    assert state["values"]["file"] in train_set(work)
    state = client.post("/skip", json={"number": state["image"]["number"]}).json()
    assert (state["skipped"], state["image"]["name"]) == (1, "c")
    assert client.post("/reopen_skipped", json={}).json()["image"]["name"] == "c"
    state = client.post("/undo", json={}).json()
    assert (state["message"], state["image"]["name"], state["image"]["text"]) == ("undone", "a.png", "ab")
    assert train_set(work) == {}
    refused = client.post("/confirm", json={"number": 0, "label": "a_b"})
    assert refused.status_code == 409
    assert refused.json()["error"] == TEXTS["en"]["label_has_separator"]
    assert refused.json()["image"]["name"] == "a.png"


def test_a_grid_is_confirmed_marked_and_undone(folder: Path, work: Work):
    session = open_session(folder, work)
    session.use(Predictor(lambda path: Prediction(path.stem, (0.9,) * len(path.stem)), kind=Kind.TRAINED, labels=20))
    session.open_images()
    with TestClient(make_labelling_app(session, list), base_url=ORIGIN["origin"], headers=ORIGIN) as client:
        state = client.get("/state").json()
        predictor = {"kind": "trained", "name": "", "labels": 20}
        assert (state["predictor"], state["background"], state["grid"]) == (predictor, None, 3)  # "again" is unsure
        grid = client.get("/grid").json()
        assert [image["text"] for image in grid["images"]] == ["a", "c", "d"]
        assert grid["images"][0]["predictor"] == predictor
        numbers = [image["number"] for image in grid["images"]]
        fields = {"images": [{"number": number, "label": "x"} for number in numbers[:2]], "marked": numbers[2:]}
        state = client.post("/confirm_many", json=fields).json()
        assert (state["message"], state["values"]) == ("saved_many_marked", {"count": "2", "marked": "1"})
        assert (state["labelled"], state["grid"], state["image"]["name"]) == (2, 0, "d.jpg")
        state = client.post("/undo", json={}).json()
        assert (state["message"], state["values"], state["labelled"]) == ("undone_many", {"count": "2"}, 0)
        assert train_set(work) == {}
        refused = {
            "images": [{"number": numbers[0], "label": "a_b"}, {"number": numbers[1], "label": "x"}],
            "marked": [],
        }
        answer = client.post("/confirm_many", json=refused)
        assert (answer.status_code, answer.json()["error"]) == (409, TEXTS["en"]["label_has_separator"])
        assert answer.json()["labelled"] == 1


BAD_GRIDS = [
    ({"images": [], "marked": [0], "more": 1}, 400),
    ({"images": [0], "marked": []}, 400),
    ({"images": [{"number": 0}], "marked": []}, 400),
    ({"images": [{"number": True, "label": "a"}], "marked": []}, 400),
    ({"images": [{"number": 0, "label": "a", "path": "x"}], "marked": []}, 400),
    ({"images": [], "marked": ["0"]}, 400),
    ({"images": [], "marked": [True]}, 400),
    ({"images": {}, "marked": []}, 400),
    ({"images": [], "marked": [99]}, 409),
    ({"images": [{"number": -1, "label": "a"}], "marked": []}, 409),
    ({"images": [{"number": 0, "label": "a"}], "marked": [0] * 20}, 409),
    ({"images": [{"number": 0, "label": "a"}] * 500, "marked": []}, 413),
]


@pytest.mark.parametrize(("fields", "status"), BAD_GRIDS)
def test_a_bad_grid_changes_nothing(client: TestClient, work: Work, fields: dict, status: int):
    assert client.post("/confirm_many", json=fields).status_code == status
    assert train_set(work) == {}
    assert client.get("/confirm_many").status_code == client.post("/grid", json={}).status_code == 405


def test_a_grid_of_the_longest_texts_fits_into_a_request():
    longest = [{"number": 10**6, "label": "𠀀" * MAX_GRID_TEXT}] * GRID_SIZE
    body = json.dumps({"images": longest, "marked": []}, ensure_ascii=False, separators=(",", ":"))
    assert len(body.encode()) <= MAX_BODY


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 on Windows")
def test_names_that_are_not_utf_8_are_shown_and_their_images_labelled(folder: Path, work: Work):
    for path in folder.iterdir():
        if path.is_file() and path.name not in ("b.png", "broken.png"):
            path.unlink()
    (folder / "b.png").rename(folder / "\udccc\udcec\u202e.png")
    (folder / "broken.png").rename(folder / "\udcccbroken.png")
    session = open_session(folder, work)
    app = make_labelling_app(session, list)
    with TestClient(app, base_url=ORIGIN["origin"], headers=ORIGIN) as client:
        state = client.get("/state").json()
        assert (state["image"]["name"], state["damaged"]) == (r"\xcc\xec\xe2\x80\xae.png", [r"\xccbroken.png"])
        assert client.post("/confirm", json={"number": state["image"]["number"], "label": "ab"}).json()["labelled"] == 1
    assert len(train_set(work)) == 1


def test_an_image_is_shown_as_the_network_sees_it(client: TestClient):
    answer = client.get("/image/0")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).getpixel((0, 0)) == (10, 10, 10)


def test_the_static_files_load_nothing_from_other_machines(client: TestClient):
    for path in STATIC_FILES:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_texts_are_in_the_language_of_the_browser(client: TestClient):
    chinese = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert client.get("/texts", headers=chinese).json()["texts"] == TEXTS["zh"]
    assert client.get("/texts", headers={"accept-language": "de,en"}).json()["language"] == "en"
    refused = client.post("/confirm", json={"number": 0, "label": "a_b"}, headers=chinese)
    assert refused.json()["error"] == TEXTS["zh"]["label_has_separator"]
    assert TEXTS["en"].keys() == TEXTS["zh"].keys()


@pytest.mark.parametrize("number", ["99", "-1", "0/../../etc/passwd", "..%2f..%2fetc%2fpasswd", "a.png", "1.0"])
def test_no_path_leads_to_a_file(client: TestClient, number: str):
    assert client.get(f"/image/{number}").status_code in (404, 409)
    assert client.get(f"/{number}").status_code == 404


BAD_BODIES = [
    ({"json": {"number": "0", "label": "ab"}}, 400),
    ({"json": {"number": True, "label": "ab"}}, 400),
    ({"json": {"number": 0, "label": ["ab"]}}, 400),
    ({"json": {"number": 0, "label": "ab", "path": "/etc/passwd"}}, 400),
    ({"json": {"number": 0}}, 400),
    ({"json": [0, "ab"]}, 400),
    ({"json": {"number": 99, "label": "ab"}}, 409),
    ({"json": {"number": -1, "label": "ab"}}, 409),
    ({"json": {"number": 4, "label": "x" * 5000}}, 413),
    ({"content": "{", "headers": {"content-type": "application/json"}}, 400),
    ({"content": "[" * 3000, "headers": {"content-type": "application/json"}}, 400),
    ({"data": {"number": "0", "label": "ab"}}, 415),
    ({"content": '{"number": 0, "label": "ab"}', "headers": {"content-type": "text/plain"}}, 415),
]


@pytest.mark.parametrize(("request_", "status"), BAD_BODIES)
def test_a_bad_body_changes_nothing(client: TestClient, work: Work, request_: dict, status: int):
    assert client.post("/confirm", **request_).status_code == status
    assert train_set(work) == {}
    assert client.get("/confirm").status_code == client.put("/confirm", json={}).status_code == 405


def test_a_full_disk_is_described(client: TestClient, work: Work, monkeypatch: pytest.MonkeyPatch):
    def refuse(part: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("bearcat.core.files.os.replace", refuse)
    monkeypatch.setattr("bearcat.core.locks.write_json", lambda *args, **options: None)
    answer = client.post("/confirm", json={"number": 0, "label": "ab"})
    monkeypatch.undo()
    assert answer.status_code == 500
    assert "the disk is full" in answer.json()["error"]
    assert train_set(work) == {}
    assert client.post("/confirm", json={"number": 0, "label": "ab"}).status_code == 200
