"""What can be held of the deployment notes without Docker and Triton: files, requirements and the repository."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.triton_repository import lay_out
from tests.helpers.services import SIDE, make_work, write_unit
from tests.helpers.steps import ROOT

DEPLOY = ROOT / "deploy"
HEAVY = "tensorflow keras gradio fastapi pydantic pandas onnx tf2onnx captcha requests pytest".split()


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_the_container_s_requirements_are_part_of_all_and_hold_no_training():
    serve = requirements("requirements-serve.txt")
    assert serve < requirements("requirements.txt")
    assert not {re.split(r"\W", line)[0] for line in serve} & set(HEAVY)


def test_the_files_that_the_dockerfile_copies_are_all_that_app_py_needs(tmp_path: Path):
    copies = re.findall(
        r"^COPY (.+) (\S+)$", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for names, target in copies:
        for name in names.split():
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, tmp_path / target / name)
    work = make_work(tmp_path / "work", unit={})
    start = f"import sys; sys.path.insert(0, '.'); sys.modules |= dict.fromkeys({HEAVY}); import app; app.run(app.main)"
    # stops at the token, when all is imported and the work is found
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


def test_the_triton_repository_holds_the_unit_as_it_is_and_its_names(tmp_path: Path):
    unit = write_unit(tmp_path / "captcha.onnx")
    folder = lay_out(unit, tmp_path / "repository", 4)
    assert (folder / "1" / "model.onnx").read_bytes() == unit.read_bytes()
    config = (folder / "config.pbtxt").read_text(encoding="utf-8")
    assert 'name: "captcha"' in config
    assert f'name: "image" data_type: TYPE_FP32 dims: [ {SIDE}, {SIDE}, 1 ]' in config
    assert "count: 4" in config
    assert config.count("{") == config.count("}")
