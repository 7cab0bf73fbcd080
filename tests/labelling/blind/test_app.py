"""The routes of the page that hides the labels: states, what browsers may know, and requests that are refused."""

import io
import json
from collections.abc import Iterator

import pytest
from PIL import Image, PngImagePlugin
from starlette.testclient import TestClient

from bearcat.core.workspace import Work
from bearcat.labelling.blind.app import MAX_MILLISECONDS, STATIC_FILES, make_blind_app
from bearcat.labelling.blind.records import read_answers
from bearcat.labelling.blind.translations import TEXTS
from tests.helpers.blind import LABELS, open_sessions
from tests.helpers.labelling import ORIGIN

IMAGE_DESCRIPTION = 0x010E  # of EXIF


@pytest.fixture
def client(work: Work) -> Iterator[TestClient]:
    """A browser's window on the page."""
    app = make_blind_app(open_sessions(work), ["python strength.py"])
    with TestClient(app, base_url=ORIGIN["origin"], headers=ORIGIN) as client:
        yield client


def begin(client: TestClient, person: str = "") -> dict:
    return client.post("/begin", json={"person": person}).json()


def load(client: TestClient, state: dict) -> bytes:
    return client.get(f"/image/{state['number']}", params={"person": state["person"]}).content


def fields(state: dict, **others: object) -> dict:
    return {"person": state["person"], "number": state["number"], "milliseconds": 1, "paused": False, **others}


def test_images_are_answered_and_given_up_until_the_result(client: TestClient, work: Work):
    state = begin(client)
    assert (state["number"], state["answered"], state["remaining"], state["result"]) == (0, 0, 4, None)
    assert (state["ignore_case"], state["can_finish"]) == (True, False)
    assert begin(client, state["person"]) == state
    for _ in LABELS[1:]:
        load(client, state)
        state = client.post("/answer", json=fields(state, typed="7k4b")).json()
        assert state["result"] is None
    load(client, state)
    state = client.post("/give_up", json=fields(state)).json()
    assert (state["number"], state["answered"], state["remaining"]) == (None, 4, 0)
    answers = read_answers(work)
    assert [answer.typed for answer in answers] == ["7k4b"] * 3 + [None]
    correct = sum(answer.label == "7K4B" for answer in answers[:3])
    assert (state["result"]["correct"], state["result"]["given_up"], state["result"]["people"]) == (correct, 1, 1)
    again = begin(client)
    assert (again["person"] != state["person"], again["remaining"]) == (True, 4)


def test_browsers_get_neither_labels_nor_names_of_files(client: TestClient, work: Work):
    for path in work.data_folder("test").iterdir():
        comment, exif = PngImagePlugin.PngInfo(), Image.Exif()
        comment.add_text("Comment", path.name)
        exif[IMAGE_DESCRIPTION] = path.name
        Image.open(path).save(path, pnginfo=comment, exif=exif)
    state, received = begin(client), []
    while state["number"] is not None:
        image = client.get(f"/image/{state['number']}", params={"person": state["person"]})
        assert Image.open(io.BytesIO(image.content)).info == {}
        answer = client.post("/answer", json=fields(state, typed="x"))
        received += [image.content, str(image.headers).encode(), answer.content, str(answer.headers).encode()]
        state = answer.json()
    (work.data_folder("test") / f"{LABELS[0]}_0.png").unlink()
    state = begin(client)
    for _ in LABELS:  # one of them meets the image that is gone
        received += [load(client, state), client.post("/answer", json=fields(state, typed="x")).content]
        state = begin(client, state["person"])
    names = [*LABELS, *(path.name for path in work.data_folder("test").iterdir())]
    assert not [name for name in names for content in received if name.encode() in content]
    assert any(TEXTS["en"]["image_gone"].encode() in content for content in received)


def test_the_static_files_load_nothing_from_other_machines(client: TestClient):
    for path in STATIC_FILES:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_texts_and_refusals_are_in_the_language_of_the_browser(client: TestClient):
    chinese = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert client.get("/texts", headers=chinese).json()["texts"] == TEXTS["zh"]
    assert client.get("/texts").json()["language"] == "en"
    assert TEXTS["en"].keys() == TEXTS["zh"].keys()
    state = begin(client)
    load(client, state)
    refused = client.post("/answer", json=fields(state, typed=" "), headers=chinese)
    assert (refused.status_code, refused.json()) == (409, {"error": TEXTS["zh"]["label_empty"]})
    refused = client.post("/finish", json={"person": state["person"]})
    assert (refused.status_code, refused.json()) == (409, {"error": TEXTS["en"]["too_few"].format(limit=10)})


BAD_ANSWERS = [
    ({"typed": 7}, 400),
    ({"typed": None}, 400),
    ({"milliseconds": 1.5}, 400),
    ({"milliseconds": True}, 400),
    ({"milliseconds": -1}, 400),
    ({"milliseconds": MAX_MILLISECONDS + 1}, 400),
    ({"milliseconds": 10**400}, 400),
    ({"paused": 0}, 400),
    ({"number": "0"}, 400),
    ({"label": "x"}, 400),
    ({"person": ""}, 409),
    ({"number": 99}, 409),
    ({"number": -1}, 409),
    ({"typed": "\ud800"}, 409),
    ({"typed": "x" * 5000}, 413),
]


@pytest.mark.parametrize(("wrong", "status"), BAD_ANSWERS)
def test_a_bad_answer_is_not_recorded(client: TestClient, work: Work, wrong: dict, status: int):
    state = begin(client)
    load(client, state)
    body = json.dumps(fields(state, typed="x") | wrong)  # which escapes surrogates
    answer = client.post("/answer", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert read_answers(work) == []
    assert begin(client, state["person"])["number"] == 0
    assert client.get("/answer").status_code == client.put("/begin", json={"person": ""}).status_code == 405


def test_other_sites_and_strangers_cannot_answer(client: TestClient, work: Work):
    state = begin(client)
    for headers in ({"origin": "http://elsewhere.example"}, {"host": "elsewhere.example"}):
        assert client.post("/begin", json={"person": ""}, headers=headers).status_code == 403
    assert (
        client.get("/image/0", params={"person": state["person"]}, headers={"sec-fetch-site": "cross-site"}).status_code
        == 403
    )
    assert client.get("/image/0").status_code == client.get("/image/0?person=0").status_code == 409
    assert client.get("/image/0/../../x").status_code == client.get(f"/{LABELS[0]}_0.png").status_code == 404
    app = make_blind_app(open_sessions(work), [], "0.0.0.0", "secret-token")
    with TestClient(app, base_url=ORIGIN["origin"], headers=ORIGIN) as stranger:
        assert stranger.post("/begin", json={"person": ""}).status_code == 401


def test_the_time_does_not_begin_before_the_image_itself_is_sent(client: TestClient, work: Work):
    state = begin(client)
    refused = client.head("/image/0", params={"person": state["person"]})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    load(client, state)
    client.post("/answer", json=fields(state, typed="x"))
    assert [answer.paused for answer in read_answers(work)] == [False]


def test_a_full_disk_keeps_the_image_open(client: TestClient, work: Work, monkeypatch: pytest.MonkeyPatch):
    def refuse(work: Work, answer: object) -> None:
        raise OSError(28, "No space left on device", str(work.path))

    state = begin(client)
    load(client, state)
    monkeypatch.setattr("bearcat.labelling.blind.sessions.record_answer", refuse)
    answer = client.post("/answer", json=fields(state, typed="x"))
    assert (answer.status_code, "the disk is full" in answer.json()["error"]) == (500, True)
    monkeypatch.undo()
    assert client.post("/answer", json=fields(state, typed="x")).json()["answered"] == 1
