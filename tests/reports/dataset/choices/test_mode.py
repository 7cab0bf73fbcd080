"""The MODE that labels suggest, and when the chosen mode stays."""

from pathlib import Path

import pytest
from PIL import Image

from bearcat.core.settings_file import is_template_line
from bearcat.core.workspace import create_work
from bearcat.data.labels.reading import label_of_name
from bearcat.reports.dataset.choices.mode import (
    LabelSummary,
    choose_mode,
    recommend_mode,
    suggest_mode,
    summarize_labels,
)

CODES = [f"{number:04}" for number in range(0, 9999, 7)]
SUMS = [f"{a}+{b}=" for a in range(30) for b in range(30)]
LONG = [f"{number:06}" + "abc" * (number % 2) for number in range(500)]
THINGS = ["牌坊", "茶几", "cat"] * 20
SHAPES = ["circle", "square", "triangle"] * 20
POOL = ["7kqm", "x3hd", "9fvt", "mm4e", "bq8c"] * 40  # few captchas that a site serves again and again


@pytest.mark.parametrize(
    ("labels", "with_boxes", "mode", "reason"),
    [
        (CODES, 0, "ORDINARY", "every label has 4 characters"),
        (SUMS, 0, "ORDINARY", "labels have 4 to 6 characters"),
        (SUMS * 10, 0, "ORDINARY", "labels have 4 to 6 characters"),
        (THINGS, 0, "NUM_CLASSES", "3 different labels with 20 images each"),
        (SHAPES, 0, "NUM_CLASSES", "3 different labels with 20 images each"),
        (POOL, 0, "ORDINARY", "every label has 4 characters"),
        (["bkdf", "qqxw", "hgtrw"] * 40, 0, "ORDINARY", "labels have 4 to 5 characters"),
        (["captcha"] * 150, 0, "ORDINARY", "every label has 7 characters"),
        (["cat", "dog", "cow"] * 40, 0, "ORDINARY", "every label has 3 characters"),  # can be texts, so they are
        (THINGS[:3], 0, "ORDINARY", "labels have 2 to 3 characters"),
        (LONG, 0, "CTC", "labels have 6 to 9 characters"),
        (CODES, len(CODES), "EFFICIENTDET", "have a file with boxes"),
        ([], 0, "", ""),
    ],
)
def test_labels_suggest_a_mode_with_a_reason(labels: list[str], with_boxes: int, mode: str, reason: str):
    suggested, given = suggest_mode(LabelSummary(labels, with_boxes, len(labels)))
    assert suggested == mode
    assert reason in given


@pytest.mark.parametrize("now", ["CTC", "CTC_TINY", "ORDINARY"])
def test_a_mode_that_was_chosen_and_can_learn_the_data_stays(now: str):
    for labels in (CODES, SUMS, THINGS):
        advice = choose_mode(now, None, LabelSummary(labels, 0, len(labels)))
        assert advice.mode == now
        assert advice.suggested == now or "set on purpose" in advice.because


def test_the_default_is_replaced():
    advice = choose_mode("ORDINARY", "ORDINARY", LabelSummary(LONG, 0, len(LONG)))
    assert (advice.suggested, advice.mode) == ("CTC", "CTC")
    assert "only the default" in advice.because


@pytest.mark.parametrize(
    ("now", "labels", "with_boxes", "mode", "obstacle"),
    [
        ("EFFICIENTDET", CODES, 0, "ORDINARY", "no image has a file with boxes"),
        ("NUM_CLASSES", CODES, 0, "ORDINARY", "different labels"),
        ("CTC", [], 9, "EFFICIENTDET", "no image has a label in its file name"),
    ],
)
def test_a_chosen_mode_that_cannot_learn_the_data_is_replaced(
    now: str, labels: list[str], with_boxes: int, mode: str, obstacle: str
):
    advice = choose_mode(now, "ORDINARY", LabelSummary(labels, with_boxes, len(labels) or with_boxes))
    assert advice.mode == mode
    assert obstacle in advice.because


def test_wide_images_show_texts_even_if_these_are_words():
    assert suggest_mode(LabelSummary(SHAPES, 0, 60, aspect=1.5))[0] == "NUM_CLASSES"
    assert suggest_mode(LabelSummary(SHAPES, 0, 60, aspect=3))[0] == "ORDINARY"


@pytest.mark.parametrize("line", ["MODE = 'ORDINARY'\n", 'MODE = "ORDINARY"\n', "MODE='ORDINARY'  # CTC was worse\n"])
def test_the_default_written_into_a_work_was_chosen(works: Path, line: str):
    work = create_work(works, "own")
    train = work.data_folder("train")
    train.mkdir()
    for number, label in enumerate(SHAPES):
        Image.new("L", (8, 8)).save(train / f"{label}_{number}.png")
    advice = recommend_mode(work, "ORDINARY", [], [train], label_of_name)
    assert (advice.mode, advice.is_kept) == ("NUM_CLASSES", False)
    settings = work.settings_file.read_text(encoding="utf-8")
    own = next(one for one in settings.splitlines(keepends=True) if one.startswith("MODE ="))
    for changed in (settings.replace(own, line), settings + line):
        work.settings_file.write_text(changed, encoding="utf-8")
        advice = recommend_mode(work, "ORDINARY", [], [train], label_of_name)
        assert (advice.mode, advice.is_kept) == ("ORDINARY", True)
        assert "set on purpose" in advice.because


def test_a_mode_that_the_work_was_created_with_was_chosen(works: Path):
    work = create_work(works, "own", settings={"MODE": "ORDINARY"})
    assert not is_template_line(work.settings_file, "MODE", "ORDINARY", "'CTC'")
    assert is_template_line(create_work(works, "new").settings_file, "MODE", "ORDINARY", "'CTC'")


def test_images_in_sub_folders_are_no_texts_even_if_that_was_chosen():
    labels = LabelSummary(["ab", "cd"] * 5, 0, 10, in_sub_folders=10)
    advice = choose_mode("ORDINARY", None, labels)
    assert advice.mode == "NUM_CLASSES"
    assert "10 of 10 images are in sub-folders" in advice.because


def test_without_images_the_mode_stays():
    assert choose_mode("CTC", "ORDINARY", LabelSummary([], 0, 0)).mode == "CTC"


def test_images_in_sub_folders_are_classes():
    mode, reason = suggest_mode(LabelSummary(["ab", "cd"] * 5, 0, 10, in_sub_folders=10))
    assert mode == "NUM_CLASSES"
    assert "sub-folders" in reason


@pytest.mark.parametrize(("table", "in_sub_folders"), [(None, 4), ("labels.csv", 0)])
def test_sub_folders_are_not_classes_next_to_a_table(tmp_path: Path, table: str | None, in_sub_folders: int):
    names = [f"batch{number}/{number}.png" for number in range(4)]
    for name in names:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    if table:
        (tmp_path / table).write_text("".join(f"{name},ab{n}d\n" for n, name in enumerate(names)), encoding="utf-8")
    assert summarize_labels([tmp_path], tmp_path / "label", label_of_name).in_sub_folders == in_sub_folders


@pytest.mark.parametrize(
    ("beside", "with_boxes"),
    [(["ab_1.xml"], 1), (["ab_1.txt", "classes.txt"], 1), (["ab_1.txt"], 0), (["other.xml"], 0)],
)
def test_files_with_boxes_are_distinguished_from_other_texts(tmp_path: Path, beside: list[str], with_boxes: int):
    for name in ("ab_1.png", "cd_1.png", *beside):
        (tmp_path / name).touch()
    facts = summarize_labels([tmp_path], tmp_path / "label", label_of_name)
    assert (facts.texts, facts.with_boxes, facts.images) == (["ab", "cd"], with_boxes, 2)
