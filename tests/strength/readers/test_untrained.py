"""The trial without labels: what it counts, with a false model; tests/pipeline/test_strength.py has the real one."""

import json
from pathlib import Path

import pytest

from bearcat.artifacts.card import Card
from bearcat.core.errors import DataError, ImageError
from bearcat.core.workspace import Work, create_work
from bearcat.data.codecs import Prediction
from bearcat.data.labels.reading import LabelledImage
from bearcat.strength.readers import untrained
from bearcat.strength.samples import tell_characters
from tests.helpers.services import png

TEXTS = ("ab", "cd", "ef")


class FakeModel:
    """Predicts the label of each image in upper case, but of the last one nothing."""

    def __init__(self, folder: Path):
        assert folder.name == "App_model"

    def predict(self, path: Path, characters: str, length: str) -> Prediction:
        assert (characters, length) == ("abcdefABCDEF", "2-2")
        return Prediction("" if path.name.startswith("ef") else path.name[:2].upper(), ())


@pytest.fixture
def work(tmp_path: Path) -> Work:
    work = create_work(tmp_path, "work", activate=False)
    work.make_folders()
    for text in TEXTS:
        (work.data_folder("test") / f"{text}_1.png").write_bytes(png(size=(50, 20)))
    tell_characters(work, TEXTS)
    return work


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The cards of the models that were made."""
    cards: list[Card] = []
    monkeypatch.setattr(untrained, "end_with_parent", lambda: None)
    monkeypatch.setattr(untrained, "import_named", {"utils.Predict_Image": FakeModel}.__getitem__)
    monkeypatch.setattr(untrained, "write_guesser", lambda card, file, build: cards.append(card))
    return cards


def run(work: Work, characters: str, monkeypatch: pytest.MonkeyPatch) -> dict:
    arguments = [str(work.path), characters, "2-2", "models.build_for", "utils.Predict_Image", "LAYOUT='vertical'"]
    monkeypatch.setattr(untrained.sys, "argv", ["untrained", *arguments])
    untrained.main()
    return json.loads(work.report_file("trial").read_text(encoding="utf-8"))


def test_case_does_not_count_if_the_labels_have_only_one(work: Work, cards: list, monkeypatch: pytest.MonkeyPatch):
    result = run(work, "abcdefABCDEF", monkeypatch)
    assert (result["correct"], result["images"]) == (2, 3)
    (card,) = cards
    assert set(card.characters) == set("abcdefABCDEF")
    assert card.captcha_length == 2  # the settings fit the images, as those of a trial with labels
    assert (card.spec.width, card.spec.height, card.spec.layout) == (50, 20, "vertical")


def test_case_counts_if_other_labels_of_the_work_have_both(work: Work, cards: list, monkeypatch: pytest.MonkeyPatch):
    tell_characters(work, [*TEXTS, "A"])
    assert run(work, "abcdefABCDEF", monkeypatch)["correct"] == 0


def test_nothing_is_read_if_the_weights_know_no_character(work: Work, cards: list, monkeypatch: pytest.MonkeyPatch):
    assert run(work, "\u16a0\u16a2", monkeypatch) == {"correct": 0, "images": 3, "seconds": 0.0, "cpu_seconds": 0.0}
    assert cards == []


def test_damaged_images_are_left_out():
    items = [LabelledImage(Path("1.png"), "ab"), LabelledImage(Path("2.png"), "cD")]

    def predict(path: Path) -> Prediction:
        if path.name == "1.png":
            raise ImageError("damaged")
        return Prediction("cD", ())

    assert untrained.count(items, predict, ignore_case=False) == {"correct": 1, "images": 1}
    with pytest.raises(DataError, match=r"not one image of \. can be read"):
        untrained.count(items[:1], predict, ignore_case=False)
