"""The labelling page is used by its own window alone."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bearcat.core.errors import ServiceError
from bearcat.core.workspace import Work
from bearcat.labelling.app import make_labelling_app
from bearcat.labelling.start import check_reach
from tests.helpers.labelling import ORIGIN, open_session, train_set

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "http://localhost:5006"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"host": "evil.example:5006", "origin": "http://evil.example:5006"},
    {"host": "127.0.0.1.evil.example", "origin": "http://127.0.0.1.evil.example"},
    {"host": "127.0.0.1:5006@evil.example"},
    {"host": ""},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_requests_of_other_sites_are_refused(client: TestClient, work: Work, headers: dict[str, str]):
    for path, fields in (("confirm", {"number": 0, "label": "ab"}), ("skip", {"number": 0}), ("undo", {})):
        answer = client.post(f"/{path}", json=fields, headers=headers)
        assert answer.status_code == answer.json()["return_code"] == 403
    assert train_set(work) == {}
    assert client.get("/state").json()["skipped"] == 0
    if headers.keys() != {"origin"}:  # a GET changes nothing, and no page of another site can read its answer
        assert client.get("/state", headers=headers).status_code == 403
        assert client.get("/image/0", headers=headers).status_code == 403


def test_a_request_without_an_origin_writes_nothing(folder: Path, work: Work):
    session = open_session(folder, work)
    with TestClient(make_labelling_app(session, list), base_url=ORIGIN["origin"]) as client:
        assert client.post("/confirm", json={"number": 0, "label": "ab"}).status_code == 403
        assert client.get("/state").status_code == 200
    assert train_set(work) == {}


def test_links_to_the_page_and_tunnels_are_allowed(client: TestClient, work: Work):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/state", headers=link).status_code == 403
    tunnel = {"host": "localhost:8080", "origin": "http://localhost:8080", "sec-fetch-site": "same-origin"}
    assert client.post("/confirm", json={"number": 0, "label": "ab"}, headers=tunnel).status_code == 200


def test_other_machines_need_the_token(folder: Path, work: Work):
    session = open_session(folder, work)
    app = make_labelling_app(session, list, "0.0.0.0", "open-sesame")
    with TestClient(app, base_url="http://pc.example:5006", headers={"origin": "http://pc.example:5006"}) as client:
        for method, path in (("GET", "/"), ("GET", "/image/0"), ("POST", "/confirm"), ("GET", "/labelling.js")):
            assert client.request(method, path, json={"number": 0, "label": "ab"}).status_code == 401
        assert client.get("/?token=open-sesame").status_code == 200
        assert client.post("/confirm", json={"number": 0, "label": "ab"}).status_code == 200
        foreign = {"origin": "http://evil.example"}
        assert client.post("/confirm", json={"number": 1, "label": "ab"}, headers=foreign).status_code == 403
    assert len(train_set(work)) == 1
    with pytest.raises(ServiceError, match="--token"):
        check_reach("0.0.0.0", None)
    check_reach("0.0.0.0", "open-sesame")
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.53"):
        check_reach(host, None)
