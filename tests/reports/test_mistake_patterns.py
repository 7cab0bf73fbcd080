"""Figures that tell wrong labels and images from a lack of training, on small sets with the fault planted."""

import random
from pathlib import Path

import pytest
from PIL import Image

from bearcat.data.images import InputSpec
from bearcat.data.labels.reading import LabelledImage
from bearcat.reports.mistake_patterns import Pair, image_patterns, label_patterns, shuffled_accuracy, text_patterns
from tests.helpers.images import GREEN, RED, draw_bar
from tests.helpers.layouts import draw_two_lines


def patterns(*pairs: tuple[str, str]) -> dict:
    return text_patterns([Pair(f"{number}.png", *pair) for number, pair in enumerate(pairs)], tuple)


@pytest.mark.parametrize(
    ("key", "label", "text"),
    [
        ("reversed", "abc", "cba"),
        ("reversed", "שלום", "םולש"),
        ("reversed", "กี่ขา", "าขกี่"),  # by grapheme clusters
        ("invisible", "2b9k ", "2b9k"),
        ("invisible", "ab\u200bcd", "abcd"),
        ("invisible", "cafe\u0301", "café"),
        ("invisible", "a\tb", "a b"),
        ("lost_zeros", "42", "0042"),
    ],
)
def test_a_spelling_is_recognised(key: str, label: str, text: str):
    found = patterns(("ab12", "ab12"), (label, text))
    assert {name: found[name] for name in ("reversed", "invisible", "lost_zeros")} == {
        "reversed": [],
        "invisible": [],
        "lost_zeros": [],
    } | {key: ["1.png"]}


def test_other_mistakes_have_no_spelling():
    found = patterns(("abc", "abd"), ("x", "y"), ("042", "42"), ("aba", "aba"), ("1", "11"), ("a", ""))
    keys = ("reversed", "invisible", "lost_zeros", "look_alike", "exchanged")
    assert [found[key] for key in keys] == [[]] * 5


def test_twins_are_those_of_the_fewer_labels():
    found = patterns(("аbс", "abc"), ("abd", "abd"), ("cab", "cab"), ("xya", "xyc"))  # the first with Cyrillic letters
    assert found["look_alike"] == ["0.png"]
    names = ["U+0430 CYRILLIC SMALL LETTER A for a", "U+0441 CYRILLIC SMALL LETTER ES for c"]
    assert found["look_alike_characters"] == names


def test_labels_are_exchanged_in_pairs_and_not_by_a_confusion():
    found = patterns(("abcd", "wxyz"), ("wxyz", "abcd"), ("ab3d", "ab8d"), ("ab8d", "ab3d"), ("qqqq", "abcd"))
    assert found["exchanged"] == [["0.png", "1.png"]]


def test_counts_and_the_most_frequent_prediction():
    found = patterns(("ab", "ba"), ("ab", "ba"), ("cd", ""))
    assert (found["distinct_labels"], found["most_predicted"]) == (2, {"text": "ba", "images": 2})
    assert found["reversed_accuracy"] == pytest.approx(4 / 6)


def test_predictions_that_fit_all_images_alike_are_at_chance():
    generator = random.Random(0)
    labels = ["".join(generator.choices("abcdef", k=4)) for _ in range(40)]
    assert shuffled_accuracy(labels, labels)["p_value"] < 0.01
    assert shuffled_accuracy(labels, [f"{label[:2]}zz" for label in labels])["p_value"] < 0.01
    for texts in (["abcd"] * 40, [""] * 40, generator.sample(labels, 40)):
        assert shuffled_accuracy(labels, texts)["p_value"] > 0.05
    assert shuffled_accuracy(["a"], ["a"])["p_value"] == 1


def shifted(names: list[str], labels: list[str]) -> tuple[list[LabelledImage], list[dict]]:
    """Returns images whose labels are shifted by one, and what a good model makes of them."""
    data = [LabelledImage(Path("set", name), label) for name, label in zip(names, labels, strict=True)]
    truths = [*labels[1:], "none"]
    return data, [{"file": one.name, "label": one.label, "read": text} for one, text in zip(data, truths, strict=True)]


def test_shifted_labels_are_those_of_the_neighbours_also_in_another_set():
    names, labels = [f"{number}.png" for number in range(6, 13)], ["aaaa", "bbbb", "cccc", "dddd", "ee", "ff", "gg"]
    data, mistakes = shifted(names, labels)
    found = label_patterns(mistakes[:2] + mistakes[4:5], data[:2] + data[4:5], data[2:4] + data[5:])
    assert found["neighbours"]["files"] == ["6.png", "7.png", "10.png"]
    assert found["neighbours"]["expected"] < 1
    data, mistakes = shifted([f"{label}_{number}.png" for number, label in enumerate(labels)], labels)
    assert len(label_patterns(mistakes, data)["neighbours"]["files"]) == 6  # in the order of the numbers


def test_sets_with_equal_names_are_not_mixed():
    data, mistakes = shifted(["1.png", "2.png"], ["aaaa", "bbbb"])
    others = [LabelledImage(Path("other", one.name), "cccc") for one in data]
    assert label_patterns(mistakes, data, others)["neighbours"]["files"] == ["1.png"]


def test_labels_of_a_program_are_named():
    data = [LabelledImage(Path(f"{number:05}_x.png"), f"{number:05}") for number in range(30)]
    assert label_patterns([], data[::3], [*data[1::3], *data[2::3]])["label_kind"] == "consecutive numbers"
    data = [LabelledImage(Path("a.png"), label) for label in ("ab3d", "9kz1", "77aq", "1b2c", "zzz9")]
    found = label_patterns([], data)
    assert (found["label_kind"], found["direction"]) == ("", "")
    assert label_patterns([], [LabelledImage(Path("a.png"), "אבג")])["direction"] == "rtl"


def test_images_that_show_nothing_that_move_and_that_are_shrunk(tmp_path: Path):
    paper, ink = Image.new("RGB", (40, 20), "white"), Image.effect_noise((40, 20), 90).convert("RGB")
    paths = {name: tmp_path / name for name in ("blank.png", "moving.gif", "still.gif", "wide.png")}
    paper.save(paths["blank.png"])
    paper.save(paths["moving.gif"], save_all=True, append_images=[ink])
    ink.save(paths["still.gif"], save_all=True, append_images=[ink])
    ink.resize((80, 40)).save(paths["wide.png"])
    mistakes = [{"file": name} for name in paths]
    found = image_patterns(paths, mistakes, InputSpec(20, 40, 1))
    del found["merged_in_grey"]
    assert found == {"frames": "first", "animated": ["moving.gif"], "blank": ["blank.png"], "shrunk": 0.25}
    assert image_patterns(paths, [], InputSpec(20, 40, 1))["blank"] == []  # no mistake
    assert image_patterns(paths, [], InputSpec(20, 40, 1, "spread"))["shrunk"] == 0.5


def test_an_image_is_shrunk_if_its_line_is_too_large(tmp_path: Path):
    paths = {"a.png": tmp_path / "a.png"}
    draw_two_lines("k7xd3a").save(paths["a.png"])  # 100×64
    for width, shrunk in ((199, 1), (200, 0)):
        assert image_patterns(paths, [], InputSpec(48, width, 1, layout="two_lines"))["shrunk"] == shrunk


def test_images_whose_colours_grey_merges_are_compared_with_the_others(tmp_path: Path):
    for number in range(6):
        ink, paper = (RED, GREEN) if number < 4 else ((0, 0, 0), (255, 255, 255))
        draw_bar(tmp_path, f"{number}.png", ink=ink, paper=paper)
    paths = {f"{number}.png": tmp_path / f"{number}.png" for number in range(6)}
    mistakes = [{"file": f"{number}.png"} for number in range(3)]
    figures = image_patterns(paths, mistakes, InputSpec(20, 40, 1))["merged_in_grey"]
    # 3 of 6 images are wrong: C(4, 3) of C(6, 3) choices take them all from the four
    assert figures == {"images": 4, "mistakes": 3, "others": 2, "mistakes_of_others": 0, "p_value": 4 / 20}
    assert "merged_in_grey" not in image_patterns(paths, mistakes, InputSpec(20, 40, 3))


def test_colours_are_those_of_the_frames_that_the_model_sees(tmp_path: Path):
    draw_bar(tmp_path, "last.png", ink=RED, paper=GREEN)
    last = Image.open(tmp_path / "last.png")
    Image.new("RGB", last.size, "white").save(tmp_path / "1.webp", save_all=True, append_images=[last], lossless=True)
    paths = {"1.webp": tmp_path / "1.webp"}
    specs = (InputSpec(20, 40, 1, how) for how in ("first", "last"))
    assert [image_patterns(paths, [], spec)["merged_in_grey"]["images"] for spec in specs] == [0, 1]
