"""The tables of optimizers and input sizes."""

import importlib
import subprocess
import sys

import keras

from bearcat.networks.registry import OPTIMIZERS, input_size_for
from tests.helpers.steps import ROOT


def test_most_text_images_are_resized_to_one_size():
    sizes = [(48, 160), (27, 72), (80, 240), (60, 100), (50, 200), (24, 24)]
    assert {input_size_for(*size) for size in sizes} - {(48, 160)} == set()
    assert input_size_for(30, 300) == (48, 320)


def test_each_name_of_the_table_is_an_optimizer():
    for module, name in OPTIMIZERS.values():
        assert issubclass(getattr(importlib.import_module(module), name), keras.optimizers.Optimizer)


def test_the_tables_are_read_without_keras():
    check = "import sys, bearcat.networks.registry; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True, timeout=60)
