"""docs/troubleshooting.md counts the faults that are tested and quotes messages that exist; some are ruled out."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import test_data, test_disk, test_kills, test_models, test_settings
from tests.helpers.steps import ROOT

SOURCES = [*ROOT.glob("*.py"), *(ROOT / "bearcat").rglob("*.py")]
MIN_FAULTS, MIN_KILLS = 60, 40
ORIGINAL_ERRORS = 11
PAGES = ["docs/troubleshooting.md", "docs/zh-CN/troubleshooting.md"]


def counted() -> tuple[Counter, Counter]:
    """Returns the number of bad inputs of each step, and the number of kills of each step."""
    tables = (test_settings.FAULTS, test_data.FAULTS, test_models.FAULTS)
    faults = Counter(fault.step for table in tables for fault in table)
    faults.update(step for step, _ in test_disk.CASES)
    faults.update(list(test_disk.FILES))
    return faults, Counter(kill.step for kill in test_kills.KILLS)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_counts_the_tested_faults(page: str):
    text, (faults, kills) = (ROOT / page).read_text(encoding="utf-8"), counted()
    rows = re.findall(r"^\| `(\w+\.py)` \| ([\d–]+) \| ([\d–]+) \| 0 \|$", text, re.MULTILINE)
    counts = {step: (int(first.replace("–", "0")), int(second.replace("–", "0"))) for step, first, second in rows}
    assert counts == {step: (faults[step], kills[step]) for step in {*faults, *kills}}
    assert f" | {faults.total()} | {kills.total()} | 0 |" in text
    assert faults.total() >= MIN_FAULTS
    assert kills.total() >= MIN_KILLS


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_the_original_errors_quotes_messages_that_exist(page: str):
    program = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    text = (ROOT / page).read_text(encoding="utf-8")
    (table,) = (part for part in text.split("\n\n") if "Physical devices" in part)
    rows = table.splitlines()[2:]
    assert len(rows) == ORIGINAL_ERRORS
    for quote in re.findall(r"`([^`]+)`", table):
        assert quote in program or quote.startswith("--set") or (ROOT / quote).is_file(), quote


def calls(path: Path) -> set[str]:
    """Returns the names of all attributes, imports and keywords in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return found


def test_devices_are_configured_in_one_module():
    setters = {"set_visible_devices", "set_memory_growth", "set_logical_device_configuration"}
    assert [path.name for path in SOURCES if calls(path) & setters] == ["devices.py"]


def test_there_is_no_pickle_and_no_unsafe_loading():
    forbidden = {"pickle", "cPickle", "dill", "joblib", "marshal", "allow_pickle", "enable_unsafe_deserialization"}
    for path in SOURCES:
        assert not calls(path) & forbidden, path
        assert "safe_mode=False" not in path.read_text(encoding="utf-8"), path
