"""SECURITY.md and docs/http-api.md agree with the service: bounds, fields, statuses and paths."""

import re

import pytest

from bearcat.artifacts import inference, run_guard
from bearcat.cli import SERVICE_PORT
from bearcat.core import files
from bearcat.data import frames, images
from bearcat.data.decoding import automata, paths, patterns
from bearcat.labelling import app as labelling_app
from bearcat.serving import answers, auth, bodies, middleware, model_store, openapi, protocol, queue, server, workers
from bearcat.serving.page import request_filter, uploads
from bearcat.serving.protection import connections, log_writer, model_check
from tests.helpers.steps import ROOT

API_PAGES = ["docs/http-api.md", "docs/zh-CN/http-api.md"]
MIB = 2**20
BOUNDS = {
    "address": f"127.0.0.1, port {SERVICE_PORT}",
    "connections": f"{connections.MAX_CONNECTIONS:,}, ",
    "open files": f"the limit is raised as far as the system allows, up to {connections.DESCRIPTORS:,}",
    "head of a request, trailers": f"{connections.MAX_HEAD:,} bytes",
    "time for a head to arrive": f"{connections.HEAD_SECONDS} s",
    "requests sent ahead of their answers": f"{connections.MAX_PIPELINED} per connection",
    "client that takes nothing of an answer": f"{connections.WRITE_SECONDS} s",
    "body of a request": f"{middleware.MAX_BODY // MIB} MiB",
    "time for a body to arrive": f"{middleware.BODY_SECONDS} s",
    "rest of a refused body that is still read": f"{middleware.MAX_DRAINED // MIB} MiB",
    "bodies in memory at a time": f"{middleware.MAX_BODY_MEMORY // MIB} MiB, per process",
    "images per request": f"{protocol.MAX_IMAGES}",
    "fields of a form": f"{protocol.MAX_OPTIONS} beside `img`, {protocol.MAX_FIELDS} in all",
    "formats of an image": ", ".join(images.SERVED_FORMATS),
    "pixels of an image": f"{images.MAX_PIXELS:,}, ",
    "frames of an animation, if the model uses more than the first": f"{frames.MAX_FRAMES}, and {images.MAX_PIXELS:,} ",
    "images of a request, or cells of their grids": f"{protocol.MAX_CROPS} in all",
    "pattern of a text": (
        f"{patterns.MAX_PATTERN} characters, {patterns.MAX_POSITIONS} positions, {automata.MAX_STATES} states"
    ),
    "restricted prediction of an image": f"{paths.MAX_CELLS:,} cells of a table",
    f"restricted predictions of cells of a grid, {answers.CELLS_AT_A_TIME} at a time": (
        f"{paths.MAX_BATCH_CELLS:,} cells of their tables"
    ),
    "names of a prompt": f"{answers.MAX_PROMPT_NAMES}, with {answers.MAX_PROMPT:,} characters in all",
    "text of a field beside `img`": f"{protocol.MAX_OPTION:,} characters",
    "values of JSON": f"{bodies.MAX_VALUES:,} of the characters `[`, `{{`, `,` and `:`; {files.MAX_JSON_LEVELS} levels",
    "what was sent, in an error": f"{protocol.SHOWN} characters",
    "body that has not arrived when the service stops": f"{middleware.STOPPING_SECONDS} s",
    f"prediction of an image, or of {answers.CELLS_AT_A_TIME} cells of a grid": f"{run_guard.PREDICTION_SECONDS} s ",
    "images that wait": f"{queue.MAX_WAITING} ",
    "size of a model's file": f"{inference.MAX_MODEL_BYTES:,} bytes",
    "check of a model, in a process of its own": (
        f"{model_check.CHECK_SECONDS} s, {model_store.START_SECONDS:g} s for each before the service starts if others "
        f"can be served meanwhile; {model_check.CHECK_MEMORY >> 30} GiB"
    ),
    "length of a token": f"at least {auth.MIN_TOKEN} characters",
    "answer to a wrong token": f"after {auth.WRONG_TOKEN_SECONDS:.0f} s",
    "workers that cannot start": f"{workers.MAX_FAILED_STARTS} in a row",
    "open requests when the service stops": f"{server.SHUTDOWN_SECONDS} s",
    "lines of the log that nobody reads": f"{log_writer.MAX_QUEUED:,} wait, per process",
    "uploads of the page, in total": f"{uploads.MAX_UPLOADS // MIB} MiB and {uploads.MAX_FILES:,} files",
    "uploads of the page that arrive at a time": f"{uploads.MAX_ARRIVING // MIB} MiB",
    "event of the page": f"{request_filter.MAX_EVENT // 1024} KiB; ",
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
    bounds = {row[0]: row[1] for row in rows("SECURITY.md")}
    assert uploads.UPLOAD_SECONDS == 3600
    assert bounds["uploads of the page"].startswith("deleted one to two hours")


@pytest.mark.parametrize(
    ("module", "constant", "what", "bound"),
    [
        ("handlers", "MAX_PROMPT = 500", "prompt on the page", "500 characters"),
        ("layout", "MAX_QUEUED = 64", "events of the page that wait", "64"),
        ("layout", "HISTORY_SECONDS = 24 * 3600", "visits whose history the page keeps", "100, for up to 24 h"),
        ("gradio_patches", "MAX_VISITS = 100", "visits whose history the page keeps", "100, for up to 24 h"),
        ("gradio_patches", "MAX_UNREAD = 32", "answers of the page that nobody reads", "32, and 8 of one visit"),
        ("gradio_patches", "MAX_EVENTS_OF_VISIT = 8", "events of one visit that wait", "8"),
    ],
)
def test_security_md_states_the_bounds_of_modules_that_import_gradio(module: str, constant: str, what: str, bound: str):
    assert f"\n{constant} " in read(f"bearcat/serving/page/{module}.py")
    assert {row[0]: row[1] for row in rows("SECURITY.md")}[what] == bound


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
    assert paths - {"POST /"} == {name for name in names if re.match("(GET|POST) ", name)}
    statuses = {row[0] for row in rows(page) if row[0].isdecimal()}
    assert statuses == {*openapi.ERRORS, "404"}
    assert f"{images.MAX_PIXELS:,}" in read(page)
    causes = {row[0]: row[1] for row in rows(page)}
    assert f" {middleware.BODY_SECONDS} " in causes["408"]
    assert f" {run_guard.PREDICTION_SECONDS} " in causes["500"]


def test_both_languages_show_the_same_code():
    english, chinese = (re.findall(r"```(\w+)\n(.*?)```", read(page), re.DOTALL) for page in API_PAGES)
    assert english == chinese
