"""A Python without the packages: every script says in one message how to install them."""

import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.core.installation import missing_package_message
from tests.helpers.steps import ROOT

NO_STEPS = {"settings.py", "utils.py"}
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py") if path.name not in NO_STEPS)
NO_PACKAGES = "-S"  # Python's option that leaves site-packages out


def test_every_script_says_how_to_install():
    commands = [[sys.executable, NO_PACKAGES, ROOT / script] for script in SCRIPTS]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") for command in commands]
    for script, process in zip(SCRIPTS, processes, strict=True):
        _, printed = process.communicate(timeout=60)
        assert process.returncode == 2, printed
        assert printed.startswith(f"{script}: this Python has no "), printed
        assert printed.count("\n") == 1


def test_a_missing_module_of_the_project_keeps_its_traceback():
    code = "import sys; sys.argv = ['train.py']; import bearcat; import bearcat.no_such_module"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_other_programs_keep_their_traceback():
    code = "import bearcat; import no_such_package"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("folder", ["bin", "Scripts"])
def test_an_environment_that_exists_is_named(tmp_path: Path, folder: str):
    python = tmp_path / ".venv" / folder / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    message = missing_package_message("numpy", "train.py", tmp_path, "/usr")
    assert message.endswith(f"environment has what it needs: {python} train.py")


def test_without_an_environment_or_in_it_the_packages_are_to_be_installed(tmp_path: Path):
    without = missing_package_message("numpy", "train.py", tmp_path, "/usr")
    (tmp_path / ".venv").mkdir()
    inside = missing_package_message("numpy", "train.py", tmp_path, str(tmp_path / ".venv"))
    assert without == inside
    assert without.endswith(f"{sys.executable} -m pip install -r {tmp_path / 'requirements.txt'}")
