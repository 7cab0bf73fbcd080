"""Sessions of people: the order of the images, the time that is believed, and what is refused."""

import threading
from pathlib import Path

import pytest

from bearcat.core.workspace import Work
from bearcat.labelling.blind import sessions as module
from bearcat.labelling.blind.records import read_answers
from bearcat.labelling.blind.sessions import MAX_SECONDS, MAX_SESSIONS, BlindSession, BlindSessions
from bearcat.labelling.blind.translations import BlindError
from tests.helpers.blind import FRAMES, LABELS, open_sessions


class Clock:
    """The time, as the test moves it."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def answer(
    sessions: BlindSessions, session: BlindSession, typed: str | None = "x", seconds: float = 0, paused: bool = False
) -> str:
    """Answers the current image of a session, and returns its label."""
    image, number = session.shown[-1], session.number
    sessions.image(session.person, number, FRAMES)
    sessions.answer(session.person, number, typed, seconds, paused)
    return image.label


def answer_all(sessions: BlindSessions) -> list[str]:
    """Answers all images in a new session, and returns their labels in the order in which they were shown."""
    session, labels = sessions.begin(), []
    while session.number is not None:
        labels.append(answer(sessions, session))
    return labels


def test_every_session_shows_each_image_once_in_an_order_of_its_own(work: Work):
    sessions = open_sessions(work, tuple(f"{number:02}" for number in range(12)))
    orders = [answer_all(sessions) for _ in range(4)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len(set(map(tuple, orders))) > 1
    assert sessions.answered == len(read_answers(work)) == 48


def test_images_with_the_fewest_answers_come_first_even_after_a_restart(work: Work):
    sessions = open_sessions(work)
    session = sessions.begin()
    first = {answer(sessions, session), answer(sessions, session)}
    other = sessions.begin()
    assert {answer(sessions, other), answer(sessions, other)} == set(LABELS) - first
    other = sessions.begin()
    once_more = answer(sessions, other)
    again = answer_all(open_sessions(work))
    assert again[-1] == once_more


def test_what_was_typed_is_recorded_as_labels_are_cleaned(work: Work):
    sessions = open_sessions(work, ("é好",))
    session = sessions.begin()
    answer(sessions, session, " e\u0301\u200b好\u3000")
    (record,) = read_answers(work)
    assert (record.label, record.typed, record.person) == ("é好", "é好", session.person)
    assert (record.folder, record.file) == (work.data_folder("test").resolve(), "é好_0.png")
    assert sessions.state(session)["result"]["exact"] == 1


@pytest.mark.parametrize(
    ("waited", "claimed", "seconds", "paused"),
    [
        (5, 3.2, 3.2, False),
        (5, 9, 5, False),  # no longer than the server waited
        (900, 20, 20, False),
        (900, 700, MAX_SECONDS, True),
        (MAX_SECONDS, MAX_SECONDS, MAX_SECONDS, False),
    ],
)
def test_the_time_is_the_browsers_within_bounds(
    work: Work, clock: Clock, waited: float, claimed: float, seconds: float, paused: bool
):
    sessions = open_sessions(work)
    session = sessions.begin()
    sessions.image(session.person, 0, FRAMES)
    clock.now += waited
    sessions.answer(session.person, 0, "x", claimed, False)
    (record,) = read_answers(work)
    assert (record.seconds, record.paused) == (seconds, paused)


def test_a_pause_that_the_browser_saw_and_an_image_that_was_loaded_again_are_named(work: Work, clock: Clock):
    sessions = open_sessions(work)
    session = sessions.begin()
    answer(sessions, session, paused=True)
    sessions.image(session.person, 1, FRAMES)
    clock.now += 10
    sessions.image(session.person, 1, FRAMES)
    clock.now += 1
    sessions.answer(session.person, 1, None, 30, False)
    answer(sessions, session)
    assert [(record.seconds, record.paused) for record in read_answers(work)] == [(0, True), (11, True), (0, False)]


def test_refused_answers_leave_the_image_open(work: Work):
    sessions = open_sessions(work)
    session = sessions.begin()
    person = session.person
    refused = [
        (("nobody", 0, "x"), "go on"),
        ((person, 1, "x"), "answered already"),
        ((person, -1, "x"), "answered already"),
        ((person, 0, "x"), "not shown yet"),
    ]
    for (name, number, typed), message in refused:
        with pytest.raises(BlindError, match=message):
            sessions.answer(name, number, typed, 1, False)
    sessions.image(person, 0, FRAMES)
    for typed, message in (("\u200b", "press Esc"), ("a\nb", "invisible"), ("x" * 101, "at most 100")):
        with pytest.raises(BlindError, match=message):
            sessions.answer(person, 0, typed, 1, False)
    assert (session.number, read_answers(work)) == (0, [])
    sessions.answer(person, 0, "x", 1, False)
    with pytest.raises(BlindError, match="answered already"):
        sessions.answer(person, 0, "x", 1, False)
    assert len(read_answers(work)) == 1


def test_an_image_that_is_gone_or_damaged_is_left_out_for_everybody(work: Work):
    sessions = open_sessions(work)
    session = sessions.begin()
    session.shown[0].path.unlink()
    with pytest.raises(BlindError, match="left out"):
        sessions.image(session.person, 0, FRAMES)
    session.shown[1].path.write_bytes(b"damaged")
    with pytest.raises(BlindError, match="left out"):
        sessions.image(session.person, 1, FRAMES)
    assert (session.number, sessions.state(session)["remaining"]) == (2, 2)
    assert len(answer_all(sessions)) == 2


def test_an_image_that_does_not_fit_into_memory_is_left_out(work: Work, monkeypatch: pytest.MonkeyPatch):
    def fail(path: Path, frames: str) -> bytes:
        raise MemoryError

    sessions = open_sessions(work)
    session = sessions.begin()
    monkeypatch.setattr(module, "as_png", fail)
    with pytest.raises(BlindError, match="left out"):
        sessions.image(session.person, 0, FRAMES)
    assert session.number == 1


def test_case_counts_if_any_image_needs_it_whichever_are_answered(work: Work):
    sessions = open_sessions(work, ("AB", "CD", "ef"))
    session = sessions.begin()
    while session.number is not None:
        answer(sessions, session, session.shown[-1].label.lower())
    assert [record.is_correct for record in session.answers] == [record.label == "ef" for record in session.answers]


def test_a_session_without_a_readable_image_ends(work: Work):
    sessions = open_sessions(work, ("ab",))
    (work.data_folder("test") / "ab_0.png").unlink()
    session = sessions.begin()
    with pytest.raises(BlindError):
        sessions.image(session.person, 0, FRAMES)
    state = sessions.state(session)
    assert (state["number"], state["result"], state["remaining"]) == (None, None, 0)


def test_the_result_waits_for_ten_answers_and_ends_the_session(work: Work):
    sessions = open_sessions(work, tuple(f"{number:02}" for number in range(12)))
    session = sessions.begin()
    for _ in range(9):
        answer(sessions, session)
    with pytest.raises(BlindError, match="from 10 answers on"):
        sessions.finish(session.person)
    answer(sessions, session)
    assert sessions.state(session)["result"] is None
    assert sessions.state(sessions.finish(session.person))["result"]["answers"] == 10
    with pytest.raises(BlindError, match="answered already"):
        sessions.image(session.person, 10, FRAMES)


def test_the_oldest_of_too_many_sessions_is_forgotten_but_not_its_answers(work: Work):
    sessions = open_sessions(work)
    first = sessions.begin()
    assert sessions.begin(first.person) is first
    answer(sessions, first)
    for _ in range(MAX_SESSIONS):
        sessions.begin()
    assert sessions.begin(first.person).person != first.person
    assert len(read_answers(work)) == 1


def test_answers_of_many_people_at_once_are_all_kept(work: Work):
    sessions = open_sessions(work)
    threads = [threading.Thread(target=answer_all, args=(sessions,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = read_answers(work)
    assert len({(one.person, one.file) for one in answers}) == len(answers) == 24
