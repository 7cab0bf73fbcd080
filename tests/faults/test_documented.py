"""What the READMEs say of faults is what the tests do; and what makes some of them impossible stays so."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import tests.faults.test_data as test_faults_data
import tests.faults.test_disk as test_faults_disk
import tests.faults.test_kills as test_kills
import tests.faults.test_models as test_faults_units
import tests.faults.test_settings as test_faults_settings
from tests.helpers.steps import ROOT

SOURCES = [*ROOT.glob("*.py"), *(ROOT / "bearcat").rglob("*.py")]
LEAST_FAULTS, LEAST_KILLS = 60, 40
ORIGINAL_ERRORS = 11


def counted() -> tuple[Counter, Counter]:
    """Return step → how many bad inputs it meets, and how many kills."""
    tables = (test_faults_settings.FAULTS, test_faults_data.FAULTS, test_faults_units.FAULTS)
    faults = Counter(fault.step for table in tables for fault in table)
    faults.update(step for step, _ in test_faults_disk.CASES)
    faults.update(list(test_faults_disk.FILES))
    return faults, Counter(kill.step for kill in test_kills.KILLS)


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_counts_what_the_tests_try(readme: str):
    text, (faults, kills) = (ROOT / readme).read_text(encoding="utf-8"), counted()
    rows = re.findall(r"^\| `(\w+\.py)` \| ([\d–]+) \| ([\d–]+) \| 0 \|$", text, re.MULTILINE)
    told = {step: (int(first.replace("–", "0")), int(second.replace("–", "0"))) for step, first, second in rows}
    assert told == {step: (faults[step], kills[step]) for step in {*faults, *kills}}
    assert f" | {faults.total()} | {kills.total()} | 0 |" in text
    assert faults.total() >= LEAST_FAULTS
    assert kills.total() >= LEAST_KILLS


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_each_of_the_original_s_errors_is_answered_in_words_that_the_program_has(readme: str):
    program = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    section = (ROOT / readme).read_text(encoding="utf-8").split("\n## ")[6]
    (table,) = (part for part in section.split("\n\n") if "Physical devices" in part)
    rows = table.splitlines()[2:]
    assert len(rows) == ORIGINAL_ERRORS
    for words in re.findall(r"`([^`]+)`", table):
        assert words in program or words.startswith("--set") or (ROOT / words).is_file(), words


def calls(path: Path) -> set[str]:
    """Return the last names of all that a file calls, imports, or sets by keyword."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return found


def test_devices_are_set_in_one_place_before_all_else():
    setters = {"set_visible_devices", "set_memory_growth", "set_logical_device_configuration"}
    assert [path.name for path in SOURCES if calls(path) & setters] == ["devices.py"]


def test_there_is_no_pickle_and_no_unsafe_loading():
    forbidden = {"pickle", "cPickle", "dill", "joblib", "marshal", "allow_pickle", "enable_unsafe_deserialization"}
    for path in SOURCES:
        assert not calls(path) & forbidden, path
        assert "safe_mode=False" not in path.read_text(encoding="utf-8"), path
