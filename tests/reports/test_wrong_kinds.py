"""Wrong kinds of labels and images: each rule applies if its cause is planted, and only then."""

import pytest

from bearcat.modes import Task
from bearcat.reports.wrong_kinds import (
    RULES_OF_MISTAKES,
    RULES_OF_SETS,
    explain_most,
    find_wrong_kinds,
)

RULES = {rule.__name__: rule for rule in (*RULES_OF_MISTAKES, *RULES_OF_SETS)}


def mistakes_of(count: int, label: str = "abc", read: str = "abd") -> list[dict]:
    return [{"file": f"{number}.png", "label": label, "read": read, "confidence": 0.5} for number in range(count)]


def report_of(wrong: int = 10, **changes: object) -> dict:
    """Returns the report of a model with a few mistakes of no particular kind."""
    figures = {
        "images": 100,
        "exact": 1 - wrong / 100,
        "character_accuracy": 0.95,
        "symbol": Task.TEXT,
        "mistakes": mistakes_of(wrong),
        "distinct_labels": 90,
        "most_predicted": {"text": "abc", "images": 3},
        "shuffled": {"accuracy": 0.1, "p_value": 0.005},
        "reversed_accuracy": 0.2,
        "reversed": [],
        "invisible": [],
        "lost_zeros": [],
        "look_alike": [],
        "look_alike_characters": ["U+0430 CYRILLIC SMALL LETTER A for a"],
        "exchanged": [],
        "label_kind": "",
        "neighbours": {"files": [], "expected": 0.1},
        "frames": "first",
        "animated": [],
        "blank": [],
        "shrunk": 0.0,
    }
    return figures | changes


def merged_in_grey(**changes: float) -> dict[str, float]:
    return {"images": 40, "mistakes": 8, "others": 60, "mistakes_of_others": 2, "p_value": 0.01} | changes


FILES = ["0.png", "1.png", "2.png"]
CHANCE = {"accuracy": 0.1, "p_value": 0.4}
PLANTED = {
    "reversed_labels": ({"character_accuracy": 0.3, "reversed_accuracy": 0.8}, {}, "are read backwards (30%", 10),
    "some_reversed_labels": ({"reversed": FILES}, {}, "3 predictions are their labels read backwards: 0.png ('abc'", 3),
    "invisible_characters": ({"invisible": FILES[:1]}, {}, "1 prediction differs from its label only in", 1),
    "look_alike_characters": ({"look_alike": FILES}, {}, "3 predictions look like their labels, with letters", 3),
    "lost_zeros": ({"lost_zeros": FILES}, {}, "3 predictions are their labels with zeros in front", 3),
    "exchanged_labels": ({"exchanged": [["0.png", "1.png"]]}, {}, "Of 1 pair of images each is", 2),
    "shifted_labels": ({"neighbours": {"files": FILES, "expected": 0.5}}, {}, "3 predictions are the label of the", 3),
    "blank_images": ({"blank": FILES[:1]}, {}, "1 mistake is an image of one colour", 1),
    "single_frames": ({"animated": FILES}, {}, "3 of the 10 mistakes are animations", 3),
    "colours_lost_in_grey": (
        {"merged_in_grey": merged_in_grey()},
        {},
        "The images are coloured, the model is grey: to it different colours look alike in 40 images, and there its "
        "exact match is 80% (exact match 97% on the others)",
        8,
    ),
    "one_label": ({"distinct_labels": 1}, {}, "All 100 test images have one label", 100),
    "labels_of_programs": (
        {"label_kind": "hashes", "shuffled": CHANCE, "exact": 0.0},
        {},
        "The labels are hashes, and the predictions have next to nothing to do with the images: 0.png",
        100,
    ),
    "right_to_left": (
        {"direction": "rtl", "shuffled": CHANCE, "exact": 0.0},
        {},
        "written from right to left, and the predictions have next to nothing to do with the images",
        100,
    ),
    "one_prediction": (
        {"most_predicted": {"text": "", "images": 95}, "shuffled": CHANCE},
        {},
        "predicts nothing at all for 95 of 100 images",
        100,
    ),
    "predictions_at_chance": (
        {"shuffled": CHANCE, "exact": 0.0},
        {},
        "(character accuracy 95%, with the labels in random order 10%). Compare images and labels",
        100,
    ),
    "none_correct": ({"exact": 0.0}, {"exact": 0.98}, "98% of the training images are predicted correctly, so it", 100),
}


def test_every_rule_is_planted():
    assert list(RULES) == list(PLANTED)


@pytest.mark.parametrize("name", PLANTED)
def test_a_rule_applies_if_its_cause_is_planted(name: str):
    changes, training, advice, images = PLANTED[name]
    found = RULES[name](report_of(**changes), training)
    assert advice in found.advice
    assert found.images == images
    assert RULES[name](report_of(), {"exact": 0.95, "val_exact": 0.9}) is None
    assert RULES[name]({"images": 3, "exact": 0.7, "character_accuracy": 0.8, "mistakes": []}, {}) is None


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("some_reversed_labels", {"reversed": FILES[:2]}),  # as a palindrome's neighbour may be
        ("some_reversed_labels", {"reversed": FILES, "mistakes": mistakes_of(50)}),  # a few of many
        ("some_reversed_labels", {"reversed": FILES, "character_accuracy": 0.3, "reversed_accuracy": 0.8}),  # all are
        ("reversed_labels", {"character_accuracy": 0.5, "reversed_accuracy": 0.6}),
        ("lost_zeros", {"lost_zeros": FILES, "mistakes": [*mistakes_of(2, "1", "01"), *mistakes_of(3, "12", "012")]}),
        ("exchanged_labels", {"exchanged": [["0.png", "1.png"]], "symbol": Task.CLASSIFICATION}),
        ("shifted_labels", {"neighbours": {"files": FILES, "expected": 2.0}}),  # few different labels
        ("single_frames", {"animated": FILES, "frames": "median"}),
        ("single_frames", {"animated": [f"{number}.png" for number in range(80)]}),  # most are read well
        ("one_label", {"distinct_labels": 1, "images": 2}),
        ("labels_of_programs", {"label_kind": "consecutive numbers"}),  # and the images show them
        ("one_prediction", {"most_predicted": {"text": "a", "images": 95}, "shuffled": CHANCE, "mistakes": []}),
        ("right_to_left", {"direction": "rtl", "exact": 0.0}),
        ("predictions_at_chance", {"shuffled": CHANCE, "exact": 0.0, "images": 9}),
        ("predictions_at_chance", {"shuffled": CHANCE, "exact": 0.9}),  # nearly one class, and correct
    ],
)
def test_a_rule_does_not_apply_to_what_chance_explains(rule: str, changes: dict):
    assert RULES[rule](report_of(**changes), {}) is None


def test_a_kind_that_explains_most_mistakes_leaves_out_what_follows_from_it():
    at_chance = {"shuffled": CHANCE, "exact": 0.0}
    assert len(find_wrong_kinds(report_of(blank=[f"{number}.png" for number in range(9)], **at_chance), {})) == 1
    found = find_wrong_kinds(report_of(blank=FILES, **at_chance), {"val_exact": 0.97})
    assert [kind.images for kind in found] == [3, 100]
    assert "But 97% of the validation images are predicted correctly" in found[1].advice


def test_a_significant_gain_that_is_of_no_use_is_chance():
    shuffled = {"accuracy": 0.18, "p_value": 0.01}
    assert RULES["predictions_at_chance"](report_of(exact=0, character_accuracy=0.22, shuffled=shuffled), {})
    assert not RULES["predictions_at_chance"](report_of(exact=0, character_accuracy=0.4, shuffled=shuffled), {})


def test_most_is_half():
    assert explain_most(5, report_of())
    assert not explain_most(4, report_of())
    assert not explain_most(0, report_of(0))


@pytest.mark.parametrize(
    ("figures", "exact", "applies"),
    [
        (merged_in_grey(p_value=0.3), 0.9, False),  # as many mistakes as by chance
        (merged_in_grey(mistakes=2), 0.9, False),
        (merged_in_grey(images=95, others=5, mistakes_of_others=0, p_value=1), 0.5, True),  # no others to compare with
        (merged_in_grey(images=95, others=5, mistakes_of_others=0, p_value=1), 0.95, False),
        (merged_in_grey(images=91, others=9, mistakes_of_others=1, p_value=0.3), 0.77, True),  # too few others
        (None, 0.5, False),  # a model for colour images
    ],
)
def test_colours_are_blamed_only_if_mistakes_depend_on_them(figures: dict | None, exact: float, applies: bool):
    report = report_of(exact=exact, **({"merged_in_grey": figures} if figures else {}))
    assert (RULES["colours_lost_in_grey"](report, {}) is not None) == applies
