"""SECURITY.md and docs/http-api.md agree with the service: bounds, fields, statuses and paths."""

import re

import pytest

from bearcat.cli import SERVICE_PORT
from bearcat.data import grids, images
from bearcat.labelling import app as labelling_app
from bearcat.serving import middleware, openapi, protocol, queue, server
from tests.helpers.steps import ROOT

API_PAGES = ["docs/http-api.md", "docs/zh-CN/http-api.md"]
MIB = 2**20
BOUNDS = {
    "address": f"127.0.0.1, port {SERVICE_PORT}",
    "body of a request": f"{middleware.MAX_BODY // MIB} MiB",
    "time for a body to arrive": f"{middleware.BODY_SECONDS} s",
    "rest of a refused body that is still read": f"{middleware.MAX_DRAINED // MIB} MiB",
    "bodies in memory at a time": f"{middleware.MAX_BODY_MEMORY // MIB} MiB, per process",
    "images per request": f"{protocol.MAX_IMAGES}",
    "fields of a form": f"{protocol.MAX_OPTIONS} beside `img`, {protocol.MAX_FIELDS} in all",
    "formats of an image": ", ".join(images.FORMATS),
    "pixels of an image": f"{images.MAX_PIXELS:,}, ",
    "cells of a grid": f"{grids.MAX_CELLS:,} per image",
    "images that wait": f"{queue.MAX_WAITING} ",
    "open requests when the service stops": f"{server.SHUTDOWN_SECONDS} s",
    "body sent to the labelling page": f"{labelling_app.MAX_BODY:,} bytes",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """Returns the cells of all table rows of a page."""
    return [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", read(name), re.MULTILINE)]


def quoted_in_first_cells(name: str) -> set[str]:
    return {word for row in rows(name) for word in re.findall(r"`([^`]+)`", row[0])}


@pytest.mark.parametrize("what", BOUNDS)
def test_security_md_states_the_bounds_of_the_code(what: str):
    (bound,) = (row[1] for row in rows("SECURITY.md") if row[0] == what)
    assert bound.startswith(BOUNDS[what])


def test_security_md_states_the_bounds_of_the_page():
    handlers, layout = (
        read(f"bearcat/serving/page/{name}.py") for name in ("handlers", "layout")
    )  # they import gradio
    bounds = {row[0]: row[1] for row in rows("SECURITY.md")}
    assert "MAX_PROMPT = 500 " in handlers
    assert bounds["prompt on the page"] == "500 characters"
    assert "UPLOAD_SECONDS = 3600 " in layout
    assert bounds["uploads of the page"].startswith("deleted one to two hours")


def test_the_files_that_security_md_names_exist():
    assert all((ROOT / name).is_file() for row in rows("SECURITY.md") for name in re.findall(r"`(\S+\.py)`", row[-1]))


@pytest.mark.parametrize("page", API_PAGES)
def test_every_field_path_and_status_is_documented(page: str):
    names = quoted_in_first_cells(page)
    body = openapi.describe_api([])["paths"]["/"]["post"]["requestBody"]["content"][protocol.JSON]["schema"]
    assert set(body["properties"]) <= names
    answers = (openapi.SCHEMAS["Answer"], openapi.SCHEMAS["Answers"])
    assert {field for answer in answers for field in answer["properties"]} <= names
    assert set(openapi.SCHEMAS["Cell"]["properties"]) <= names
    paths = {
        f"{method.upper()} {path}" for path, methods in openapi.describe_api([])["paths"].items() for method in methods
    }
    assert paths - {"POST /"} == {name for name in names if re.match("(GET|POST) ", name)} - {"GET /"}
    statuses = {row[0] for row in rows(page) if row[0].isdecimal()}
    assert statuses == {*openapi.ERRORS, "404"}
    assert f"{images.MAX_PIXELS:,}" in read(page)
    assert f" {middleware.BODY_SECONDS} " in next(row[1] for row in rows(page) if row[0] == "408")


def test_both_languages_show_the_same_code():
    english, chinese = (re.findall(r"```(\w+)\n(.*?)```", read(page), re.DOTALL) for page in API_PAGES)
    assert english == chinese
