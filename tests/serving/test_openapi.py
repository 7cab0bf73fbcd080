"""The OpenAPI document describes what the service accepts and answers."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bearcat.artifacts.inference import load_recogniser
from bearcat.serving.app import METHODS, make_app
from bearcat.serving.model_store import ModelStore
from bearcat.serving.openapi import describe_api
from tests.helpers.services import DARK, LIGHT, make_work, png

TYPES = {"string": str, "array": list, "object": dict, "number": (int, float), "integer": int, "null": type(None)}


def fits(value: object, schema: dict, whole: dict) -> bool:
    """Whether a value fits a schema; supports only the keywords that the document uses."""
    if "$ref" in schema:
        return fits(value, whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole)
    if "oneOf" in schema:
        return sum(fits(value, one, whole) for one in schema["oneOf"]) == 1
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if not isinstance(value, TYPES[schema["type"]] if "type" in schema else object):
        return False
    if isinstance(value, list):
        lengths = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return lengths and all(fits(one, schema["items"], whole) for one in value)
    if isinstance(value, dict) and "properties" in schema:
        known = all(fits(value[name], one, whole) for name, one in schema["properties"].items() if name in value)
        required = any(value.keys() >= set(option["required"]) for option in schema.get("anyOf", [schema]))
        return known and required and value.keys() <= schema["properties"].keys()
    return True


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    work = make_work(tmp_path_factory.mktemp("service") / "work", captcha={})
    models = ModelStore(work / "App_model", load_recogniser)
    models.load_all()
    return TestClient(make_app(models, 10_000, describe_models=models.describe), raise_server_exceptions=False)


REQUESTS = [
    ("POST", "/", {"json": {"img": DARK}}),
    ("POST", "/", {"json": {"img": [DARK, "???"]}}),
    ("POST", "/", {"json": {"image": DARK}}),
    ("POST", "/", {"json": {"img": "???"}}),
    ("POST", "/", {"data": {"img": [DARK, LIGHT]}}),
    ("POST", "/", {"files": {"img": ("a.png", png())}}),
    ("POST", "/", {"json": {"img": DARK, "grid": "1x2"}}),
    ("POST", "/", {"json": {"img": "A" * 20_000}}),
    ("POST", "/", {"content": b"x"}),
    ("POST", "/api/predict", {"json": {"data": [DARK]}}),
    ("POST", "/api/predict", {"json": {"data": []}}),
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
    ((kind, media),) = described.items()
    assert answer.headers["content-type"].startswith(kind)
    assert fits(answer.json() if kind == "application/json" else answer.text, media["schema"], whole), answer.text
    sent = request_options.get("json")
    if sent and answer.status_code == 200:
        assert fits(
            sent, operation["requestBody"]["content"]["application/json"]["schema"] | {"additionalProperties": 0}, whole
        )


def test_every_path_is_documented_with_its_methods():
    described = {path: {method.upper() for method in methods} for path, methods in describe_api([])["paths"].items()}
    served = {path: set(methods) - {"HEAD"} for path, methods in METHODS.items()}
    served["/"].discard("GET")  # the page
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
