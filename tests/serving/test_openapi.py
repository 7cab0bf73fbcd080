"""The OpenAPI document describes what the service accepts and answers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bearcat.artifacts.inference import load_recogniser
from bearcat.data.images import MIN_SIDE
from bearcat.serving.app import METHODS, make_app
from bearcat.serving.model_store import ModelStore
from bearcat.serving.openapi import describe_api
from tests.helpers.openapi import fits
from tests.helpers.services import DARK, LIGHT, SPEC, make_work, png, to_base64


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    lines = {"spec": replace(SPEC, frames="median", layout="two_lines")}
    work = make_work(tmp_path_factory.mktemp("service") / "work", captcha={}, lines=lines)
    models = ModelStore(work / "App_model", load_recogniser)
    models.load_all()
    models.refresh()  # on a busy machine, the check of a model may have been postponed
    app = make_app(models, 10_000, describe_models=models.describe, answer_fitting=models.answer_fitting)
    return TestClient(app, raise_server_exceptions=False)


REQUESTS = [
    ("POST", "/", {"json": {"img": DARK}}),
    ("POST", "/", {"json": {"img": [DARK, "???"]}}),
    ("POST", "/", {"json": {"image": DARK}}),
    ("POST", "/", {"json": {"img": "???"}}),
    ("POST", "/", {"data": {"img": [DARK, LIGHT]}}),
    ("POST", "/", {"files": {"img": ("a.png", png())}}),
    ("POST", "/", {"json": {"img": DARK, "grid": "1x2"}}),
    ("POST", "/", {"json": {"img": DARK, "characters": "b", "length": 1}}),
    ("POST", "/", {"json": {"img": DARK, "length": "1-2", "pattern": "[a-z]?"}}),
    ("POST", "/", {"json": {"img": DARK, "pattern": "[0-9]"}}),
    ("POST", "/", {"json": {"img": DARK, "model": "lines"}}),
    ("POST", "/", {"json": {"img": to_base64(png(0, (MIN_SIDE, MIN_SIDE))), "model": "lines"}}),
    ("POST", "/", {"json": {"img": DARK, "model": "auto"}}),
    ("POST", "/", {"json": {"img": "A" * 20_000}}),
    ("POST", "/", {"content": b"x"}),
    ("POST", "/api/predict", {"json": {"data": [DARK]}}),
    ("POST", "/api/predict", {"json": {"data": []}}),
    ("GET", "/", {}),
    ("GET", "/models", {}),
    ("GET", "/health", {}),
    ("GET", "/metrics", {}),
    ("GET", "/docs", {}),
    ("GET", "/openapi.json", {}),
    ("DELETE", "/models", {}),
]


@pytest.mark.parametrize(("method", "path", "request_options"), REQUESTS)
def test_an_answer_fits_the_document(client: TestClient, method: str, path: str, request_options: dict):
    whole = client.get("/openapi.json").json()
    operations = whole["paths"][path]
    operation = operations.get(method.lower(), next(iter(operations.values())))
    answer = client.request(method, path, **request_options)
    described = operation["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    media = described[kind]
    assert fits(answer.json() if kind == "application/json" else answer.text, media["schema"], whole), answer.text
    sent = request_options.get("json")
    if sent and answer.status_code == 200:
        assert fits(
            sent, operation["requestBody"]["content"]["application/json"]["schema"] | {"additionalProperties": 0}, whole
        )


def test_a_model_of_another_layout_is_described(client: TestClient):
    inputs = {model["name"]: model["input"] for model in client.get("/models").json()["models"]}
    assert inputs["captcha"] == {"height": 16, "width": 16, "channels": 1}
    assert inputs["lines"] == inputs["captcha"] | {"frames": "median", "layout": "two_lines"}
    smallest = {"img": to_base64(png(255, (MIN_SIDE, MIN_SIDE))), "model": "lines"}
    assert client.post("/", json=smallest).json()["result"] == "b"


@pytest.mark.parametrize(
    ("options", "names"),
    [({}, ["captcha", "lines"]), ({"answer_fitting": lambda image: {}}, ["captcha", "lines", "auto"])],
)
def test_auto_is_named_where_a_model_can_be_chosen(options: dict, names: list[str]):
    client = TestClient(make_app(dict.fromkeys(["captcha", "lines"], lambda image: {}), **options))
    body = client.get("/openapi.json").json()["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["model"]["enum"] == names
    refused = client.post("/", json={"img": DARK, "model": "none"})
    assert refused.status_code == 400
    assert refused.json()["return_info"] == f"model is 'none': available models are {', '.join(names)}"


def test_every_path_is_documented_with_its_methods():
    described = {path: {method.upper() for method in methods} for path, methods in describe_api([])["paths"].items()}
    served = {path: set(methods) - {"HEAD"} for path, methods in METHODS.items()}
    assert described == served


def test_every_reference_is_defined_and_used():
    description = describe_api(["captcha"])
    found = set(re.findall(r"'#/components/schemas/(\w+)'", repr(description)))
    assert found == set(description["components"]["schemas"])


def test_the_docs_page_lists_all_paths_and_loads_nothing(client: TestClient):
    page = client.get("/docs").text
    for path in METHODS:
        assert f" {path}</code>" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=.(https?:)?//", page)


def test_names_of_models_are_escaped(client: TestClient, tmp_path: Path):
    other = TestClient(make_app({"<b>": lambda image: {}}))
    assert "<b>" not in other.get("/docs").text
