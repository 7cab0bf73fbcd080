"""Comparison of two models: McNemar's test, the verdict, the page."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bearcat.artifacts.card import Card
from bearcat.core.errors import ArtifactError, DataError, ImageError
from bearcat.data.codecs import Prediction
from bearcat.data.images import InputSpec
from bearcat.data.labels.reading import LabelledImage
from bearcat.reports.comparison import (
    check_comparable,
    compare_models,
    compare_predictions,
    mcnemar,
    render_comparison,
)
from tests.helpers.steps import ROOT


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((24, 48), 200, np.uint8)).save(path)
    return path


def test_mcnemar_s_test_by_hand():
    # the exact two-sided test of 1 against 9 discordant pairs: 2 · (1 + 10) / 2^10
    first = [True] * 9 + [False] * 1 + [True] * 20 + [False] * 3
    second = [False] * 9 + [True] * 1 + [True] * 20 + [False] * 3
    tested = mcnemar(first, second)
    assert tested["p_value"] == pytest.approx(22 / 1024)
    assert [tested[key] for key in ("both_right", "only_first", "only_second", "both_wrong")] == [20, 9, 1, 3]
    assert mcnemar([True, False], [True, False])["p_value"] == 1


def test_a_comparison_names_the_better_model_only_if_the_difference_is_significant(image: Path):
    files, labels = [f"{number}.png" for number in range(10)], ["a<"] * 10
    report = compare_predictions(("one", "other"), files, labels, [labels, ["b"] * 10], [[True] * 10, [False] * 10])
    assert report["verdict"].startswith("one is better")
    assert report["differing"][0] == {"file": "0.png", "label": "a<", "read": ["a<", "b"], "right": [True, False]}
    page = render_comparison(report, dict.fromkeys(files, image))
    assert page.count('class="card"') == 10
    assert "a&lt;" in page
    report = compare_predictions(
        ("one", "other"), files[:2], labels[:2], [labels[:2]] * 2, [[True, False], [False, False]]
    )
    assert report["verdict"].startswith("No significant difference")
    report = compare_predictions(("one", "other"), files, labels, [labels] * 2, [[True] * 9 + [False]] * 2)
    assert report["verdict"] == "No difference: one and other are correct on the same 9 images."


class FakePredictor:
    """A model that predicts the given texts; an image without one is damaged."""

    def __init__(self, mode: str, texts: dict[str, str] | None = None):
        self.name = mode
        self.texts = texts or {}
        self.recogniser = SimpleNamespace(card=Card("captcha", mode, "light", ("a",), InputSpec(24, 48, 1), 3))

    def predict(self, image: Path) -> Prediction:
        if image.name not in self.texts:
            raise ImageError(f"{image} is damaged")
        return Prediction(self.texts[image.name], (0.9,))


def test_models_are_compared_on_the_images_that_open(image: Path):
    data = [LabelledImage(image, "a"), LabelledImage(image.with_name("damaged.png"), "a")]
    good, bad = FakePredictor("CTC", {"a.png": "a"}), FakePredictor("ORDINARY", {"a.png": "b"})
    comparison = compare_models(("one", "other"), (good, bad), data)
    assert [row["exact"] for row in comparison.figures["units"]] == [1, 0]
    assert comparison.figures["differing"] == [
        {"file": "a.png", "label": "a", "read": ["a", "b"], "right": [True, False]}
    ]
    assert comparison.lines[0].startswith("one: exact match 100.00% (95 % interval ")
    assert "one and other" in comparison.page
    with pytest.raises(DataError, match="could be read"):
        compare_models(("one", "other"), (FakePredictor("CTC"), bad), data)


def test_a_text_model_and_a_detector_are_not_compared(monkeypatch: pytest.MonkeyPatch):
    # "test" is also a package of Python's own
    spec = importlib.util.spec_from_file_location("step_10", ROOT / "test.py")
    step_10 = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step_10)
    monkeypatch.setattr(step_10, "find_work", lambda name: name)
    monkeypatch.setattr(step_10, "load_predictor", lambda work, overrides: FakePredictor(work))
    options = {"set": [], "compare": ["CTC", "EFFICIENTDET"], "characters": "", "length": "", "pattern": ""}
    step = SimpleNamespace(arguments=SimpleNamespace(**options))
    with pytest.raises(ArtifactError, match="models of CTC and EFFICIENTDET"):
        step_10.compare(step)
    check_comparable([FakePredictor("CTC"), FakePredictor("NUM_CLASSES")])


def test_a_model_that_ignores_case_is_not_compared_with_one_that_does_not():
    folding = FakePredictor("CTC")
    folding.recogniser.card = replace(folding.recogniser.card, ignore_case=True)
    check_comparable([folding, folding])
    with pytest.raises(ArtifactError, match="IGNORE_CASE = True and the other was not"):
        check_comparable([folding, FakePredictor("CTC")])
