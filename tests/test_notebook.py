"""The notebook runs from its first cell to its last, by the steps of the README, and lies in git without outputs."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.steps import ROOT

NOTEBOOK = ROOT / "examples" / "tutorial.ipynb"
SECONDS = "2"  # of training
TIMEOUT = 240  # seconds per cell
# smaller than a reader's, whose network and int8 model take seconds more
SMALL = """with (WORK / "settings.py").open("a") as file:
    file.write("BACKBONE = 'tiny'; QUANTIZE = False")"""
ANSWER = r"^(\d{5})_\d+\.png: (\d*), confidence (\d+\.\d)%$"


@pytest.fixture
def notebook() -> dict:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_outputs_are_stripped(notebook: dict):
    for cell in code_cells(notebook):
        assert cell["outputs"] == [] and cell["execution_count"] is None, source(cell)
        assert cell["metadata"] == {}
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


def test_its_steps_are_those_of_the_readme(notebook: dict):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    own = re.search(r"^## Train on your own images$(.*?)^## ", readme, re.DOTALL | re.MULTILINE)
    steps = re.findall(r"^python (\w+\.py)", own[1], re.MULTILINE)
    assert steps.pop() == "app.py"
    assert re.findall(r'^step\("(\w+\.py)"', "\n".join(map(source, code_cells(notebook))), re.MULTILINE) == steps


def test_its_links_resolve(notebook: dict):
    texts = [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", "\n".join(texts))
    assert links
    for link in links:
        assert (NOTEBOOK.parent / link).is_file(), link


@pytest.mark.parametrize("folder", [ROOT, NOTEBOOK.parent])
def test_the_project_is_found_and_nothing_is_installed(
    folder: Path, notebook: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    names: dict = {}
    exec(source(code_cells(notebook)[0]), names)
    assert names["ROOT"] == ROOT
    assert capsys.readouterr().out == "All packages are installed.\n"


def test_another_version_of_tensorflow_is_replaced(notebook: dict, monkeypatch: pytest.MonkeyPatch):
    version, commands = importlib.metadata.version, []
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.19.0" if name == "tensorflow" else version(name))
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="Restart the kernel"):
        exec(source(code_cells(notebook)[0]), {})
    assert [command[1:] for command in commands] == [
        ["-m", "pip", "install", "--quiet", "-r", ROOT / "requirements.txt"]
    ]


def test_outside_the_project_it_says_so(notebook: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="inside the project"):
        exec(source(code_cells(notebook)[0]), {})


def test_it_runs_to_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Executes all cells in examples/; everything they write goes to a temporary folder."""
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient: pip install -r requirements.txt")
    kernelspec = pytest.importorskip("ipykernel.kernelspec", reason="needs ipykernel: pip install -r requirements.txt")
    nbformat = pytest.importorskip("nbformat", reason="comes with nbclient")
    # a kernel of this interpreter, before any that is installed under the same name
    kernelspec.write_kernel_spec(tmp_path / "jupyter" / "kernels" / "python3")
    for name, value in {
        "JUPYTER_PATH": tmp_path / "jupyter",
        "JUPYTER_RUNTIME_DIR": tmp_path / "runtime",
        "IPYTHONDIR": tmp_path / "ipython",
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), tmp_path),
        "BEARCAT_TRAIN_SECONDS": SECONDS,
        "PIP_NO_INDEX": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # three steps import TensorFlow
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells[-1:] = [nbformat.v4.new_code_cell("sys.executable"), notebook.cells[-1]]
    created = next(number for number, cell in enumerate(notebook.cells) if "init_working_space.py" in source(cell))
    notebook.cells.insert(created + 1, nbformat.v4.new_code_cell(SMALL))
    client = nbclient.NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    client.execute()  # raises CellExecutionError if a cell fails

    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    printed = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    print(printed)
    label, prediction, confidence = re.search(ANSWER, printed, re.MULTILINE).groups()
    assert 0 <= float(confidence) <= 100, (label, prediction)
    assert "Next: python app.py" in printed
    assert [output["data"]["text/plain"] for output in outputs[-1:]] == [repr(sys.executable)]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    (work,) = tmp_path.glob("bearcat-*/own")
    report = json.loads((work / "report" / "test.json").read_text(encoding="utf-8"))
    assert report["images"] == 100
    assert f"{len(report['mistakes'])} of 100 images are predicted incorrectly." in printed
