"""IGNORE_CASE = True: every step reads labels in lower case, and no file of the user changes."""

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from PIL import Image

from bearcat.artifacts.card import METADATA_KEY, Card
from bearcat.core.files import read_json
from bearcat.core.workspace import Work
from bearcat.settings_rules import load_settings
from bearcat.training.sources import PackedImages
from tests.helpers.faults import contents, image, make_work, run_step
from tests.helpers.packs import step
from tests.helpers.services import SIDE, write_model
from tests.helpers.steps import ROOT

ON = ("--set", "IGNORE_CASE=True")
LABELS = {"train": ["aB1", "Ab2", "bA1", "BA2", "ab1", "AB2"], "validation": ["Ba1", "bb2"], "test": ["AA1"]}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work whose labels mix cases, not packed."""
    work = make_work(tmp_path / "work")
    for number, (split, labels) in enumerate(LABELS.items()):
        for file in (work / f"{split}_dataset").iterdir():
            file.unlink()
        for item, label in enumerate(labels):
            image(100 * number + item).save(work / f"{split}_dataset" / f"{label}_{item}.png")
    return work


def entries(work: Path) -> list[str]:
    return list(read_json(work / "num_classes.json").values())[1:]


def test_packs_hold_lower_case_and_the_card_says_so(work: Path):
    images = {name: content for name, content in contents(work).items() if name.endswith(".png")}
    assert "IGNORE_CASE = True: labels are read, and texts predicted, in lower case" in step(work, *ON)
    assert entries(work) == ["1", "2", "a", "b"]
    assert {name: content for name, content in contents(work).items() if name.endswith(".png")} == images
    settings = load_settings(ROOT / "settings.py", work / "settings.py", ON[1:])
    source = PackedImages(Work(work), settings)
    assert sorted(source.sample(10)[1]) == sorted(label.lower() for label in LABELS["train"])
    card = Card.from_settings(settings, source.vocabulary)
    assert card.ignore_case
    assert Card.from_json(card.to_json(), Path("card")) == card
    assert "ignore_case" not in json.loads(replace(card, ignore_case=False).to_json())


def test_without_it_both_cases_are_symbols(work: Path):
    assert "IGNORE_CASE" not in step(work)
    assert entries(work) == ["1", "2", "A", "B", "a", "b"]


@pytest.mark.parametrize("packed_with", [(), ON], ids=["False", "True"])
def test_training_refuses_packs_of_the_other_value(work: Path, packed_with: tuple[str, ...]):
    step(work, *packed_with)
    outcome = run_step("train.py", work, *(() if packed_with else ON))
    assert outcome.code == 2
    was, now = bool(packed_with), not packed_with
    assert f"was packed with IGNORE_CASE = {was}, it is {now} now: run python pack_dataset.py --renew" in outcome.stderr


def test_the_check_counts_symbols_in_lower_case(work: Path):
    assert "A B a b" in step(work, script="cheak_file.py")
    report = read_json(work / "report" / "check.json")
    (finding,) = (finding for finding in report["findings"] if finding["kind"] == "mixed_case")
    assert "set IGNORE_CASE = True" in finding["todo"]
    assert "  4 symbols: 1 2 a b" in step(work, *ON, script="cheak_file.py")
    findings = read_json(work / "report" / "check.json")["findings"]
    assert not any(finding["kind"] == "mixed_case" for finding in findings)


def test_the_test_set_is_scored_in_lower_case_if_the_model_says_so(work: Path):
    folder = work / "test_dataset"
    for file in folder.iterdir():
        file.unlink()
    for name, level in {"A_1": 0, "B_2": 255, "a_3": 0}.items():
        Image.new("L", (SIDE, SIDE), level).save(folder / f"{name}.png")
    (work / "App_model").mkdir()
    served = write_model(work / "App_model" / "captcha.onnx")
    step(work, script="test.py")
    assert read_json(work / "report" / "test.json")["exact"] == pytest.approx(1 / 3)
    model = onnx.load(served)
    card = replace(Card.from_json(model.metadata_props[0].value, served), ignore_case=True)
    onnx.helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    onnx.save(model, served)
    step(work, script="test.py")
    assert read_json(work / "report" / "test.json")["exact"] == 1
