"""A real service over tiny units: ONNX files made by hand, which read dark and light images as two characters."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import requests
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from bearcat.artifacts.card import METADATA_KEY, Card
from bearcat.core.files import written_beside
from tests.helpers.steps import ROOT

SIDE = 16  # pixels
MATRIX = 512
# TensorFlow and Keras cannot be imported in it, and a body must come within a second
START = (
    "import sys; sys.modules |= dict.fromkeys(('tensorflow', 'keras'))\n"
    "import app, bearcat.serving.middleware, bearcat.serving.model_store\n"
    "bearcat.serving.middleware.BODY_SECONDS = 1; bearcat.serving.model_store.POLL_SECONDS = 0.1\n"
    "app.run(app.main)"
)


def write_unit(file: Path, characters: str = "ab", rows: int = 3, work: int = 0) -> Path:
    """Write a unit that reads a dark image as the first character and a light one as the second.

    `rows` is the width of its output, `work` the number of matrix products that make it slow.
    """
    constants = {
        "all": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
        "square": np.array([1, MATRIX, MATRIX], np.int64),
        "share": np.array(1 / 255 / MATRIX, np.float32),
        # row 0 is the blank, which nothing is read as
        "weights": np.linspace(-1, 1, rows).astype(np.float32)[None, None],
        "biases": np.array([-500, *np.linspace(0, -128, rows - 1)], np.float32)[None, None],
    }
    nodes = [
        helper.make_node("ReduceMean", ["image", "all"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["light"]),
        helper.make_node("Mul", ["light", "share"], ["little"]),
        helper.make_node("Expand", ["little", "square"], ["m0"]),
        *(helper.make_node("MatMul", [f"m{n}", "m0"], [f"m{n + 1}"]) for n in range(work)),
        helper.make_node("ReduceMean", [f"m{work}"], ["one"], keepdims=1),
        helper.make_node("Mul", ["one", "share"], ["nothing"]),
        helper.make_node("Add", ["light", "nothing"], ["sum"]),
        helper.make_node("Mul", ["sum", "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "biases"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", SIDE, SIDE, 1])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    card = Card(file.stem, "ORDINARY", "light", tuple(characters), SIDE, SIDE, 1, 1, {"val_exact": 0.9})
    helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    with written_beside(file) as part:
        onnx.save(model, part)
    return file


def make_work(folder: Path, **units: dict) -> Path:
    """Make a work whose App_model holds units: name → what write_unit takes."""
    (folder / "App_model").mkdir(parents=True)
    for template in ("settings.py", "captcha_config.json"):
        shutil.copyfile(ROOT / template, folder / template)
    for name, options in units.items():
        write_unit(folder / "App_model" / f"{name}.onnx", **options)
    return folder


def png(light: int = 0, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """Return an image of one shade."""
    buffer = io.BytesIO()
    Image.new("L", size, light).save(buffer, "PNG")
    return buffer.getvalue()


def text_of(image: bytes) -> str:
    return base64.b64encode(image).decode()


DARK, LIGHT = text_of(png(0)), text_of(png(255))


@dataclass
class Running:
    """A service at work."""

    process: subprocess.Popen
    address: str
    log_file: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def log(self) -> str:
        """Return what it has written to stderr."""
        return self.log_file.read_text(encoding="utf-8")

    def post(self, **options) -> requests.Response:
        return requests.post(self.address, timeout=60, **options)

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(self.address + path, timeout=60, **options)

    def wait_for_log(self, pattern: str, seconds: float = 30) -> str:
        """Return the first match of a pattern in the log, once it is there."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log())):
            assert time.monotonic() < deadline, f"{pattern} is not in the log:\n{self.log()}"
            time.sleep(0.05)
        return found[0]


@contextmanager
def running(work: Path, *arguments: object, script: bool = False, **environment: str) -> Iterator[Running]:
    """Serve a work from a process of its own; `script` runs app.py itself, without the tests' shorter times."""
    start = [str(ROOT / "app.py")] if script else ["-c", START]
    command = [sys.executable, "-u", *start, "--work", str(work), "--port", "0", *map(str, arguments)]
    log_file = work / "service.log"
    with (
        log_file.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command, cwd=ROOT, env={**os_environ(), **environment}, stdout=subprocess.PIPE, stderr=log, encoding="utf-8"
        ) as process,
    ):
        try:
            lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            found = next(filter(None, lines), None)
            assert found, f"the service did not say where it listens:\n{log_file.read_text(encoding='utf-8')}"
            yield Running(process, found[0], log_file)
        finally:
            process.terminate()
            process.wait(timeout=60)
            process.stdout.close()


def os_environ() -> dict[str, str]:
    """Return the environment without a token of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if name != "BEARCAT_TOKEN"}
