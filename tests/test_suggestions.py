"""Which MODE the labels suggest, and when it goes before the one that is set."""

import pytest

from bearcat.suggestions import advise_mode, suggest_mode

CODES = [f"{number:04}" for number in range(0, 9999, 7)]
SUMS = [f"{a}+{b}=" for a in range(30) for b in range(30)]
THINGS = ["牌坊", "茶几", "cat"] * 20


@pytest.mark.parametrize(
    ("labels", "with_boxes", "mode", "reason"),
    [
        (CODES, 0, "ORDINARY", "every label has 4 characters"),
        (SUMS, 0, "CTC", "labels have 4 to 6 characters"),
        (SUMS * 10, 0, "CTC", "labels have 4 to 6 characters"),
        (THINGS, 0, "NUM_CLASSES", "3 labels come back 20 times each"),
        (THINGS[:3], 0, "CTC", "labels have 2 to 3 characters"),
        (CODES, len(CODES), "EFFICIENTDET", "have a VOC file with boxes"),
        ([], 0, "", ""),
    ],
)
def test_the_labels_suggest_a_mode_and_say_why(labels: list[str], with_boxes: int, mode: str, reason: str):
    suggested, why = suggest_mode(labels, with_boxes, len(labels))
    assert suggested == mode
    assert reason in why


@pytest.mark.parametrize("now", ["CTC", "CTC_TINY", "ORDINARY"])
def test_a_mode_that_was_chosen_and_can_learn_the_data_stays(now: str):
    for labels in (CODES, SUMS, THINGS):
        advice = advise_mode(now, None, labels, 0, len(labels))
        assert advice.mode == now
        assert advice.suggested == now or "set on purpose" in advice.because


def test_the_default_gives_way():
    advice = advise_mode("ORDINARY", "ORDINARY", SUMS, 0, len(SUMS))
    assert (advice.suggested, advice.mode) == ("CTC", "CTC")
    assert "nobody chose" in advice.because


@pytest.mark.parametrize(
    ("now", "labels", "with_boxes", "mode", "obstacle"),
    [
        ("EFFICIENTDET", CODES, 0, "ORDINARY", "not one has a VOC file"),
        ("NUM_CLASSES", CODES, 0, "ORDINARY", "labels differ"),
        ("CTC", [], 9, "EFFICIENTDET", "not one has a label in its file name"),
    ],
)
def test_a_chosen_mode_that_cannot_learn_the_data_gives_way(
    now: str, labels: list[str], with_boxes: int, mode: str, obstacle: str
):
    advice = advise_mode(now, "ORDINARY", labels, with_boxes, len(labels) or with_boxes)
    assert advice.mode == mode
    assert obstacle in advice.because


def test_without_pictures_the_mode_stays():
    assert advise_mode("CTC", "ORDINARY", [], 0, 0).mode == "CTC"
