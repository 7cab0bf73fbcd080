"""What a labelling session does with its images, from one thread or several."""

import threading
from pathlib import Path

import pytest

from bearcat.core.errors import ImageError
from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.labelling.predictors import Predictor
from bearcat.labelling.queue import Status
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

    again = LabellingSession(session.queue, session.copies, session.symbols, Predictor(predict, "made up"))
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
    assert session.undo() == []
    assert session.current() is skipped
    assert session.undo() == [copy]
    assert train_set(work) == {}
    assert (session.current().number, session.current().text) == (0, "wrong")
    session.confirm(0, "right")
    assert [name.partition("_")[0] for name in train_set(work)] == ["right"]
    assert (folder / "a.png").read_bytes() == png(10)


def test_a_grid_is_confirmed_and_undone_at_once(folder: Path, work: Work):
    session = open_session(folder, work)
    predict_all(session, {"a.png": "aa", "again.png": "bb", "c": "cc", "d.jpg": "dd"})
    grid, count = session.grid()
    assert ([image.text for image in grid], count) == (["aa", "bb", "cc", "dd"], 4)
    done = session.confirm_many([(grid[0].number, "aa"), (grid[3].number, "edited")], [grid[1].number])
    assert ([copy.label for copy in done.copies], done.refusals) == (["aa", "edited"], [])
    assert session.current() is grid[1]
    assert [image.text for image in session.grid()[0]] == ["cc"]
    assert session.symbols.labels == 2
    session.skip(grid[1].number)
    session.undo()
    assert {copy.label for copy in session.undo()} == {"aa", "edited"}
    assert (train_set(work), session.can_undo, session.symbols.labels) == ({}, False, 0)


def test_an_image_of_a_grid_that_is_refused_stays_open_and_the_others_are_saved(folder: Path, work: Work):
    session = open_session(folder, work)
    predict_all(session, {"a.png": "aa", "again.png": "b_b", "c": "cc", "d.jpg": "dd"})
    (folder / "c").unlink()
    grid, _ = session.grid()
    done = session.confirm_many([(image.number, image.text) for image in grid])
    assert [copy.label for copy in done.copies] == ["aa", "dd"]
    assert [refusal.key for refusal in done.refusals] == ["label_has_separator", "image_gone"]
    assert (session.current().path.name, session.counts()[Status.LEFT_OUT]) == ("again.png", 1)
    with pytest.raises(LabellingError, match="at most 20 images"):
        session.confirm_many([(0, "aa")] * 21)
    with pytest.raises(LabellingError, match="no such image"):
        session.confirm_many([(99, "aa")])
    copies = sorted(train_set(work))
    (work.data_folder("train") / copies[0]).unlink()
    with pytest.raises(LabellingError, match="moved or changed since"):
        session.undo()
    assert (train_set(work), session.can_undo) == ({}, False)  # the other copy was removed


def test_an_image_of_a_grid_that_was_labelled_already_is_not_marked_and_comes_back_once_undone(
    folder: Path, work: Work
):
    session = open_session(folder, work)
    predict_all(session, {"a.png": "aa", "again.png": "bb", "c": "cc", "d.jpg": "dd"})
    grid, _ = session.grid()
    session.confirm_many([(image.number, image.text) for image in grid])
    again = session.confirm_many([(image.number, image.text) for image in grid[1:]], [grid[0].number])
    assert [refusal.key for refusal in again.refusals] == ["not_open"] * 3
    session.undo()
    assert session.grid()[0] == grid


def test_a_better_predictor_predicts_the_open_images_again_but_what_was_typed_stays(folder: Path, work: Work):
    session = open_session(folder, work)
    predict_all(session, dict.fromkeys(("a.png", "again.png", "c", "d.jpg"), "old"))
    session.confirm(0, "typed")
    session.confirm(1, "labelled")
    session.undo()
    session.undo()
    session.skip(3)
    session.confirm(1, "labelled")
    predict_all(session, dict.fromkeys(("a.png", "again.png", "c", "d.jpg"), "new"))
    assert [image.text for image in session.queue.images] == ["typed", "labelled", "", "new", "new"]
    assert [image.prediction.text for image in session.queue.images if image.prediction] == ["new", "old", "new", "new"]


def test_the_share_that_is_predicted_is_that_of_the_present_predictor(folder: Path, work: Work):
    session = open_session(folder, work)
    assert session.predicted() == 1  # nobody predicts
    session.use(Predictor(lambda path: Prediction("a", (0.9,))))
    assert session.predicted() == 0
    session.confirm(0, "ab")
    session.open_images()
    assert session.predicted() == 1


def predict_all(session: LabellingSession, texts: dict[str, str]) -> None:
    """Predicts texts by file name, all of them confident."""
    session.use(Predictor(lambda path: Prediction(texts[path.name], (0.99,) * len(texts[path.name]))))
    session.open_images()


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
