"""The routes of the page of boxes: states, proposals, requests that are refused, vendored files."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from bearcat.core.workspace import Work
from bearcat.detection.decoding import Detections
from bearcat.labelling.boxes.app import MAX_BODY, MAX_BOXES, STATIC, STATIC_FILES, make_box_app, proposals
from bearcat.labelling.boxes.translations import TEXTS
from bearcat.labelling.copies import MAX_LABEL
from bearcat.labelling.session import LabellingSession
from tests.helpers.box_labelling import BOXES, SIZE, open_boxes
from tests.helpers.detections import write_detector
from tests.helpers.labelling import ORIGIN, train_set
from utils import Predict_Image

VENDORED = re.compile(r"\| `(?P<file>[\w.]+)` \|.*\| `(?P<digest>[0-9a-f]{64})` \|")


def as_sent(boxes: list) -> list[dict]:
    return [{"name": box.name, "box": list(box.corners)} for box in boxes]


def window(session: LabellingSession) -> TestClient:
    """Returns a browser's window on the page of a session whose images are opened."""
    return TestClient(make_box_app(session, list, "first"), base_url=ORIGIN["origin"], headers=ORIGIN)


@pytest.fixture
def client(folder: Path, work: Work) -> Iterator[TestClient]:
    with window(open_boxes(folder, work)) as client:
        yield client


def test_boxes_are_confirmed_undone_and_shown_again(client: TestClient, work: Work):
    state = client.get("/state").json()
    assert state["image"] == {"number": 0, "name": "1.png", "boxes": [], "confidence": None}
    assert (state["known_symbols"], state["model"], state["remaining"]) == ([], "", 3)
    state = client.post("/confirm", json={"number": 0, "boxes": as_sent(BOXES)}).json()
    assert (state["message"], state["values"]["count"], state["labelled"]) == ("saved", "3", 1)
    assert {state["values"]["file"], state["values"]["file"].replace(".png", ".xml")} == set(train_set(work))
    assert state["known_symbols"] == ["fire hydrant", "好"]
    state = client.post("/undo", json={}).json()
    assert (state["message"], state["labelled"]) == ("undone", 0)
    assert state["image"]["boxes"] == [{**box, "score": None} for box in as_sent(BOXES)]
    assert train_set(work) == {}
    refused = client.post("/confirm", json={"number": 0, "boxes": [{"name": "_", "box": [0, 0, 5, 5]}]})
    assert (refused.status_code, refused.json()["error"]) == (409, TEXTS["en"]["name_is_blank"])


def test_the_model_proposes_its_objects(folder: Path, work: Work):
    write_detector(work.folder("App_model") / "clicks.onnx", [(2, (10, 20, 30, 40)), (0, (5, 50, 20, 60))])
    with window(open_boxes(folder, work, Predict_Image)) as client:
        state = client.get("/state").json()
    assert (state["model"], state["known_symbols"]) == ("clicks", ["天", "好", "妤"])
    assert [box["name"] for box in state["image"]["boxes"]] == ["天", "好"]
    assert all(0.9 < box["score"] < 1 for box in state["image"]["boxes"])
    corners = [corner for box in state["image"]["boxes"] for corner in box["box"]]
    assert all(0 <= corner <= max(SIZE) and isinstance(corner, int) for corner in corners)


def test_proposals_are_whole_pixels_from_left_to_right():
    boxes = [[30.4, 0, 40.6, 9.5], [10.2, 3, 20.7, 9], [5.1, 5, 5.4, 9], [1, 1, 9, 9]]
    scores = np.array([[0.9], [0.8], [0.7], [0.3]])
    assert proposals(Detections(("a",), np.array(boxes), scores)) == [
        {"name": "a", "score": 0.8, "box": [10, 3, 21, 9]},
        {"name": "a", "score": 0.9, "box": [30, 0, 41, 10]},
    ]
    many = Detections(("a",), np.tile([1.0, 1, 9, 9], (MAX_BOXES + 9, 1)), np.full((MAX_BOXES + 9, 1), 0.9))
    assert len(proposals(many)) == MAX_BOXES


BAD_BOXES = [
    [{"name": "a", "box": [0, 0, 5]}],
    [{"name": "a", "box": [0, 0, 5, 5, 5]}],
    [{"name": "a", "box": [0, 0, 5, 5.0]}],
    [{"name": "a", "box": [0, 0, 5, True]}],
    [{"name": "a", "box": [-1, 0, 5, 5]}],
    [{"name": "a", "box": [0, 0, 5, 10**400]}],
    [{"name": "a", "box": "0055"}],
    [{"name": 1, "box": [0, 0, 5, 5]}],
    [{"name": "a"}],
    [{"name": "a", "box": [0, 0, 5, 5], "score": 1}],
    [["a", 0, 0, 5, 5]],
    [{"name": "a", "box": [0, 0, 5, 5]}] * (MAX_BOXES + 1),
    {"name": "a", "box": [0, 0, 5, 5]},
]


@pytest.mark.parametrize("boxes", BAD_BOXES, ids=lambda boxes: str(boxes)[:40])
def test_bad_boxes_change_nothing(client: TestClient, work: Work, boxes: object):
    answer = client.post("/confirm", json={"number": 0, "boxes": boxes})
    assert answer.status_code == answer.json()["return_code"] == 400
    assert train_set(work) == {}


def test_as_many_boxes_as_are_allowed_fit_into_a_request(client: TestClient, work: Work):
    boxes = [{"name": "𠀀" * (MAX_LABEL - 3) + f"{number:03}", "box": [0, 0, *SIZE]} for number in range(MAX_BOXES)]
    assert client.post("/confirm", json={"number": 0, "boxes": boxes}).status_code == 200
    assert client.post("/confirm", json={"number": 1, "boxes": ["x" * MAX_BODY]}).status_code == 413
    assert len(train_set(work)) == 2


def test_requests_of_other_sites_are_refused(client: TestClient, work: Work):
    fields = {"number": 0, "boxes": as_sent(BOXES)}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"host": "evil.example"}):
        assert client.post("/confirm", json=fields, headers=headers).status_code == 403
    assert train_set(work) == {}


def test_the_page_runs_only_its_own_scripts_and_styles(client: TestClient):
    for path in STATIC_FILES:
        answer = client.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        if "vendor" not in str(STATIC_FILES[path]):
            assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    html = client.get("/").text
    assert not re.search(r"<style|style=|<script(?! src=)| on\w+=", html)


def test_vendored_files_are_those_of_their_authors():
    listed = {found["file"]: found["digest"] for found in VENDORED.finditer((STATIC / "vendor/README.md").read_text())}
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (STATIC / "vendor").glob("*.js")}
    assert listed == digests
    assert "MIT License" in (STATIC / "vendor/konva.LICENSE.txt").read_text(encoding="utf-8")


def test_texts_are_in_the_language_of_the_browser(client: TestClient):
    assert client.get("/texts", headers={"accept-language": "zh-CN"}).json()["texts"] == TEXTS["zh"]
    refused = {"number": 0, "boxes": [{"name": " ", "box": [0, 0, 5, 5]}]}
    answer = client.post("/confirm", json=refused, headers={"accept-language": "zh-CN"})
    assert answer.json()["error"] == TEXTS["zh"]["label_empty"]
    assert TEXTS["en"].keys() == TEXTS["zh"].keys()
