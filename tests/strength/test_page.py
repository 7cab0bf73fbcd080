"""report/strength.html: the answer first, programs and people side by side, nothing fetched."""

import re
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from markupsafe import Markup
from PIL import Image

from bearcat import __version__
from bearcat.core.intervals import wilson_interval
from bearcat.data.labels.reading import LabelledImage
from bearcat.strength.figure import draw_strength
from bearcat.strength.page import SHOWN_EXAMPLES, strength_page
from bearcat.strength.report import Facts, ReaderScore, make_report
from bearcat.strength.samples import Case
from bearcat.strength.trials import TrialResult

IMAGES = 200
FACTS = Facts(mode="CTC", characters=19, lengths=(4, 6), images_tested=IMAGES, pool=856, train_seconds=60)
EVIL = '<script>alert("&")</script>'


def people(**changes: object) -> dict:
    scores = {"answers": 52, "correct": 46, "exact": 46 / 52, "exact_ignoring_case": 48 / 52}
    scores |= {"interval": wilson_interval(46, 52), "timed": 50, "seconds_median": 5.4, "given_up": 2, "people": 1}
    return scores | changes


def report_of(**changes: object) -> dict:
    results = {0: [4], 10: [60, 70, 65], 50: [190, 191, 192]}
    trials = [
        TrialResult(labels, draw, count, IMAGES, seconds=70, cpu_seconds=150)
        for labels, counts in results.items()
        for draw, count in enumerate(counts)
    ]
    arguments = {"trials": trials, "readers": [ReaderScore("tesseract", 3, IMAGES)]} | changes
    return make_report(FACTS, **arguments)


def shown(report: dict, *arguments: object) -> str:
    """Returns the text of a page, without tags and with plain spaces."""
    text = re.sub(r"<style>.*?</style>|<img [^>]*>", "", strength_page("work", report, *arguments or ([],)))
    return unescape(re.sub(r"<[^>]+>", " ", text)).replace("\N{NO-BREAK SPACE}", " ")


def rows(report: dict) -> list[list[str]]:
    """Returns the cells of all tables."""
    text = strength_page("work", report, []).replace("\N{NO-BREAK SPACE}", " ")
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(<td.*?)</tr>", text)
    ]


def test_the_answer_comes_first_and_everything_else_is_there():
    report = report_of(people=people())
    page = strength_page("my <work>", report, [])
    assert page.count("How strong is this captcha? – my &lt;work&gt;</") == 2  # title and heading
    assert page.index(report["verdict"]["sentences"][0]) < page.index("<section>")
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert headings == [
        "The captcha",
        "What that means",
        "Programs and people side by side",
        "What it takes to train a program to read it",
        "What else protects a form",
        "Whom it excludes",
        "How this was measured",
    ]
    text = shown(report)
    for words in ("Bursztein", "OAT-009", "WCAG 2.2", "1.1.1", "Inaccessibility of CAPTCHA", "4 to 6 characters"):
        assert words in text


def test_programs_and_people_are_side_by_side():
    table = rows(report_of(people=people()))
    assert table[:5] == [
        ["people", "88 %", "77 % to 95 %", "", ""],
        ["tesseract, not trained", "1.5 %", "0.5 % to 4.3 %", "none", "none"],
        ["Bearcat, not trained", "2 %", "0.8 % to 5.0 %", "none", "1.2 minutes"],
        ["Bearcat, trained on 10 labels (3 times)", "32 %", "26 % to 39 %", "54 seconds", "1.2 minutes"],
        ["Bearcat, trained on 50 labels (3 times)", "96 %", "92 % to 98 %", "4.5 minutes", "1.2 minutes"],
    ]


def test_who_reads_is_explained_above_the_table():
    assert "Programs that anyone can install, and that were not trained here: tesseract." in shown(report_of())
    assert "tested as it is and after training on labelled images of this captcha." in shown(report_of())
    assert "after training on labelled images of this captcha" in shown(report_of())
    untrained = [TrialResult(0, 0, 4, IMAGES, 8, 12)]
    assert "was tested as it is." in shown(report_of(trials=untrained))
    trained = [TrialResult(10, 0, 4, IMAGES, 8, 12)]
    assert "was tested after training on labelled images" in shown(report_of(trials=trained))


@pytest.mark.parametrize(
    ("trained", "is_less", "is_more"), [((50, 60), True, False), ((101, 102), False, False), ((99, 150), True, True)]
)
def test_trainings_that_lose_or_gain_nothing_are_explained(trained: tuple[int, ...], is_less: bool, is_more: bool):
    trials = [
        TrialResult(labels, 0, count, IMAGES, 8, 12) for labels, count in zip((0, 10, 25), (100, *trained), strict=True)
    ]
    text = shown(report_of(trials=trials))
    assert ("An attacker uses whichever reads more." in text) == is_less
    assert ("No number of labels tested made Bearcat surely read more" in text) == (not is_more)
    assert "No number of labels" not in shown(report_of(trials=trials[:1]))


@pytest.mark.parametrize(("case", "words"), [(Case.SAME, "as the same."), (Case.DIFFERENT, "as different characters.")])
def test_what_case_counts_as_is_told(case: Case, words: str):
    assert f"Upper and lower case count {words}" in shown(report_of() | {"case": case})
    assert "Upper and lower case" not in shown(report_of())
    earlier = report_of()
    del earlier["case"]
    assert "Upper and lower case" not in shown(earlier)


def test_the_price_of_each_goal():
    assert rows(report_of())[-4:] == [
        ["1 %", "0", "at most 10", "none", "1.2 minutes"],
        ["10 %", "10", "1 to 10", "1 minute", "1.2 minutes"],
        ["50 %", "50", "11 to 50", "5 minutes", "1.2 minutes"],
        ["90 %", "50", "11 to 50", "5 minutes", "1.2 minutes"],
    ]


def test_goals_that_were_not_reached_name_what_was_tested_and_what_is_missing():
    few = [TrialResult(10, 0, 30, IMAGES, 70, 150)]
    report = report_of(trials=few, readers=[], stopped="5 trials did not fit into 3 minutes")
    assert rows(report)[-1] == ["90 %", "not reached with up to 10", "more than 10", "unknown", "unknown"]
    assert "5 trials did not fit into 3 minutes." in shown(report)
    uncertain = report_of(trials=[TrialResult(10, 0, 1, 20, 70, 150)], readers=[])
    assert rows(uncertain)[-4][2] == "unknown"
    assert rows(report_of(trials=[TrialResult(0, 0, 4, IMAGES, 8, 12)]))[-1][1] == "not reached with 0"


def test_what_is_read_without_training_is_said_beside_what_training_takes():
    none = "None of this is needed"
    readers = [ReaderScore("tesseract", 3, IMAGES), ReaderScore("ddddocr", 60, IMAGES)]
    assert f"{none} to read 30 %: ddddocr does so as it is." in shown(report_of(readers=readers))
    assert none not in shown(report_of(readers=[ReaderScore("tesseract", 0, IMAGES)]))
    assert none not in shown(report_of(readers=[]))


def test_too_few_trainings_are_said_where_they_matter():
    once = [TrialResult(labels, 0, count, IMAGES, 70, 150) for labels, count in ((0, 4), (10, 60))]
    assert "tried fewer than 3 times" in shown(report_of(trials=once))
    assert rows(report_of(trials=once))[2][0] == "Bearcat, trained on 10 labels (1 time)"
    assert "a single training" not in shown(report_of())


def test_a_captcha_that_is_read_without_training_has_neither_its_price_nor_a_figure_of_one_point():
    report = report_of(trials=[TrialResult(0, 0, 195, IMAGES, 8, 12)], readers=[], stopped="more were not tried")
    text = shown(report)
    assert "Nothing: Bearcat surely reads 90 % or more as it is." in text
    assert "More were not tried." in text
    assert "labels needed" not in text
    assert "to type" not in text
    assert "<img" not in strength_page("work", report, [])
    assert strength_page("work", report_of(), []).count("<img") == 1


@pytest.mark.parametrize(
    "words",
    [
        "was trained 6 times for 60 s (7 minutes in all; other programs may have",
        "Bearcat was always tested on the same 200 images",
        f"Bearcat {__version__} made this page on {date.today():%Y-%m-%d}.",
        "which have learned from other images, were tested: tesseract on 200 images.",
        "Programs that anyone can install, but that were not tested: ddddocr (is not installed).",
    ],
)
def test_how_it_was_measured_is_told(words: str):
    assert words in shown(report_of(missing_readers={"ddddocr": "is not installed"}))


def test_trainings_without_a_limit_of_time_are_said_to_have_none():
    report = report_of() | {"train_seconds": 0}
    assert "without a time limit (7 minutes" in shown(report)


def test_without_people_the_page_says_how_to_ask_them():
    assert "python app.py --label --blind" in shown(report_of())
    assert "assumed until the times of 10 answers of people are known (now 0)" in shown(report_of())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "1 person has typed 52 images without seeing the labels: 88 % correctly (92 % if upper and lower case"),
        ({}, "they take 5.4 s for an image (median). They gave up on 2 images."),
        ({"people": 3, "given_up": 0, "exact_ignoring_case": 46 / 52}, "3 people have typed 52 images"),
        ({"exact_ignoring_case": 46 / 52}, "88 % correctly; they take"),
        (
            {"timed": 0, "seconds_median": None, "exact_ignoring_case": 46 / 52, "given_up": 1},
            "correctly. They gave up on 1 image.",
        ),
        ({}, "A label takes 5.4 s to type: the median of 50 answers."),
    ],
)
def test_what_people_did_is_described(changes: dict, words: str):
    assert words in shown(report_of(people=people(**changes)))


def test_a_page_without_trials_has_the_sections_given_and_no_claims():
    report = make_report(Facts("CTC", 36, (5, 5), 0, 0), [])
    text = shown(report, [], [Markup("<section><h2>Sweep</h2></section>")])
    assert "Its texts have 5 characters each. 36 different characters occur in them." in text
    assert "Sweep" in text
    assert "side by side" not in text
    assert "was not tested yet" in text
    assert "Run python strength.py once train_dataset and test_dataset hold labelled images." in text


@pytest.mark.parametrize("readers", [[], [ReaderScore("tesseract", 3, IMAGES)]])
def test_what_keeps_trainings_from_being_made_is_said(readers: list[ReaderScore]):
    text = shown(report_of(trials=[], readers=readers, stopped="10 trials did not fit into 1 minute"))
    assert "10 trials did not fit into 1 minute." in text


def test_the_answer_of_a_sweep_alone_is_what_it_found(monkeypatch: pytest.MonkeyPatch):
    found = "bend = 0.8 is hardest"
    monkeypatch.setattr("bearcat.strength.page.conclude", lambda sweep: found)
    facts, sweep = Facts("CTC", 36, (5, 5), 0, 0), {"labels": 50, "base": {"exact": 0.43}}
    assert found in shown(make_report(facts, [], sweep=sweep))
    assert found not in shown(report_of(sweep=sweep))
    assert "was not tested yet" in shown(make_report(facts, [], sweep={"base": {}}))


def test_off_the_shelf_readers_alone_make_a_page():
    text = shown(report_of(trials=[]))
    assert "No training was made." in text
    assert "tesseract" in text


def test_examples_are_embedded_and_nothing_is_fetched(tmp_path: Path):
    paths = []
    for number in range(SHOWN_EXAMPLES + 2):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (60, 20), (20 * number, 0, 0)).save(paths[-1])
    page = strength_page("work", report_of(stopped=EVIL), [LabelledImage(path, EVIL) for path in paths])
    sources = re.findall('src="([^"]*)"', page)
    assert sum(source.startswith("data:image/png") for source in sources) == SHOWN_EXAMPLES
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?:|url\(|@import|href", page)
    assert "<script" not in page
    assert page.count("&lt;script") == SHOWN_EXAMPLES + 1  # the labels, and why the test stopped


def test_images_that_cannot_be_read_are_left_out_and_others_shown(tmp_path: Path):
    paths = [tmp_path / f"{number}.png" for number in range(2 * SHOWN_EXAMPLES)]
    for path in paths[1:]:
        Image.new("RGB", (60, 20)).save(path)
    paths[0].write_bytes(b"no image")
    paths[2].unlink()
    examples = [LabelledImage(path, "") for path in paths]
    assert strength_page("work", report_of(), examples).count("data:image/png") == SHOWN_EXAMPLES
    assert strength_page("work", report_of(), examples[:1]).count("data:image/png") == 0


@pytest.mark.parametrize("has_people", [False, True])
@pytest.mark.parametrize("readers", [[], [ReaderScore("tesseract", 3, IMAGES)]])
def test_the_figure_shows_everything_between_0_and_100_percent(has_people: bool, readers: list[ReaderScore]):
    report = report_of(people=people() if has_people else None, readers=readers)
    figure = draw_strength(report["rungs"], report["readers"], report["people"])
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.get_ylim() == (0, 1)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["none", "10", "50"]
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert ("people" in names, "programs anyone can install" in names) == (has_people, bool(readers))
