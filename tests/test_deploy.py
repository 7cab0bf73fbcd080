"""The deployment files and docs/deployment.md, as far as they can be tested without Docker and Triton."""

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from app import make_service_parser
from bearcat.artifacts.inference import OnnxEngine
from deploy.triton_repository import create_repository
from tests.helpers.services import SIDE, make_work, write_model
from tests.helpers.steps import ROOT

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
EARLIER_MODEL = ROOT / "tests" / "data" / "earlier_files" / "ordinary"
HEAVY = "tensorflow keras gradio fastapi pydantic pandas onnx tf2onnx captcha requests pytest".split()


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_the_container_s_requirements_are_a_part_of_all_and_leave_out_training():
    serve = requirements("requirements-serve.txt")
    assert serve < requirements("requirements.txt")
    assert not {re.split(r"\W", line)[0] for line in serve} & set(HEAVY)


def test_the_container_s_packages_are_pinned_with_hashes_and_fit_the_requirements():
    text = (ROOT / "deploy" / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    pinned = dict(re.match(r"([\w.-]+)==([^\s;]+)", line).groups() for line in lines)
    assert all(re.search(r" --hash=sha256:[0-9a-f]{64}", line) for line in lines)
    for line in requirements("requirements-serve.txt"):
        needed = Requirement(line)
        assert needed.specifier.contains(pinned[needed.name]), f"renew deploy/requirements.lock: {line}"
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall("^RUN (.*)$", dockerfile, re.MULTILINE) == [
        "pip install --no-cache-dir --require-hashes -r requirements.lock"
    ]


def test_the_dockerfile_copies_all_that_app_py_needs(tmp_path: Path):
    copies = re.findall(
        r"^COPY (.+) (\S+)$", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for names, target in copies:
        for name in names.split():
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, tmp_path / target / source.name)
    work = make_work(tmp_path / "work", captcha={})
    start = f"import sys; sys.path.insert(0, '.'); sys.modules |= dict.fromkeys({HEAVY}); import app; app.run(app.main)"
    # stops at the token, after all imports
    done = subprocess.run(
        [sys.executable, "-I", "-c", start, "--work", str(work), "--token", ""],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 2, done.stderr
    assert "one word of ASCII" in done.stderr
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert set(re.findall(r"^!(\S+)$", ignored, re.MULTILINE)) == {
        name for names, _ in copies for name in names.split()
    }


def test_the_triton_repository_holds_the_unchanged_model_and_its_names(tmp_path: Path):
    model = write_model(tmp_path / "captcha.onnx")
    folder = create_repository(model, tmp_path / "repository", 4)
    assert (folder / "1" / "model.onnx").read_bytes() == model.read_bytes()
    config = (folder / "config.pbtxt").read_text(encoding="utf-8")
    assert 'name: "captcha"' in config
    assert f'name: "image" data_type: TYPE_FP32 dims: [ {SIDE}, {SIDE}, 1 ]' in config
    assert "count: 4" in config
    assert config.count("{") == config.count("}")


def blocks(language: str) -> list[str]:
    """Returns the fenced blocks of a language in docs/deployment.md."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_all_options_of_app_py_are_documented_with_their_defaults():
    rows = dict(re.findall(r"^\| `(--[\w-]+)[^|]*\| ([^|]*) \|", PAGE, re.MULTILINE))
    options = {action.option_strings[-1]: action for action in make_service_parser()._actions}
    assert rows.keys() == options.keys() - {"--help"}
    defaults = {name: options[name].default for name, cell in rows.items() if re.fullmatch("`.*`", cell)}
    assert rows["--max-body"] == "`8M`"
    assert defaults.pop("--max-body") == 8 * 2**20
    assert {name: rows[name] for name in defaults} == {name: f"`{value}`" for name, value in defaults.items()}
    assert {"--host", "--port", "--workers", "--queue", "--max-crops"} == defaults.keys()


def test_documented_commands_have_files_and_options_that_exist():
    lines = [line for block in blocks("bash") + blocks("text") for line in block.splitlines()]
    (build,) = (line for line in lines if line.startswith("docker build"))
    assert (ROOT / shlex.split(build)[3]).is_file()
    services = [line.removeprefix("python app.py ") for line in lines if line.startswith("python app.py ")]
    services += re.findall(r"`bearcat (--[^`]+)`", PAGE)
    assert len(services) == 2
    for options in services:
        make_service_parser().parse_args(shlex.split(options))


class Triton(BaseHTTPRequestHandler):
    """Answers inference requests as Triton's HTTP protocol with binary data does."""

    engine: OnnxEngine

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        length = int(self.headers["Inference-Header-Content-Length"])
        head, data = json.loads(body[:length]), body[length:]
        (given,) = head["inputs"]
        assert self.path == "/v2/models/captcha/infer"
        assert given["name"] == self.engine.session.get_inputs()[0].name
        assert (given["datatype"], given["parameters"]["binary_data_size"]) == ("FP32", len(data))
        assert head["parameters"]["binary_data_output"]
        logits = self.engine.logits(np.frombuffer(data, np.float32).reshape(given["shape"]))
        output = {"name": "logits", "datatype": "FP32", "shape": logits.shape}
        answer = json.dumps({"model_name": "captcha", "outputs": [output]}).encode()
        self.send_response(200)
        self.send_header("Inference-Header-Content-Length", str(len(answer)))
        self.send_header("Content-Length", str(len(answer) + logits.nbytes))
        self.end_headers()
        self.wfile.write(answer + logits.tobytes())

    def log_message(self, format: str, *values: object) -> None:
        """Logs nothing."""


@pytest.fixture
def earlier_model(tmp_path: Path) -> Path:
    """A trained model at the place that the page names."""
    model = tmp_path / "works" / "mine" / "App_model" / "captcha.onnx"
    model.parent.mkdir(parents=True)
    model.write_bytes(gzip.decompress((EARLIER_MODEL / "served.onnx.gz").read_bytes()))
    return model


def test_the_documented_triton_command_writes_the_documented_repository(earlier_model: Path, tmp_path: Path):
    (command,) = (block for block in blocks("bash") if "deploy." in block)
    python, *arguments = shlex.split(command)
    assert python == "python"
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    folder = tmp_path / "model_repository" / "captcha"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {"config.pbtxt", "1/model.onnx"}
    assert 'name: "pixels"' in (folder / "config.pbtxt").read_text(encoding="utf-8")


def test_the_documented_triton_client_predicts_as_the_service_does(
    earlier_model: Path, capsys: pytest.CaptureFixture[str]
):
    (code,) = (block for block in blocks("python") if "OnnxEngine" in block)
    expected = json.loads((EARLIER_MODEL / "expected.json").read_text(encoding="utf-8"))
    with HTTPServer(("127.0.0.1", 0), type("Server", (Triton,), {"engine": OnnxEngine(earlier_model)})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, prediction in expected.items():
            values = {"model": earlier_model, "image": EARLIER_MODEL / name}
            exec(code.replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}"), values)
            assert capsys.readouterr().out.strip() == prediction["text"]
        server.shutdown()
