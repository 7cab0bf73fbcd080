"""Which images of a folder are queued, and in which order they come."""

from pathlib import Path

import pytest

from bearcat.core.errors import DataError
from bearcat.core.workspace import Work
from tests.helpers.labelling import open_session, order_shown
from tests.helpers.services import make_work
from utils import Predict_Image


def test_without_a_model_images_come_by_name_and_damaged_ones_are_logged(
    folder: Path, work: Work, caplog: pytest.LogCaptureFixture
):
    session = open_session(folder, work)
    assert order_shown(session) == ["a.png", "again.png", "c", "d.jpg"]
    assert session.damaged() == ["broken.png"]
    assert "broken.png" in caplog.text
    assert (session.queue.already_labelled, session.queue.duplicates) == (0, 1)
    assert all(image.text == "" for image in session.queue.images)


def test_the_least_confident_prediction_comes_first(folder: Path, tmp_path: Path):
    work = Work(make_work(tmp_path / "trained", captcha={}))
    session = open_session(folder, work, "ORDINARY", Predict_Image)
    assert session.model_name == "captcha"
    sure = {image.path.name: image.prediction.confidence for image in session.queue.images if image.prediction}
    assert sure["c"] < 0.99 < sure["a.png"]
    assert order_shown(session) == sorted(sure, key=lambda name: (sure[name], name))
    predictions = {image.path.name: image.text for image in session.queue.images}
    assert predictions == {"a.png": "a", "again.png": "b", "broken.png": "", "c": "a", "d.jpg": "b"}
    first = Predict_Image(work.folder("App_model")).predict(folder / "c")
    assert session.queue.images[3].prediction == first


def test_a_restart_shows_only_images_that_are_not_in_the_data_sets(folder: Path, work: Work):
    session = open_session(folder, work)
    session.confirm(0, "one")
    copy = session.confirm(session.current().number, "two")
    work.data_folder("validation").mkdir()
    copy.path.rename(work.data_folder("validation") / "renamed_by-hand.png")
    again = open_session(folder, work)
    assert again.queue.already_labelled == 3  # that which is there twice counts twice
    assert order_shown(again) == ["c", "d.jpg"]


def test_a_folder_that_cannot_be_labelled_is_refused(folder: Path, work: Work, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image", encoding="utf-8")
    work.data_folder("train").mkdir()
    for path, message in {"empty": "holds no images", "none": "not a folder", "new/a.png": "not a folder"}.items():
        with pytest.raises(DataError, match=message):
            open_session(tmp_path / path, work)
    with pytest.raises(DataError, match="part of the work's own train_dataset"):
        open_session(work.data_folder("train"), work)
