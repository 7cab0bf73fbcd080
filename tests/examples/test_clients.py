"""The clients of examples/: the commands of its README send what /openapi.json describes, and print the answer."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl

import pytest
from fastapi.testclient import TestClient

from bearcat.artifacts.inference import load_recogniser
from bearcat.serving.app import make_app
from bearcat.serving.model_store import ModelStore
from bearcat.serving.protocol import FORM, JSON, MULTIPART
from tests.helpers.openapi import fits
from tests.helpers.services import make_work, png
from tests.helpers.steps import ROOT

EXAMPLES = ROOT / "examples"
COMMANDS = dict(
    re.findall(r"^\| ([\w#]+)[^|]*\| `(.*)` \|$", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
)
CLIENTS = sorted(path.name for path in EXAMPLES.iterdir() if path.stem.lower() == "client")
TOKEN = "a-token-of-tests-only"
SECONDS = 300  # a compiler on a busy machine
GATEWAY_ERROR = b"<html>502 Bad Gateway</html>"  # a proxy's
IMAGES = {"dark.png": png(0), "light.png": png(255), "notes.png": b"no image"}


@dataclass
class Recorded:
    """A request."""

    content_type: str
    token: str | None
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the body; uploads as text, since only their names and types matter."""
        kind = self.content_type.partition(";")[0]
        if kind == JSON:
            return json.loads(self.body)
        if kind == FORM:
            return dict(parse_qsl(self.body.decode("ascii"), strict_parsing=True))
        parts = message_from_bytes(
            b"Content-Type: %b\r\n\r\n%b" % (self.content_type.encode(), self.body)
        ).get_payload()
        return {part.get_param("name", header="content-disposition"): str(part.get_payload()) for part in parts}


@dataclass
class Service:
    """The real service behind a server that records what it passes on.

    Args:
        client: Asks the service.
        is_down: Whether to answer with GATEWAY_ERROR.
    """

    client: TestClient
    address: str = ""
    is_down: bool = False
    requests: list[Recorded] = field(default_factory=list)

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.requests.append(Recorded(headers["content-type"], headers.get("authorization"), body))
        if self.is_down:
            return 502, GATEWAY_ERROR
        answer = self.client.post("/", content=body, headers=headers | {"host": "127.0.0.1"})
        return answer.status_code, answer.content


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = make_work(tmp_path_factory.mktemp("service") / "work", captcha={"characters": '"验'}) / "App_model"
    models = ModelStore(folder, load_recogniser)
    models.load_all()
    service = Service(TestClient(make_app(models, token=TOKEN), raise_server_exceptions=False))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = service.answer({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield service
        server.shutdown()


@pytest.fixture
def service(started: Service) -> Service:
    started.requests.clear()
    started.is_down = False
    return started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of examples/ with some images."""
    folder = Path(shutil.copytree(EXAMPLES, tmp_path_factory.mktemp("examples") / "examples"))
    for name, content in IMAGES.items():
        (folder / name).write_bytes(content)
    return folder


def run_client(
    language: str, folder: Path, image: str, url: str, token: str = TOKEN, **more: str
) -> subprocess.CompletedProcess:
    """Runs the README's command of a language, with more variables, or skips the test without its programs."""
    command = COMMANDS[language].replace("captcha.png", image)
    programs = [part.split()[0] for part in command.split("&&") if part.split()[0] != "python"]
    if missing := [program for program in programs if not shutil.which(program)]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"BEARCAT_URL": url, "BEARCAT_TOKEN": token, "LC_ALL": "C.UTF-8", "GO111MODULE": "off"} | more
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=SECONDS
    )


def test_every_client_has_a_row_in_the_readme():
    named = {
        name for command in COMMANDS.values() for name in re.findall(r"\bclient\.(?!exe)\w+", command, re.IGNORECASE)
    }
    assert sorted(named) == CLIENTS
    assert {"Python", "Node"} <= COMMANDS.keys()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_fits_on_a_screen(client: str):
    assert len((EXAMPLES / client).read_text("utf-8").splitlines()) <= 65


@pytest.mark.parametrize("language", COMMANDS)
def test_a_client_sends_what_the_service_describes_and_prints_the_text(language: str, service: Service, folder: Path):
    document = service.client.get("/openapi.json", headers={"x-token": TOKEN}).json()
    bodies = document["paths"]["/"]["post"]["requestBody"]["content"]
    for image, text in (("dark.png", '"'), ("light.png", "验")):
        outcome = run_client(language, folder, image, service.address)
        assert outcome.returncode == 0, outcome.stderr
        assert re.fullmatch(rf"{text} \((100|\d\d)\.\d%\)\n", outcome.stdout), outcome.stdout
        request = service.requests[-1]
        kind = request.content_type.partition(";")[0]
        assert kind in (JSON, FORM, MULTIPART)
        assert request.fields.keys() == {"img"}
        assert fits(request.fields, bodies[kind]["schema"], document)
        assert request.token == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("language", "environment"),
    [
        ("Python", {"PYTHONIOENCODING": "cp1252"}),  # as on Windows if the output goes to a file
        ("Java", {"JAVA_TOOL_OPTIONS": "-Duser.language=de"}),
    ],
)
def test_a_client_prints_the_same_with_another_language_or_encoding(
    language: str, environment: dict[str, str], service: Service, folder: Path
):
    outcome = run_client(language, folder, "light.png", service.address, **environment)
    assert outcome.returncode == 0, outcome.stderr
    assert re.fullmatch(r"验 \((100|\d\d)\.\d%\)\n", outcome.stdout), outcome.stdout


@pytest.mark.parametrize("language", COMMANDS)
def test_a_client_prints_an_error_and_fails(language: str, service: Service, folder: Path):
    refused = run_client(language, folder, "notes.png", service.address)
    assert refused.stderr.startswith("error 415: the image is not in a supported format")
    without_token = run_client(language, folder, "dark.png", service.address, token="")
    assert without_token.stderr.startswith("error 401: the token is missing or wrong")
    assert service.requests[-1].token is None
    service.is_down = True
    down = run_client(language, folder, "dark.png", service.address)
    assert len(service.requests) == 3
    missing = run_client(language, folder, "missing.png", service.address)
    assert len(service.requests) == 3
    for outcome in (refused, without_token, down, missing):
        assert (outcome.returncode, outcome.stdout) == (1, ""), outcome
        assert outcome.stderr.count("\n") in (1, 2), outcome.stderr  # go run adds its own line
