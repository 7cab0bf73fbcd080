"""The layout: prescribed files, small packages, tables that agree, steps that start without heavy imports.

That imports inside bearcat go down only is held by import-linter (pyproject.toml), which `make test` runs.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.data.codecs import TEXT_CODECS
from bearcat.modes import MODES, Task
from bearcat.networks.registry import BACKBONES, load_backbone_module
from tests.helpers.steps import ROOT

PRESCRIBED = """New_work.py init_working_space.py gen_sample_by_captcha.py move_path.py cheak_file.py pack_dataset.py
models.py train.py save_model.py test.py app.py spider_example.py callback.py delete_file.py settings.py utils.py
captcha_config.json requirements.txt README.md README.zh-CN.md Makefile""".split()
SHARED = {"utils", "models", "callback"}
SCRIPTS = sorted(path for path in ROOT.glob("*.py") if path.stem not in {"utils", "settings"})
MOST_FILES = 15  # of a package, so that a folder is seen at a glance
HEAVY = ("tensorflow", "keras", "matplotlib", "scipy")
WITHOUT_HEAVY = """New_work init_working_space gen_sample_by_captcha move_path cheak_file delete_file test app
spider_example read_folder strength utils pack_dataset train save_model callback""".split()

# imports modules one after the other, and prints each with what it was the first to import of HEAVY
IMPORT = f"""
import importlib, sys
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(name)
    for heavy in {HEAVY}:
        if heavy in sys.modules.keys() - before:
            print(name, "imports", heavy)
"""


def imports_of(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


@pytest.mark.parametrize("name", PRESCRIBED)
def test_a_prescribed_file_is_there(name: str):
    assert (ROOT / name).is_file()


def test_scripts_import_only_what_is_shared():
    scripts = {path.stem for path in SCRIPTS} - SHARED
    for path in SCRIPTS:
        assert not imports_of(path) & (scripts | {"settings"}), path.name


def test_the_library_never_imports_the_scripts():
    scripts = {path.stem for path in ROOT.glob("*.py")}
    modules = sorted((ROOT / "bearcat").rglob("*.py"))
    assert len(modules) > 100
    for path in modules:
        assert not {name.partition(".")[0] for name in imports_of(path)} & scripts, path


def test_packages_are_small_and_hold_every_module_but_three():
    top = {path.stem for path in (ROOT / "bearcat").glob("*.py")}
    assert top == {"__init__", "cli", "modes", "settings_rules"}
    folders = {path.parent for path in (ROOT / "bearcat").rglob("*.py")}
    for folder in folders:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))), folder


def test_the_steps_start_without_what_takes_seconds_to_import():
    command = [sys.executable, "-c", IMPORT, *WITHOUT_HEAVY]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == ""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_a_table_of_contents(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doc = ast.get_docstring(tree)
    assert all(word in doc for word in ("Reads:", "Writes:", "Next:")), doc
    assert any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
    assert ast.unparse(tree.body[-1]).startswith("if __name__ == '__main__':")


def test_the_modes_tables_have_the_same_keys():
    from bearcat.artifacts.inference import RECOGNISERS
    from bearcat.networks.metrics import DECODERS
    from bearcat.reports.test_report import REPORTERS
    from bearcat.serving.answers import ANSWERS, OPTIONS
    from models import BUILDERS
    from train import SOURCES

    assert MODES.keys() == BUILDERS.keys()
    assert TEXT_CODECS.keys() == DECODERS.keys()
    for table in (RECOGNISERS, ANSWERS, OPTIONS, SOURCES, REPORTERS):
        assert table.keys() == set(Task)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_of_the_table_can_be_loaded(name: str):
    assert name in load_backbone_module(name).VARIANTS
