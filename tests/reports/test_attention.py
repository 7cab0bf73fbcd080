"""Strips under the images of mistakes: marks at the right columns, beside the label, escaped and readable."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.artifacts.attention import LocatedCharacter
from bearcat.artifacts.card import Card
from bearcat.artifacts.inference import Recogniser
from bearcat.data.images import InputSpec, extract_pixels
from bearcat.reports.attention import (
    GAP,
    LEGEND,
    MAX_WIDTH,
    PERCENT_GAP,
    Mark,
    StripDrawer,
    draw_strip,
    input_span,
    make_marks,
)
from tests.helpers.animations import Letters, one_after_the_other, save_animation

WHOLE = (0.0, 1.0)


def located(symbol: str, *weights: float, probability: float = 0.9) -> LocatedCharacter:
    return LocatedCharacter(symbol, probability, np.array(weights))


def marks_of(label: str, text: str, centres: list[float]) -> list[Mark]:
    """Returns the marks of a prediction whose characters are at certain of 100 columns."""
    columns = np.arange(100)
    found = [located(one, *(columns == round(100 * at))) for one, at in zip(text, centres, strict=True)]
    return make_marks(label, found, WHOLE)


def in_strip(strip: str, kind: str) -> list[tuple[float, str]]:
    """Returns the places and texts of a kind of text."""
    found = re.findall(rf'<text class="{kind}" x="([^"]*)" y="[^"]*">([^<]*)</text>', strip)
    return [(float(x), text) for x, text in found]


def test_neighbouring_columns_of_about_the_same_weight_are_one_band():
    (mark,) = make_marks("a", [located("a", 0, 0.05, 0.5, 0.55, 1, 1, 0, 0.3)], WHOLE)
    assert mark.bands == [(0.25, 0.5, 0.6), (0.5, 0.75, 1.0), (0.875, 1.0, 0.4)]
    assert mark.centre == 0.5625  # the first of the heaviest columns
    assert not mark.is_wrong


def test_margins_of_the_input_lie_outside_the_image():
    assert input_span(Image.new("RGB", (40, 10)), InputSpec(10, 80, 1)) == (-0.5, 1.5)
    assert input_span(Image.new("RGB", (160, 20)), InputSpec(20, 80, 1)) == (0, 1)  # shrunk
    found = [located("a", 0, 0, 1, 0, 0, 0, 0, 0), located("b", 1, 0, 0, 0, 0, 0, 0, 0)]
    marks = make_marks("ab", found, (-0.5, 1.5))
    assert [mark.bands for mark in marks] == [[(0, 0.25, 1)], [(0, 0, 1)]]


@pytest.mark.parametrize(
    ("label", "text", "centres", "expected"),
    [
        ("ab3", "ab8", [0.1, 0.5, 0.9], [("a", "a", 0.105), ("b", "b", 0.505), ("3", "8", 0.905)]),
        ("abc", "ac", [0.1, 0.9], [("a", "a", 0.105), ("b", "", 0.505), ("c", "c", 0.905)]),
        ("ac", "abc", [0.1, 0.5, 0.9], [("a", "a", 0.105), ("", "b", 0.505), ("c", "c", 0.905)]),
        ("ab", "b", [0.8], [("a", "", 0.4025), ("b", "b", 0.805)]),
        ("ab", "a", [0.2], [("a", "a", 0.205), ("b", "", 0.6025)]),
    ],
)
def test_predicted_characters_stand_beside_those_of_the_label(label: str, text: str, centres: list, expected: list):
    marks = marks_of(label, text, centres)
    assert [(mark.true, mark.predicted) for mark in marks] == [(true, predicted) for true, predicted, _ in expected]
    assert [mark.centre for mark in marks] == pytest.approx([centre for _, _, centre in expected])
    assert [bool(mark.bands) for mark in marks] == [bool(predicted) for _, predicted, _ in expected]


def test_a_strip_has_the_marks_the_characters_and_what_the_label_has():
    strip = draw_strip(Image.new("RGB", (100, 30)), marks_of("ab3", "ab8", [0.1, 0.5, 0.9]), "captcha ab3")
    bands = re.findall(r'<rect class="(\w+)" x="([^"]*)" width="([^"]*)" height="9" opacity="1.0"/>', strip)
    assert bands == [("right", "24.0", "2.4"), ("right", "120.0", "2.4"), ("wrong", "216.0", "2.4")]
    assert in_strip(strip, "right") == [(25.2, "a"), (121.2, "b")]
    assert in_strip(strip, "wrong") == [(217.2, "8")]
    assert in_strip(strip, "true") == [(217.2, "3")]
    assert strip.count("90%</text>") == 3
    assert strip.index("<img ") < strip.index("<svg ")
    assert (
        'aria-label="from left to right: a predicted with 90.0% from 10% to 11% of the width; b predicted with 90.0% '
        'from 50% to 51% of the width; 8 predicted with 90.0% from 90% to 91% of the width, the label has 3"'
    ) in strip
    assert "<title>8 predicted with 90.0% from 90% to 91% of the width, the label has 3</title>" in strip


def test_missing_and_additional_characters_are_shown_and_told():
    strip = draw_strip(Image.new("RGB", (100, 30)), marks_of("abcde", "acdef", [0.1, 0.3, 0.5, 0.7, 0.9]), "")
    assert [text for _, text in in_strip(strip, "wrong")] == ["", "f"]
    assert [text for _, text in in_strip(strip, "true")] == ["b", ""]
    assert "nothing predicted, the label has b" in strip
    assert "of the width, the label has nothing" in strip


def test_characters_of_marks_that_are_close_keep_their_order_and_a_distance():
    marks = marks_of("abcdef", "abcdef", [0.5, 0.5, 0.5, 0.02, 0.97, 0.99])
    places = [x for x, _ in in_strip(draw_strip(Image.new("RGB", (100, 30)), marks, ""), "right")]
    assert np.diff(places).min() >= GAP - 0.11
    assert places[0] >= GAP / 2
    assert places[-1] <= MAX_WIDTH - GAP / 2
    marks = marks_of("abc", "abc", [0.48, 0.5, 0.52])
    places = [x for x, _ in in_strip(draw_strip(Image.new("RGB", (100, 30)), marks, ""), "right")]
    assert places == pytest.approx([MAX_WIDTH * 0.505 + shift for shift in (-GAP, 0, GAP)], abs=0.11)


def test_many_characters_are_smaller_and_without_probabilities():
    count = 30
    marks = marks_of("a" * count, "a" * count, [0.01] * count)
    strip = draw_strip(Image.new("RGB", (100, 30)), marks, "")
    assert MAX_WIDTH / count < PERCENT_GAP
    assert "%</text>" not in strip
    assert 'style="font-size:8px"' in strip
    places = [x for x, _ in in_strip(strip, "right")]
    assert np.diff(places) == pytest.approx([8] * (count - 1), abs=0.11)
    assert places[-1] == MAX_WIDTH - 4


def test_labels_are_escaped_and_marks_and_spaces_visible():
    strip = draw_strip(Image.new("RGB", (100, 30)), marks_of('<">', "<& ́", [0.1, 0.4, 0.6, 0.9]), '"><b>')
    assert not re.search(r"<(?!/?(figure|img|svg|rect|g|title|path|text)\b)", strip)
    assert "&#34; predicted" not in strip
    assert "&amp; predicted with" in strip
    assert {text for _, text in in_strip(strip, "wrong")} == {"&amp;", "␣", "◌́"}
    assert not re.search(r"https?:", strip)


class Steps:
    """Stands in for an engine that predicts the same classes for each image."""

    def __init__(self, card: Card, classes: list[int]):
        self.card, self._logits = card, 20.0 * np.eye(4)[np.newaxis, classes]

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        return self._logits


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.new("L", (80, 20), 200).save(path)
    return path


def recogniser_of(
    classes: list[int], mode: str = "CTC", characters: str = "abc", layout: str = "line", direction: str = ""
) -> Recogniser:
    spec = InputSpec(20, 80, 1, layout=layout)
    return Recogniser(Steps(Card("c", mode, "tiny", tuple(characters), spec, 4, direction=direction), classes))


def mistake(label: str, text: str) -> dict:
    return {"file": "a.png", "label": label, "read": text, "confidence": 0.9}


def test_the_image_of_a_mistake_gets_a_strip(image: Path):
    drawer = StripDrawer(recogniser_of([0, 1, 0, 2]))
    drawn = drawer.draw(mistake("ac", "ab"), image)
    assert drawer.legend == LEGEND
    assert drawn.count("<img ") == drawn.count("<svg ") == 1
    assert in_strip(drawn, "right") == [(90, "a")]
    assert in_strip(drawn, "wrong") == [(MAX_WIDTH * 7 / 8, "b")]
    assert in_strip(drawn, "true") == [(MAX_WIDTH * 7 / 8, "c")]


def test_labels_from_right_to_left_are_in_the_order_of_the_image(image: Path):
    drawn = StripDrawer(recogniser_of([0, 1, 0, 2], characters="אבג", direction="rtl")).draw(mistake("גא", "בא"), image)
    assert in_strip(drawn, "right") == [(90, "א")]
    assert in_strip(drawn, "true") == [(MAX_WIDTH * 7 / 8, "ג")]


@pytest.mark.parametrize(
    ("recogniser", "text", "has_legend"),
    [
        (recogniser_of([1], mode="NUM_CLASSES"), "a", False),
        (recogniser_of([0, 0]), "", True),
        (recogniser_of([1, 2]), "edited", True),
    ],
    ids=["class", "nothing predicted", "edited prediction"],
)
def test_an_image_is_drawn_alone_if_nothing_can_be_located(
    image: Path, recogniser: Recogniser, text: str, has_legend: bool
):
    drawer = StripDrawer(recogniser)
    drawn = drawer.draw(mistake("b", text), image)
    assert bool(drawer.legend) == has_legend
    assert drawn.startswith("<img ")
    assert "<svg" not in drawn


def test_what_an_edited_extraction_makes_of_an_image_is_shown_with_the_strip(image: Path):
    recogniser = recogniser_of([0, 1, 0, 2])
    edited = Recogniser(recogniser.engine, lambda source, spec: 255 - extract_pixels(source, spec))
    drawn = StripDrawer(edited).draw(mistake("ac", "ab"), image)
    assert drawn.count("<img ") == 2
    assert drawn.index("<img ") < drawn.index("<figure ")
    assert in_strip(drawn, "wrong") == [(MAX_WIDTH * 7 / 8, "b")]


def test_the_frame_that_the_model_gets_of_an_animation_is_shown_with_the_strip(tmp_path: Path):
    file = save_animation(tmp_path / "ac_1.gif", one_after_the_other(Letters("ac")))
    drawn = StripDrawer(recogniser_of([0, 1, 0, 2])).draw(mistake("ac", "ab"), file)
    assert drawn.count("<img ") == 2
    assert drawn.count("<svg ") == 1


def test_the_line_that_the_model_gets_of_two_is_shown_with_the_strip(tmp_path: Path):
    path, pixels = tmp_path / "ac_1.png", np.full((40, 40), 255, np.uint8)
    pixels[5:15, 10:30] = pixels[25:35, 10:30] = 0
    Image.fromarray(pixels).save(path)
    drawn = StripDrawer(recogniser_of([0, 1, 0, 2], layout="two_lines")).draw(mistake("ac", "ab"), path)
    first, second = (Image.open(BytesIO(b64decode(one))) for one in re.findall('base64,([^"]*)"', drawn))
    assert (first.size, second.size) == ((40, 40), (80, 20))
    assert in_strip(drawn, "wrong") == [(MAX_WIDTH * 7 / 8, "b")]
