"""schemathesis finds no answer that /openapi.json does not describe. Needs requirements-schemathesis.txt."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.small_service import FOUND, SIGNS, TEXT
from tests.helpers.detections import write_detector
from tests.helpers.services import Running, make_work, running

pytest.importorskip("schemathesis", reason="needs schemathesis: pip install -r requirements-schemathesis.txt")

TOKEN = "a-token-of-tests-only"
EXAMPLES = 50  # at most, of an operation
SECONDS = 1800  # at most, even on a busy machine
# what no schema can say: which base64 is an image, and which option applies to which model; and that fields which are
# empty or not known are ignored, and each image of a list gets its own answer
NOT_CHECKED = "positive_data_acceptance,negative_data_rejection"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work with a model of texts and a detector."""
    work = make_work(tmp_path_factory.mktemp("service") / "work", **{TEXT: {}})
    write_detector(work / "App_model" / f"{SIGNS}.onnx", FOUND)
    return work


@pytest.fixture(scope="module", params=[None, TOKEN], ids=["open", "with a token"])
def service(request: pytest.FixtureRequest, work: Path) -> Iterator[tuple[Running, list[str]]]:
    """A running service, and the options that send its token."""
    token = request.param
    with running(work, "--no-page", *(["--token", token] if token else [])) as service:
        yield service, ["--header", f"Authorization: Bearer {token}"] if token else []


def test_every_answer_is_described(service: tuple[Running, list[str]], tmp_path: Path, pytestconfig: pytest.Config):
    if not pytestconfig.getoption("--faults"):
        pytest.skip("takes minutes: make test-faults")
    running_service, options = service
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{running_service.address}/openapi.json", *options]
    command += ["--max-examples", str(EXAMPLES), "--seed", "0", "--generation-database", "none", "--no-color"]
    command += ["--exclude-checks", NOT_CHECKED, "--continue-on-failure"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=SECONDS)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert re.search(r"\b(\d{2,}) generated, \1 passed", found.stdout), found.stdout
