"""A real service with tiny models: hand-made ONNX files that predict one of two characters from the brightness."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import requests
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from bearcat.artifacts.card import METADATA_KEY, Card
from bearcat.core.files import atomic_write
from bearcat.data.images import UNKNOWN_KINDS, ImageKinds, InputSpec
from bearcat.serving.protection.log_writer import GATHER_SECONDS
from tests.helpers.steps import ROOT

SIDE = 16  # pixels
SPEC = InputSpec(SIDE, SIDE, 1)
MATRIX = 512
# without TensorFlow and Keras, and with shorter times
START = (
    "import sys; sys.modules |= dict.fromkeys(('tensorflow', 'keras'))\n"
    "import app, bearcat.serving.middleware, bearcat.serving.model_store\n"
    "bearcat.serving.middleware.BODY_SECONDS = 1; bearcat.serving.model_store.POLL_SECONDS = 0.1\n"
    "bearcat.serving.model_store.START_SECONDS = 3\n"
)
RUN = "\napp.run(app.main)"


def write_model(
    file: Path,
    characters: str = "ab",
    classes: int = 3,
    work: int = 0,
    kinds: ImageKinds = UNKNOWN_KINDS,
    spec: InputSpec = SPEC,
) -> Path:
    """Writes a model that predicts the first character for a dark image and the second for a light one.

    Args:
        file: The ONNX file.
        characters: Its vocabulary.
        classes: Width of its output; 3 fits two characters and the blank.
        work: Number of matrix products, which make it slow.
        kinds: The images that it is said to be trained on.
        spec: Its input, SIDE pixels high and wide.
    """
    constants = {
        "all": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
        "square": np.array([1, MATRIX, MATRIX], np.int64),
        "factor": np.array(1 / 255 / MATRIX, np.float32),
        # class 0 is the blank, which is never predicted
        "weights": np.linspace(-1, 1, classes).astype(np.float32)[None, None],
        "biases": np.array([-500, *np.linspace(0, -128, classes - 1)], np.float32)[None, None],
    }
    nodes = [
        helper.make_node("ReduceMean", ["image", "all"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["light"]),
        helper.make_node("Mul", ["light", "factor"], ["little"]),
        helper.make_node("Expand", ["little", "square"], ["m0"]),
        *(helper.make_node("MatMul", [f"m{n}", "m0"], [f"m{n + 1}"]) for n in range(work)),
        helper.make_node("ReduceMean", [f"m{work}"], ["one"], keepdims=1),
        helper.make_node("Mul", ["one", "factor"], ["nothing"]),
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
    card = Card(file.stem, "ORDINARY", "light", tuple(characters), spec, 1, {"val_exact": 0.9}, kinds=kinds)
    helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    with atomic_write(file) as part:
        onnx.save(model, part)
    return file


def make_work(folder: Path, **models: dict) -> Path:
    """Creates a work with models in App_model: name → arguments of write_model."""
    (folder / "App_model").mkdir(parents=True)
    for template in ("settings.py", "captcha_config.json"):
        shutil.copyfile(ROOT / template, folder / template)
    for name, options in models.items():
        write_model(folder / "App_model" / f"{name}.onnx", **options)
    return folder


def png(light: int = 0, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """Returns an image of one brightness as a PNG file."""
    buffer = io.BytesIO()
    Image.new("L", size, light).save(buffer, "PNG")
    return buffer.getvalue()


def to_base64(image: bytes) -> str:
    return base64.b64encode(image).decode()


DARK, LIGHT = to_base64(png(0)), to_base64(png(255))


@dataclass
class Running:
    """A running service."""

    process: subprocess.Popen
    address: str
    log_file: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def log(self) -> str:
        """Returns what it has written to stderr, once nothing has been added for longer than lines gather."""
        before = None
        while (text := self.log_file.read_text(encoding="utf-8")) != before:
            before = text
            time.sleep(2 * GATHER_SECONDS)
        return text

    def post(self, **options) -> requests.Response:
        return requests.post(self.address, timeout=60, **options)

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(self.address + path, timeout=60, **options)

    def wait_for_log(self, pattern: str, seconds: float = 30) -> str:
        """Waits for a pattern in the log and returns its first match."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log_file.read_text(encoding="utf-8"))):
            assert time.monotonic() < deadline, f"{pattern} is not in the log:\n{self.log()}"
            time.sleep(0.05)
        return found[0]


@contextmanager
def running(
    work: Path,
    *arguments: object,
    script: bool = False,
    log_to: int | None = None,
    prefix: Sequence[str] = (),
    setup: str = "",
    **environment: str,
) -> Iterator[Running]:
    """Serves a work from its own process.

    Args:
        work: The work.
        arguments: Options of app.py.
        script: Whether to run app.py itself, without the tests' shorter times.
        log_to: Descriptor that the log is written to, None: the file that `Running.log` reads.
        prefix: Start of the command line, before Python.
        setup: Statements for its process, before it starts to serve.
        environment: Further variables of its environment.
    """
    start = [str(ROOT / "app.py")] if script else ["-c", START + setup + RUN]
    command = [*prefix, sys.executable, "-u", *start, "--work", str(work), "--port", "0", *map(str, arguments)]
    log_file = work / "service.log"
    with (
        log_file.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**_environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=log if log_to is None else log_to,
            encoding="utf-8",
        ) as process,
    ):
        try:
            lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            found = next(filter(None, lines), None)
            assert found, f"the service did not print its address:\n{log_file.read_text(encoding='utf-8')}"
            yield Running(process, found[0], log_file)
        finally:
            process.terminate()
            process.wait(timeout=60)
            process.stdout.close()


def _environment() -> dict[str, str]:
    """Returns the environment without a token that the person who runs the tests may have set."""
    return {name: value for name, value in os.environ.items() if name != "BEARCAT_TOKEN"}
