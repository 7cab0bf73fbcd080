"""Telemetry is off: no host name is looked up while a model is trained, saved and served."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.core.telemetry import SWITCHES
from tests.helpers.offline import CONTROL, PORT, run_offline, why_not
from tests.helpers.steps import ROOT

NOT_HERE = why_not()


@pytest.mark.skipif(bool(NOT_HERE), reason=NOT_HERE)
@pytest.mark.parametrize("trained", ["ORDINARY"], indirect=True)
def test_no_step_looks_a_host_up_or_leaves_an_identifier(trained: Path, tmp_path: Path):
    """Takes as long as two processes of their own: what packages do on import and at the end is seen."""
    served, work = tmp_path / "served", tmp_path / "work"
    shutil.copytree(trained, served)
    shutil.copytree(trained, work)

    def step(script: str, work: Path, *options: object) -> list:
        return [sys.executable, ROOT / script, "--work", work, *options]

    home = tmp_path / "home"
    home.mkdir()
    seen = run_offline(
        step("app.py", served, "--port", PORT),
        step("train.py", work, "--set", "EPOCHS=3", "--through", "save_model"),
        folder=home,
    )
    assert seen["codes"] == [0, 0], seen["output"]
    assert "Exported" in seen["output"][1]
    assert set(seen["asked"]) == {CONTROL}
    # ONNX Runtime writes its identifier when it is loaded, long before it reports
    assert not list(home.rglob("*deviceid*")) + list(home.rglob("*.onnxruntime*"))


def test_a_value_of_the_user_s_own_stays():
    environment = os.environ | dict.fromkeys(SWITCHES, "mine")
    code = f"import bearcat, os; print(*(os.environ[name] for name in {list(SWITCHES)}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["mine"] * len(SWITCHES), done.stderr
