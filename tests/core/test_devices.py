"""The start of TensorFlow."""

import os
import platform
import subprocess
import sys

import pytest

from bearcat.core.devices import choose_kernels
from tests.helpers.steps import ROOT

START_TWICE = """
import sys
from bearcat.core.devices import start_tensorflow
first = start_tensorflow(use_gpu=True)
print("pandas" in sys.modules, "matplotlib.pyplot" in sys.modules)
import keras
keras.ops.zeros(1) + 1
print(start_tensorflow(use_gpu=False).has_gpu == first.has_gpu)
import matplotlib.pyplot, pandas
"""


def test_a_start_imports_nothing_that_is_not_needed_and_may_be_repeated():
    pytest.importorskip("pandas")
    done = subprocess.run(
        [sys.executable, "-c", START_TWICE], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert done.stdout.split() == ["False", "False", "True"], done.stderr


@pytest.mark.parametrize(
    ("machine", "before", "after"),
    [("x86_64", None, "1"), ("AMD64", None, "1"), ("x86_64", "0", "0"), ("arm64", None, None)],
)
def test_onednn_computes_on_x86(machine: str, before: str | None, after: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if before:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", before)
    choose_kernels()
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == after
