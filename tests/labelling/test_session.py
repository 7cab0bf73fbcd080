"""What a labelling session does with its images, from one thread or several."""

import threading
from pathlib import Path

import pytest

from bearcat.core.errors import ImageError
from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.labelling.session import LabellingSession
from bearcat.labelling.translations import LabellingError
from tests.helpers.labelling import open_session, order_shown, train_set
from tests.helpers.services import png


def test_an_image_is_labelled_by_hand_if_its_prediction_fails(folder: Path, work: Work):
    session = open_session(folder, work)

    def predict(path: Path) -> Prediction:
        if path.name == "broken.png":
            raise ImageError("damaged")
        if path.name == "a.png":
            raise ZeroDivisionError
        return Prediction("xy", (0.9, {"c": 0.1, "d.jpg": 0.5, "again.png": 0.99}[path.name]))

    again = LabellingSession(session.queue, session.copies, session.symbols, predict, "made up")
    again.open_images()
    assert order_shown(again) == ["a.png", "c", "d.jpg", "again.png"]


def test_an_image_that_another_session_added_is_not_added_again(folder: Path, work: Work):
    session, other = open_session(folder, work), open_session(folder, work)
    copy = session.confirm(0, "one")
    with pytest.raises(LabellingError, match="already in the data sets, as train_dataset/one_"):
        other.confirm(0, "another")
    assert train_set(work) == {copy.path.name: png(10)}
    assert other.current().number != 0
    with pytest.raises(LabellingError, match="in the meantime"):
        other.confirm(0, "another")


def test_undo_removes_what_this_session_wrote_and_nothing_else(folder: Path, work: Work):
    session = open_session(folder, work)
    with pytest.raises(LabellingError, match="nothing to undo"):
        session.undo()
    copy = session.confirm(0, "wrong")
    skipped = session.current()
    session.skip(skipped.number)
    assert session.undo() is None
    assert session.current() is skipped
    assert session.undo() == copy
    assert train_set(work) == {}
    assert (session.current().number, session.current().text) == (0, "wrong")
    session.confirm(0, "right")
    assert [name.partition("_")[0] for name in train_set(work)] == ["right"]
    assert (folder / "a.png").read_bytes() == png(10)


def test_an_original_that_changed_or_is_gone_is_left_out(folder: Path, work: Work):
    session = open_session(folder, work)
    (folder / "a.png").write_bytes(png(11))
    with pytest.raises(LabellingError, match="has changed since"):
        session.confirm(0, "ab")
    (folder / "again.png").unlink()
    with pytest.raises(LabellingError, match="no longer exists"):
        session.confirm(1, "ab")
    assert train_set(work) == {}
    assert order_shown(session) == ["c", "d.jpg"]


def test_concurrent_confirmations_write_each_image_once(tmp_path: Path, work: Work):
    folder = tmp_path / "new"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.png").write_bytes(png(number))
    session, refusals = open_session(folder, work), []

    def confirm_all() -> None:
        for number in range(20):
            try:
                session.confirm(number, "ab")
            except LabellingError as refusal:
                refusals.append(refusal.key)

    threads = [threading.Thread(target=confirm_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(train_set(work)) == 20
    assert refusals == ["not_open"] * 60
