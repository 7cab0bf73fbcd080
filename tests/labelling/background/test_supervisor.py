"""What runs beside the page: when, with which arguments, and what a failure does. The processes are made up."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from bearcat.artifacts.card import Card
from bearcat.core.locks import hold_lock
from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.data.labels.reading import LabelledImage, label_of_name
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.background import supervisor
from bearcat.labelling.background.supervisor import FIRST_LABELS, Background, BackgroundPlan, count_correct
from bearcat.labelling.predictors import Kind, Predictor
from bearcat.labelling.session import LabellingSession
from bearcat.labelling.symbols import LabelSymbols
from tests.helpers.labelling import open_session
from tests.helpers.services import png, write_model
from utils import Predict_Image

SECONDS = 20
SETTINGS = SimpleNamespace(FRAMES="first", LAYOUT="line", CAPTCHA_LENGTH=8, IGNORE_CASE=False)


class Process:
    """A process that ends at once, with the model that it was to make; or that fails, or does not end."""

    started: ClassVar[list["Process"]] = []
    fails = False
    is_running = False

    def __init__(self, module: str, arguments: list[str], output: Path, is_urgent: bool = False):
        self.module, self.arguments, self.is_urgent = module.rpartition(".")[2], arguments, is_urgent
        self.succeeded, self.is_stopped = not self.fails, False
        self.started.append(self)
        if not self.fails:
            path = Path(arguments[0], "App_model", "captcha.onnx") if self.module == "steps" else Path(arguments[1])
            write_model(path)

    def last_line(self) -> str:
        return "train.py: no space left"

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Process]]:
    """The processes that are started."""
    monkeypatch.setattr(supervisor, "BackgroundProcess", Process)
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(Process, "started", [])
    yield Process
    assert all(process.is_stopped for process in Process.started)


@pytest.fixture
def session(tmp_path: Path, work: Work) -> LabellingSession:
    """A session over 60 images, without a model."""
    (tmp_path / "many").mkdir()
    for number in range(60):
        (tmp_path / "many" / f"{number:02}.png").write_bytes(png(4 * number, (30, 20)))
    return open_session(tmp_path / "many", work)


def plan(**options: object) -> BackgroundPlan:
    return BackgroundPlan(SETTINGS, ["MODE=CTC"], Predict_Image, label_of_name, "models.build_for", **options)


def run_until(background: Background, reached: Callable[[], bool]) -> None:
    """Runs what is beside the page until a moment is reached."""
    stop = threading.Event()
    thread = threading.Thread(target=background.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join(SECONDS)
    assert not thread.is_alive()


def run_for_a_moment(background: Background) -> None:
    """Runs what is beside the page, long enough to start something if it would."""
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    background.run(stop)
    timer.join()


def validate_on(work: Work, label: str) -> None:
    """Gives the work a validation set of one dark image, for which the training predicts a."""
    work.make_folders()
    (work.data_folder("validation") / f"{label}_1.png").write_bytes(png(0, (30, 20)))


def always(text: str, kind: Kind) -> Predictor:
    """Returns a predictor that predicts the same for every image."""
    return Predictor(lambda path: Prediction(text, (0.9,)), kind=kind)


def confirm(session: LabellingSession, count: int) -> None:
    for _ in range(count):
        session.confirm(session.current().number, "ab")


def test_guesses_come_first_and_a_training_after_twenty_labels(session: LabellingSession, processes: type[Process]):
    background = Background(session, plan())
    run_until(background, lambda: session.predictor is not None)
    assert session.predictor.kind is Kind.GUESS
    assert not (session.copies.work.folder("report") / "labelling").exists()
    card, file, build = processes.started[0].arguments
    card = Card.from_json(card, Path(file))
    assert (card.mode, card.spec.shape, build) == ("CTC", (20, 30, 1), "models.build_for")
    assert processes.started[0].is_urgent
    assert {*"0aA"} < {*card.characters}
    confirm(session, FIRST_LABELS - 1)
    assert background.labels_needed == 1
    confirm(session, 1)
    run_until(background, lambda: session.predictor.kind is Kind.TRAINED)
    assert (session.predictor.labels, background.labels_needed) == (20, 10)
    _, training = processes.started
    assert training.module == "steps"
    assert not training.is_urgent
    assert training.arguments[1] == "MODE=CTC"
    assert "TRAIN_SECONDS=40" in training.arguments
    confirm(session, 10)
    run_until(background, lambda: session.predictor.labels == 30)
    session.open_images()
    image = session.current()
    assert image.predictor.labels == 30
    assert image.text in ("a", "b")


@pytest.mark.parametrize(("guess", "kind"), [("b", Kind.GUESS), ("x", Kind.TRAINED)])
def test_guesses_stay_while_they_are_better_than_a_training(
    session: LabellingSession, processes: type[Process], guess: str, kind: Kind
):
    background = Background(session, plan())
    session.use(always(guess, Kind.GUESS))
    for image in session.queue.images[:FIRST_LABELS]:  # dark ones, for which the training predicts a
        session.confirm(image.number, "b")
    run_until(background, lambda: background.labels == FIRST_LABELS and background.activity is None)
    assert (session.predictor.kind, background.failed) == (kind, False)


@pytest.mark.parametrize(("text", "kind"), [("b", Kind.TRAINED), ("x", Kind.MODEL)])
def test_a_model_of_the_work_stays_while_it_is_better_on_the_validation_set(
    session: LabellingSession, processes: type[Process], work: Work, text: str, kind: Kind
):
    validate_on(work, "x")
    session.use(always(text, Kind.MODEL))
    background = Background(session, plan())
    confirm(session, FIRST_LABELS)
    run_until(background, lambda: background.labels == FIRST_LABELS and background.activity is None)
    assert (session.predictor.kind, background.failed) == (kind, False)


def test_a_model_of_the_work_stays_if_there_is_no_validation_set_to_compare_it_on(
    session: LabellingSession, processes: type[Process]
):
    session.use(always("x", Kind.MODEL))
    background = Background(session, plan())
    confirm(session, FIRST_LABELS)
    assert (background.labels_needed, background.summary()) == (0, [])
    run_for_a_moment(background)
    assert processes.started == []


def test_a_training_is_compared_with_the_one_before_on_labels_that_neither_has_learnt(
    session: LabellingSession, processes: type[Process]
):
    background = Background(session, plan())
    session.use(always("x", Kind.GUESS))
    confirm(session, FIRST_LABELS)
    run_until(background, lambda: session.predictor.kind is Kind.TRAINED)
    learnt = {*background._learnt}
    assert len(learnt) == FIRST_LABELS * 4 // 5
    seen = []

    def predict(path: Path) -> Prediction:
        seen.append(path.name)
        return Prediction("ab", (0.9,))

    session.use(Predictor(predict, kind=Kind.TRAINED, labels=FIRST_LABELS))
    confirm(session, 10)
    run_until(background, lambda: background.labels == 30 and background.activity is None)
    assert seen
    assert not learnt & {*seen}
    assert session.predictor.labels == FIRST_LABELS  # it is better


def test_letter_case_does_not_count_if_it_is_ignored(session: LabellingSession):
    images = [LabelledImage(session.queue.images[0].path, "aB")]
    assert count_correct(always("ab", Kind.TRAINED), images) == 0
    assert count_correct(always("ab", Kind.TRAINED), images, ignores_case=True) == 1


def test_a_failure_of_the_restriction_is_logged_once_and_trainings_go_on(
    session: LabellingSession,
    processes: type[Process],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    given = []

    def fail(guesser: supervisor.Guesser, symbols: LabelSymbols) -> None:
        given.append(symbols)
        raise RuntimeError("made up")

    monkeypatch.setattr(supervisor.Guesser, "after", fail)
    background = Background(session, plan())
    run_until(background, lambda: "labelling goes on: made up" in caplog.text)
    confirm(session, FIRST_LABELS)
    run_until(background, lambda: session.predictor.kind is Kind.TRAINED)
    assert given[0] is not session.symbols  # which the page changes meanwhile
    assert given[0].counts is not session.symbols.counts


def test_a_process_that_does_not_end_is_stopped_after_a_while(
    session: LabellingSession,
    processes: type[Process],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr(processes, "is_running", True)
    monkeypatch.setattr(supervisor, "GUESS_LIMIT", 0)
    background = Background(session, plan())
    run_until(background, lambda: background.failed and background.activity is None)
    assert "stopped, since it had not ended after 0 minutes" in caplog.text


def test_guesses_have_the_characters_of_the_works_vocabulary(
    session: LabellingSession, work: Work, processes: type[Process]
):
    Vocabulary(("a", "5", "牌")).save(work.vocabulary_file)
    run_until(Background(session, plan()), lambda: session.predictor is not None)
    assert Card.from_json(processes.started[0].arguments[0], work.path).characters == ("5", "a")


def test_a_vocabulary_that_the_weights_do_not_know_is_not_guessed(
    session: LabellingSession, work: Work, processes: type[Process]
):
    Vocabulary(("牌", "坊")).save(work.vocabulary_file)
    background = Background(session, plan())
    assert background.summary()[0] == ("The pretrained weights know no character of num_classes.json: no guesses.")
    run_for_a_moment(background)
    assert (processes.started, session.predictor) == ([], None)


def test_a_failure_is_logged_with_one_line_and_the_next_training_waits_for_more_labels(
    session: LabellingSession,
    processes: type[Process],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr(processes, "fails", True)
    background = Background(session, plan())
    confirm(session, FIRST_LABELS)
    run_until(background, lambda: len(processes.started) == 2 and background.failed)
    assert [record.getMessage() for record in caplog.records if record.name.endswith("background")] == [
        "The guesses of the pretrained weights failed, labelling goes on: train.py: no space left",
        "The training in the background failed, labelling goes on: train.py: no space left",
    ]
    assert (session.predictor, background.labels_needed) == (None, 10)


def test_a_process_is_stopped_with_the_page(
    session: LabellingSession, processes: type[Process], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "is_running", True)
    background = Background(session, plan())
    run_until(background, lambda: background.activity is Kind.GUESS and bool(processes.started))
    assert session.predictor is None
    assert len(processes.started) == 1


def test_a_model_of_the_work_predicts_first_and_is_replaced_once_there_are_half_as_many_labels_more(
    session: LabellingSession, processes: type[Process], work: Work
):
    validate_on(work, "ab")
    session.use(always("x", Kind.MODEL))
    confirm(session, 20)
    background = Background(session, plan())
    assert background.labels_needed == 10
    confirm(session, 10)
    run_until(background, lambda: session.predictor.kind is Kind.TRAINED)
    assert [process.module for process in processes.started] == ["steps"]


def test_trainings_can_be_switched_off_and_end_with_many_labels(
    session: LabellingSession, processes: type[Process], monkeypatch: pytest.MonkeyPatch
):
    confirm(session, 25)
    for background in (Background(session, plan(trains=False)), Background(session, plan())):
        session.predictor = None
        assert background.labels_needed == 0
        run_until(background, lambda: session.predictor is not None)
        monkeypatch.setattr(supervisor, "MOST_LABELS", 24)
    assert {process.module for process in processes.started} == {"guess"}


def test_classes_are_not_guessed(tmp_path: Path, session: LabellingSession, processes: type[Process]):
    classes = open_session(session.queue.folder, session.copies.work, "NUM_CLASSES")
    confirm(classes, FIRST_LABELS)
    run_until(Background(classes, plan()), lambda: classes.predictor is not None)
    assert [process.module for process in processes.started] == ["steps"]


def test_a_second_page_of_a_work_runs_nothing(
    session: LabellingSession, work: Work, processes: type[Process], caplog: pytest.LogCaptureFixture
):
    with hold_lock(work.path, "app", "labelling"):
        Background(session, plan()).run(threading.Event())
    assert "No guesses and no training beside this page: app.py (process" in caplog.text
    assert processes.started == []


def test_what_will_run_is_said_at_the_start(session: LabellingSession, work: Work, monkeypatch: pytest.MonkeyPatch):
    guess, training = Background(session, plan()).summary()
    assert "pretrained weights will guess" in guess
    assert "From 20 labels on" in training
    assert Background(session, plan(trains=False)).summary() == [guess]
    validate_on(work, "ab")
    session.use(always("x", Kind.MODEL))
    assert Background(session, plan()).summary() == [training]
    monkeypatch.setattr(supervisor.importlib.util, "find_spec", lambda name: None)
    assert "TensorFlow is not installed" in Background(session, plan()).summary()[0]
    assert Background(session, plan()).labels_needed == 0
