"""Restricted predictions in test.py and Predict_Image, with a tiny model that tells dark images from light ones."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import RequestOptionError
from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.labels.reading import LabelledImage
from bearcat.detection.decoding import Detections
from bearcat.reports.test_report import evaluate_model
from tests.helpers.detections import write_detector
from tests.helpers.faults import run_step
from tests.helpers.services import make_work, png
from utils import Predict_Image


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work with test images of the labels a, b and, for a light image, a."""
    work = make_work(tmp_path / "work", captcha={})
    (work / "test_dataset").mkdir()
    for name, light in {"a_1": 0, "b_2": 255, "a_3": 250}.items():
        (work / "test_dataset" / f"{name}.png").write_bytes(png(light))
    return work


def test_test_py_says_what_a_restriction_changes(work: Path):
    outcome = run_step("test.py", work, "--characters", "a?", "--length", "1")
    assert outcome.code == 0, outcome.stderr
    assert "3 images, exact match 66.67%" in outcome.stdout
    assert "with characters 'a?', length '1': exact match 66.67% (95 % interval 20.77%" in outcome.stdout
    assert "1 of the labels is not allowed by it" in outcome.stdout
    figures = json.loads((work / "report" / "test.json").read_text(encoding="utf-8"))
    restricted = figures["restricted"]
    assert {name: restricted[name] for name in ("characters", "length", "pattern")} == {
        "characters": "a?",
        "length": "1",
        "pattern": "",
    }
    assert (restricted["exact"], restricted["labels_outside"]) == (2 / 3, 1)
    assert figures["exact"] == 2 / 3
    assert [one["file"] for one in figures["mistakes"]] == ["a_3.png"]
    assert "with characters" in (work / "report" / "test.html").read_text(encoding="utf-8")


def test_without_a_restriction_the_report_has_none(work: Path):
    assert run_step("test.py", work).code == 0
    assert "restricted" not in json.loads((work / "report" / "test.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--characters", "xyz"), "characters 'xyz': none of them is known, the model knows ab"),
        (("--length", "x"), "length is 'x': expected a number of characters from 1 to 64"),
        (
            ("--length", "2"),
            "length '2': even the shortest of these texts is longer than the 1 positions of this model",
        ),
        (("--pattern=-?[ab]{3}",), "pattern '-?[ab]{3}': even the shortest of these texts"),
        (("--pattern", "(a)"), "pattern '(a)', up to character 1: '(' is not supported there"),
    ],
)
def test_what_no_text_can_be_is_refused_in_one_message(work: Path, options: tuple[str, ...], message: str):
    for script in (("test.py",), ("read_folder.py", str(work / "test_dataset"))):
        outcome = run_step(script[0], work, *script[1:], *options)
        assert outcome.code == 2
        assert message in outcome.stderr
        assert "Traceback" not in outcome.stderr
    assert not list((work / "report").glob("predictions*"))


def test_both_tests_predict_as_people_edit_it_and_a_refused_restriction_costs_no_test(work: Path):
    predicted = []

    class Edited(Predict_Image):
        def predict(self, image: Path, *given: str, **options: str) -> Prediction | Detections:
            predicted.append(options)
            return super().predict(image, *given, **options)

    predictor = Edited(work / "App_model")
    data = [LabelledImage(path, path.name[0]) for path in sorted((work / "test_dataset").iterdir())]
    with pytest.raises(RequestOptionError, match="longer than the 1 positions"):
        evaluate_model(predictor, data, Work(work), allowed=Restriction(length="40"))
    assert predicted == []
    evaluate_model(predictor, data, Work(work), allowed=Restriction("a"))
    assert predicted == [{}] * 3 + [{"characters": "a", "length": "", "pattern": ""}] * 3


def test_comparisons_have_no_restriction(work: Path):
    outcome = run_step("test.py", work, "--compare", str(work), str(work), "--length", "1")
    assert outcome.code == 2
    assert "--compare tests two models without a restriction" in outcome.stderr


def test_predict_image_restricts_texts_and_refuses_to_restrict_objects(work: Path, tmp_path: Path):
    predictor = Predict_Image(work / "App_model")
    assert predictor.predict(png(255)).text == "b"
    found = predictor.predict(png(255), characters="a", length=1)
    assert (found.text, found.confidences) == ("a", (1.0,))
    assert found.allowed < 0.01
    assert predictor.api(png(255), pattern="[a]")["result"] == "a"
    (tmp_path / "objects").mkdir()
    write_detector(tmp_path / "objects" / "captcha.onnx", [(0, (8, 8, 24, 24))])
    message = (
        r"length '4': only texts can be restricted \(ORDINARY, CTC, CTC_TINY\), and a model of EFFICIENTDET predicts"
    )
    with pytest.raises(RequestOptionError, match=message):
        Predict_Image(tmp_path / "objects").predict(png(size=(64, 64)), length=4)
