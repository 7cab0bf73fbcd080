"""The verdict: each rule at its borders, what it answers, and that docs/strength.md has the same rules."""

import pytest

from bearcat.core.intervals import wilson_interval
from bearcat.strength.goals import Rung, find_goal, make_rungs
from bearcat.strength.plan import DRAWS
from bearcat.strength.report import ReaderScore
from bearcat.strength.trials import TrialResult
from bearcat.strength.verdict import (
    BROKEN_FROM,
    MIN_IMAGES,
    MIN_LABELS,
    RULES,
    Evidence,
    Level,
    decide,
    make_verdict,
    surely_breaks,
)
from bearcat.strength.wording import say_percent
from tests.helpers.steps import ROOT

LADDER = (0, 10, 25, 50, 100, 200)
SECONDS = 6.0  # per label


def rungs(*correct: int, images: int = 500, draws: int = DRAWS) -> list[Rung]:
    """Returns rungs that read these numbers of images in all draws, for as many numbers of labels."""
    results = [(labels, count) for labels, count in zip(LADDER, correct, strict=False) for _ in range(draws)]
    return make_rungs([TrialResult(labels, 0, count, images, 70, 240) for labels, count in results])


def people_of(correct: int, answers: int) -> dict:
    return {"exact": correct / answers, "interval": wilson_interval(correct, answers)}


def answer(evidence: Evidence) -> str:
    return make_verdict(evidence, None, SECONDS)["sentences"][0].replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        (Evidence([], []), Level.UNTESTED),
        (Evidence([], [ReaderScore("ddddocr", 60, 200)]), Level.BROKEN_WITHOUT_LABELS),
        (Evidence(rungs(10), []), Level.BROKEN_WITHOUT_LABELS),
        (Evidence(rungs(9), []), Level.PROBABLY_BROKEN),
        (Evidence(rungs(0, 10), []), Level.BROKEN),
        (Evidence(rungs(0, 9), []), Level.PROBABLY_BROKEN),
        (Evidence(rungs(0, 5), []), Level.PROBABLY_BROKEN),
        (Evidence(rungs(0, 4), []), Level.UNDECIDED),
        (Evidence(rungs(0, 0), []), Level.UNDECIDED),  # too few labels
        (Evidence(rungs(0, 0, 0, 0, 0, 0), []), Level.WITHSTOOD),
        (Evidence(rungs(0, 0, 0, 0, 0, 0, draws=DRAWS - 1), []), Level.UNDECIDED),
        (Evidence(rungs(0, 0, 0, 0, 0, 0, images=MIN_IMAGES), []), Level.WITHSTOOD),
        (Evidence(rungs(0, 0, 0, 0, 0, 0, images=MIN_IMAGES - 1), []), Level.UNDECIDED),
        (Evidence(rungs(0, 0, 0, 0, 0, 0), [ReaderScore("tesseract", 1, 200)]), Level.WITHSTOOD),
        (Evidence(rungs(0, 0, 0, 0, 0, 0), [ReaderScore("tesseract", 2, 200)]), Level.PROBABLY_BROKEN),
        (Evidence(rungs(0, 0, 0, 0, 0, 2), []), Level.UNDECIDED),
    ],
)
def test_the_first_rule_that_applies_decides(evidence: Evidence, level: Level):
    rule = decide(evidence)
    assert rule.level is level
    verdict = make_verdict(evidence, None, SECONDS)
    assert (verdict["level"], verdict["rule"]) == (level, rule.condition)
    assert verdict["sentences"][1] == rule.meaning


def test_every_level_has_a_rule_and_the_last_one_always_applies():
    assert {rule.level for rule in RULES} == set(Level)
    assert RULES[-1].applies(Evidence([], []))


def test_the_number_of_images_that_can_exclude_what_counts_as_broken():
    assert wilson_interval(0, MIN_IMAGES)[1] < BROKEN_FROM <= wilson_interval(0, MIN_IMAGES - 1)[1]
    assert LADDER[-1] == MIN_LABELS


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence([], []), "was not tested yet"),
        (
            Evidence(rungs(60), []),
            "only slows programs down: one that has learned from none of its images reads 12 % of it.",
        ),
        (
            Evidence(rungs(60, 100, 480), [ReaderScore("ddddocr", 60, 200)]),
            "does not keep programs out: one that has learned from none of its images reads 30 % of it, and one that "
            "has learned from 25 labelled images (2.5 minutes of typing, 2 minutes of computing) reads about 96 %.",
        ),
        (
            Evidence(rungs(0, 100, 300, 310), []),
            "does not keep programs out: one that has learned from 25 labelled images (2.5 minutes of typing, 2 "
            "minutes of computing) reads about 60 % of it.",
        ),
        (Evidence(rungs(0, 0, 60), []), "only slows programs down: one that has learned from 25 labelled images"),
        (Evidence(rungs(0, 8), []), "probably does not keep programs out: the best one tested reads about 1.6 % of it"),
        (
            Evidence(rungs(0, 4), []),
            "whether this captcha keeps programs out: the best one tested reads 0.8 % of it (0.3 % to 2.0 %).",
        ),
        (Evidence(rungs(0, 0, 0, 0, 0, 0), []), "even 1 % of this captcha, not even after learning from 200 labelled"),
    ],
)
def test_the_answer_says_what_was_measured(evidence: Evidence, words: str):
    assert words in answer(evidence)


def test_a_training_that_is_no_better_than_no_labels_is_not_advertised():
    assert answer(Evidence(rungs(300, 310), [])).endswith("reads 60 % of it.")


def test_the_answer_quotes_only_what_surely_breaks_it():
    counts = {10: (10, 10, 10), 25: (0, 100)}  # two draws that differ so much say little about the mean
    ladder = make_rungs([TrialResult(labels, 0, n, 500, 70, 240) for labels, some in counts.items() for n in some])
    assert [surely_breaks(rung) for rung in ladder] == [True, False]
    assert find_goal(0.1, ladder).rung is ladder[1]
    assert "learned from 10 labelled images" in answer(Evidence(ladder, []))


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence(rungs(0, 0), []), "The test is too small: to exclude 1 %, train 3 times on 200 labels or more."),
        (
            Evidence(rungs(*[0] * 6, images=MIN_IMAGES - 1), []),
            "The test is too small: to exclude 1 %, test on 381 images or more.",
        ),
        (
            Evidence(rungs(0, 0, images=100, draws=1), []),
            "to exclude 1 %, test on 381 images or more and train 3 times on 200 labels or more.",
        ),
        (Evidence(rungs(0, 0, 0, 0, 0, 2), []), "A larger test would not help"),
    ],
)
def test_an_undecided_test_says_what_it_lacks(evidence: Evidence, words: str):
    assert words in make_verdict(evidence, None, SECONDS)["sentences"][2]


@pytest.mark.parametrize(
    ("correct", "people", "words"),
    [
        (480, (40, 80), "The best program tested reads it better than people do: 96 % against 50 %"),
        (100, (75, 80), "People read it better than the best program tested: 94 % against 20 %"),
        (480, (76, 80), "equally well, as far as this test can tell (95 % and 96 %)"),
    ],
)
def test_people_are_compared_with_the_best_program(correct: int, people: tuple[int, int], words: str):
    verdict = make_verdict(Evidence(rungs(0, correct), []), people_of(*people), SECONDS)
    assert words in verdict["sentences"][-1].replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("correct", "is_said"), [(56, True), (70, False)])
def test_a_captcha_that_people_cannot_read_is_named(correct: int, is_said: bool):
    verdict = make_verdict(Evidence(rungs(0, 0), []), people_of(correct, 80), SECONDS)
    assert ("People should read 90 %" in verdict["sentences"][-1]) is is_said


def test_the_page_of_the_documentation_has_the_same_rules():
    page = (ROOT / "docs" / "strength.md").read_text(encoding="utf-8")
    rows = [f"| {number} | {rule.level} | {rule.condition} |" for number, rule in enumerate(RULES, start=1)]
    for row in rows:
        assert row in page, row
    assert str(MIN_IMAGES) in page
    assert say_percent(BROKEN_FROM).replace("\N{NO-BREAK SPACE}", " ") in page
