"""Checks of labels without images: what they find, and that they find nothing in labels that are as they should be."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.text import clean_label
from bearcat.modes import Task
from bearcat.reports.dataset.checks import Finding
from bearcat.reports.dataset.label_checks import check_labels, describe_finding, refuse_one_label

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def draw(count: int, characters: str = LETTERS, lengths: Sequence[int] = (4,)) -> list[str]:
    drawn = random.Random(count)
    return ["".join(drawn.choices(characters, k=drawn.choice(lengths))) for _ in range(count)]


def check(labels: Sequence[str], task: Task = Task.TEXT, name: str = "{label}_{number:04}.png") -> list[Finding]:
    """Checks labels of files in train_dataset; `name` says how these are named."""
    items = []
    for number, written in enumerate(labels):
        label = clean_label(written)
        path = Path("/own/train_dataset") / name.format(label=written, number=number)
        items.append(LabelledImage(path, label, "", written if written != label else ""))
    return check_labels({"train": items, "validation": [], "test": []}, task)


def kinds(findings: Sequence[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


@pytest.mark.parametrize(
    "labels",
    [
        draw(1500),
        draw(50),
        draw(50, LETTERS + LETTERS.upper()),
        draw(1500, "0123456789", (4, 5)),
        draw(300, "0123456789", (2, 3, 4)),
        draw(200, "".join(map(chr, range(0x4E00, 0x5500)))),
        [f"{a}+{b}=" for a in range(20) for b in range(20)],
        [*(f"{a}-{b}=" for a in range(1, 9) for b in range(1, 9)), "12-3="],
        ["the quick brown fox jumps over a lazy dog"[start : start + 12].strip() for start in range(30)] * 2,
    ],
)
def test_labels_as_they_should_be_raise_no_warning(labels: list[str]):
    assert [finding for finding in check(labels) if finding.level == "warning"] == []


def test_one_label_is_refused_with_its_files_and_what_was_taken():
    findings = check(["captcha"] * 150)
    assert kinds(findings) == ["one_label"]
    with pytest.raises(LabelError, match="all 150 images have the label 'captcha'") as refusal:
        refuse_one_label(findings)
    message = str(refusal.value)
    assert "from the file names, from the part before the first '_'" in message
    assert message.count("train_dataset/captcha_") == 3
    assert "… and 147 more" in message
    assert "labels.csv" in message


def test_one_label_in_front_of_the_real_one_names_the_part_that_looks_like_it():
    texts = draw(60)
    items = [
        LabelledImage(Path(f"/own/train_dataset/captcha_{text}_{n}.png"), "captcha") for n, text in enumerate(texts)
    ]
    (finding,) = check_labels({"train": items}, Task.TEXT)
    assert f"if {texts[0]!r} is the label of captcha_{texts[0]}_0.png" in finding.todo
    assert 'path.stem.split("_")[1]' in finding.todo


def test_one_class_is_refused():
    items = [LabelledImage(Path(f"/own/train_dataset/circle/{n}.png"), "circle", "circle") for n in range(20)]
    with pytest.raises(LabelError, match="all 20 images are of one class, 'circle'"):
        refuse_one_label(check_labels({"train": items}, Task.CLASSIFICATION))


def test_one_label_in_the_test_set_only_is_not_refused():
    texts = {"train": ["ab", "cd"], "validation": ["ab"], "test": ["ab", "ab"]}
    sets = {s: [LabelledImage(Path(f"/w/{t}_{n}.png"), t) for n, t in enumerate(ts)] for s, ts in texts.items()}
    refuse_one_label(check_labels(sets, Task.TEXT))


def test_numbers_before_the_label_are_a_warning_with_three_names():
    texts = draw(60)
    items = [LabelledImage(Path(f"/own/train_dataset/{n:04}_{text}.png"), f"{n:04}") for n, text in enumerate(texts)]
    (finding,) = check_labels({"train": items}, Task.TEXT)
    assert (finding.level, finding.kind) == ("warning", "unlikely_labels")
    assert "look like consecutive numbers" in finding.text
    assert 'path.stem.split("_")[1]' in finding.todo
    lines = describe_finding(finding)
    assert lines[1] == f"  train_dataset/0000_{texts[0]}.png: '0000'"
    assert lines[4] == "  … and 57 more"


def test_underscores_inside_labels_are_a_warning_that_names_the_whole():
    texts = draw(60)
    items = [
        LabelledImage(Path(f"/own/train_dataset/{text[:2]}_{text[2:]}_{n:03}.png"), text[:2])
        for n, text in enumerate(texts)
    ]
    (finding,) = check_labels({"train": items}, Task.TEXT)
    assert finding.kind == "underscores"
    assert f"if the label is '{texts[0][:2]}_{texts[0][2:]}'" in finding.todo
    assert "another character" in finding.todo


def test_removed_characters_are_counted():
    texts = draw(40)
    findings = check(
        [f"{text} " if n % 4 == 0 else f"{text}\u200b" if n % 4 == 1 else text for n, text in enumerate(texts)]
    )
    (finding,) = [finding for finding in findings if finding.kind == "cleaned"]
    assert finding.text.startswith("20 labels")
    assert "blanks at the ends (10)" in finding.text
    assert "U+200B ZERO WIDTH SPACE (10)" in finding.text
    assert finding.files[0] == f"train_dataset/{texts[0]} _0000.png: {texts[0] + ' '!r} is read as {texts[0]!r}"


def test_classes_that_differ_in_case_only_are_named():
    labels = ["circle"] * 20 + ["Circle"] * 3 + ["square"] * 20
    (finding,) = check(labels, Task.CLASSIFICATION)
    assert finding.kind == "class_case"
    assert "'circle' (20), 'Circle' (3)" in finding.text
    assert len(finding.files) == 3
    assert check(["circle"] * 20 + ["square"] * 20, Task.CLASSIFICATION) == []
