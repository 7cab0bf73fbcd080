"""Which MODE the labels suggest, and when it goes before the one that is set."""

from pathlib import Path

import pytest

from bearcat.data.labels import label_of_name
from bearcat.reports.recommended_settings import LabelFacts, advise_mode, look_at_labels, suggest_mode

CODES = [f"{number:04}" for number in range(0, 9999, 7)]
SUMS = [f"{a}+{b}=" for a in range(30) for b in range(30)]
LONG = [f"{number:06}" + "abc" * (number % 2) for number in range(500)]
THINGS = ["牌坊", "茶几", "cat"] * 20


@pytest.mark.parametrize(
    ("labels", "with_boxes", "mode", "reason"),
    [
        (CODES, 0, "ORDINARY", "every label has 4 characters"),
        (SUMS, 0, "ORDINARY", "labels have 4 to 6 characters"),
        (SUMS * 10, 0, "ORDINARY", "labels have 4 to 6 characters"),
        (THINGS, 0, "NUM_CLASSES", "3 labels come back 20 times each"),
        (THINGS[:3], 0, "ORDINARY", "labels have 2 to 3 characters"),
        (LONG, 0, "CTC", "labels have 6 to 9 characters"),
        (CODES, len(CODES), "EFFICIENTDET", "have a file with boxes"),
        ([], 0, "", ""),
    ],
)
def test_the_labels_suggest_a_mode_and_say_why(labels: list[str], with_boxes: int, mode: str, reason: str):
    suggested, why = suggest_mode(LabelFacts(labels, with_boxes, len(labels)))
    assert suggested == mode
    assert reason in why


@pytest.mark.parametrize("now", ["CTC", "CTC_TINY", "ORDINARY"])
def test_a_mode_that_was_chosen_and_can_learn_the_data_stays(now: str):
    for labels in (CODES, SUMS, THINGS):
        advice = advise_mode(now, None, LabelFacts(labels, 0, len(labels)))
        assert advice.mode == now
        assert advice.suggested == now or "set on purpose" in advice.because


def test_the_default_gives_way():
    advice = advise_mode("ORDINARY", "ORDINARY", LabelFacts(LONG, 0, len(LONG)))
    assert (advice.suggested, advice.mode) == ("CTC", "CTC")
    assert "nobody chose" in advice.because


@pytest.mark.parametrize(
    ("now", "labels", "with_boxes", "mode", "obstacle"),
    [
        ("EFFICIENTDET", CODES, 0, "ORDINARY", "not one has a file with boxes"),
        ("NUM_CLASSES", CODES, 0, "ORDINARY", "labels differ"),
        ("CTC", [], 9, "EFFICIENTDET", "not one has a label in its file name"),
    ],
)
def test_a_chosen_mode_that_cannot_learn_the_data_gives_way(
    now: str, labels: list[str], with_boxes: int, mode: str, obstacle: str
):
    advice = advise_mode(now, "ORDINARY", LabelFacts(labels, with_boxes, len(labels) or with_boxes))
    assert advice.mode == mode
    assert obstacle in advice.because


def test_without_images_the_mode_stays():
    assert advise_mode("CTC", "ORDINARY", LabelFacts([], 0, 0)).mode == "CTC"


def test_images_in_sub_folders_are_classes():
    mode, why = suggest_mode(LabelFacts(["ab", "cd"] * 5, 0, 10, in_sub_folders=10))
    assert mode == "NUM_CLASSES"
    assert "sub-folders" in why


@pytest.mark.parametrize(("table", "in_sub_folders"), [(None, 4), ("labels.csv", 0)])
def test_beside_a_table_sub_folders_are_no_classes(tmp_path: Path, table: str | None, in_sub_folders: int):
    names = [f"batch{number}/{number}.png" for number in range(4)]
    for name in names:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    if table:
        (tmp_path / table).write_text("".join(f"{name},ab{n}d\n" for n, name in enumerate(names)), encoding="utf-8")
    assert look_at_labels([tmp_path], label_of_name, tmp_path / "label").in_sub_folders == in_sub_folders


@pytest.mark.parametrize(
    ("beside", "with_boxes"),
    [(["ab_1.xml"], 1), (["ab_1.txt", "classes.txt"], 1), (["ab_1.txt"], 0), (["other.xml"], 0)],
)
def test_files_with_boxes_are_told_from_other_texts(tmp_path: Path, beside: list[str], with_boxes: int):
    for name in ("ab_1.png", "cd_1.png", *beside):
        (tmp_path / name).touch()
    facts = look_at_labels([tmp_path], label_of_name, tmp_path / "label")
    assert (facts.texts, facts.with_boxes, facts.images) == (["ab", "cd"], with_boxes, 2)
