"""The file of the answers, which kills and edits cannot break, and their scores."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.core.intervals import wilson_interval
from bearcat.core.workspace import Work
from bearcat.labelling.blind.records import FILE, read_answers, record_answer, score_answers
from tests.helpers.blind import answer_to, write_images


@pytest.fixture
def images(work: Work) -> list[Path]:
    """Images of the labels Ab, aB, ab and AB in a test set."""
    return sorted(write_images(work.data_folder("test"), ("Ab", "aB", "ab", "AB")).iterdir())


def test_answers_are_kept_line_by_line_with_folders_relative_to_the_work(
    work: Work, images: list[Path], tmp_path: Path
):
    other = write_images(tmp_path / "other", ("好",)) / "好_0.png"
    answers = [answer_to(images[0]), answer_to(images[1], None, paused=True), answer_to(other)]
    for answer in answers:
        record_answer(work, answer)
    lines = [json.loads(line) for line in (work.path / FILE).read_text(encoding="utf-8").splitlines()]
    assert [line["folder"] for line in lines] == ["test_dataset", "test_dataset", other.parent.resolve().as_posix()]
    assert lines[1]["typed"] is None
    assert read_answers(work) == answers
    moved = Work(work.path.rename(tmp_path / "moved"))
    assert read_answers(moved)[0].folder == moved.data_folder("test").resolve()


def test_lines_of_another_form_are_left_out(work: Work, images: list[Path]):
    record_answer(work, answer_to(images[0]))
    line = json.loads((work.path / FILE).read_text(encoding="utf-8"))
    edited = [{**line, "typed": 7}, {**line, "more": 1}, {**line, "folder": None}, {"person": "p"}, [line], "line"]
    with (work.path / FILE).open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(one)}\n" for one in edited)
        file.write('{"person": "p1", "fol')
    record_answer(work, answer_to(images[1]))
    assert [answer.file for answer in read_answers(work)] == [images[0].name, images[1].name]


def test_without_answers_there_are_none(work: Work):
    assert read_answers(work) == []
    assert score_answers([]) is None


def test_scores_are_those_of_the_answers(images: list[Path]):
    answers = [
        answer_to(images[0], seconds=2),
        answer_to(images[1], images[1].name[:2].swapcase(), seconds=4),
        answer_to(images[2], None, seconds=6, person="p2"),
        answer_to(images[3], "x", seconds=60, paused=True),
    ]
    scores = score_answers(answers)
    assert (scores.answers, scores.correct, scores.exact, scores.exact_ignoring_case) == (4, 1, 0.25, 0.5)
    assert scores.interval == wilson_interval(1, 4)
    assert (scores.timed, scores.seconds_median, scores.given_up, scores.people) == (3, 4, 1, 2)
    paused = score_answers(answers[3:])
    assert (paused.timed, paused.seconds_median) == (0, None)


def test_each_answer_counts_by_the_rule_for_case_that_the_page_stated(work: Work, images: list[Path]):
    assert [one.name[:2] for one in images] == ["AB", "Ab", "aB", "ab"]
    for number, one in enumerate(images):
        record_answer(work, answer_to(one, "ab", ignore_case=number < 2))
    answers = read_answers(work)
    assert [one.is_correct for one in answers] == [True, True, False, True]
    scores = score_answers(answers)
    assert (scores.correct, scores.exact_ignoring_case) == (3, 1)


def test_only_images_that_a_folder_still_holds_count(work: Work, images: list[Path], tmp_path: Path):
    other = write_images(tmp_path / "other", ("Ab",)) / "Ab_0.png"
    answers = [*map(answer_to, images), answer_to(other)]
    assert score_answers(answers).answers == 5
    assert score_answers(answers, work.data_folder("test")).answers == 4
    images[0].unlink()
    images[1].write_bytes(images[2].read_bytes())
    assert score_answers(answers, work.data_folder("test")).answers == 2
    assert score_answers(answers, tmp_path / "none") is None
    impossible = replace(answers[2], file="\0")  # in a line that was edited by hand
    assert score_answers([impossible, answers[2]], work.data_folder("test")).answers == 1
