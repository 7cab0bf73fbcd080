"""Settings that follow from the data: size and channels of the input, and the longest label."""

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.data.layouts.arrangement import arrange
from bearcat.modes import Task
from bearcat.reports.dataset import recommended_settings
from bearcat.reports.dataset.choices.mode import ModeChoice
from bearcat.reports.dataset.recommended_settings import (
    Proposal,
    propose_settings,
    settings_to_apply,
    suggest_settings,
)
from bearcat.reports.dataset.set_statistics import inspect_set
from bearcat.settings_rules import SETTINGS
from tests.helpers.animations import across, one_after_the_other, save_animations
from tests.helpers.images import GREEN, RED, draw_bar, draw_scene
from tests.helpers.layouts import draw_column, draw_two_lines


def test_settings_fit_the_largest_image_and_the_longest_label_of_all_sets(tmp_path: Path):
    draw_bar(tmp_path / "train", "ab_1.png", (40, 20))
    draw_bar(tmp_path / "validation", "abcd_1.png", (50, 18))
    draw_bar(tmp_path / "test", "a_1.png", (44, 22))
    reports = [inspect_set(tmp_path / name) for name in ("train", "validation", "test")]
    assert suggest_settings(reports) == {
        "IMAGE_HEIGHT": 22,
        "IMAGE_WIDTH": 50,
        "IMAGE_CHANNALS": 1,
        "CAPTCHA_LENGTH": 4,
    }


def test_suggestions_are_allowed_values(tmp_path: Path):
    draw_bar(tmp_path, "ab_1.png", (6, 5))
    suggestion = suggest_settings([inspect_set(tmp_path)])
    assert all(SETTINGS[name].rule.accepts(value) for name, value in suggestion.items())


@pytest.mark.parametrize(
    ("ink", "paper", "channels"),
    [
        (RED, GREEN, 3),
        ((0, 0, 0), (255, 255, 255), 1),
        ((30, 30, 40), (200, 210, 205), 1),
        ((20, 30, 90), (255, 255, 255), 3),
        (RED, RED, 1),
    ],
)
def test_colour_is_suggested_if_there_is_any(tmp_path: Path, ink: tuple, paper: tuple, channels: int):
    for number in range(3):
        draw_bar(tmp_path, f"ab_{number}.png", ink=ink, paper=paper)
    assert suggest_settings([inspect_set(tmp_path)])["IMAGE_CHANNALS"] == channels


def test_a_single_huge_image_does_not_decide(tmp_path: Path):
    for number in range(5):
        draw_bar(tmp_path, f"ab_{number}.png", (40, 20))
    draw_bar(tmp_path, "ab_huge.png", (900, 20))
    draw_bar(tmp_path, "ab_wider.png", (70, 20))
    report = inspect_set(tmp_path)
    assert report.as_dict()["width"]["max"] == 900
    assert suggest_settings([report])["IMAGE_WIDTH"] == 70


def reasons(folder: Path, **values: object) -> dict[str, str]:
    """Returns the reasons of the proposals for a set."""
    settings = SimpleNamespace(**{name: row.default for name, row in SETTINGS.items()} | values)
    proposals = propose_settings(settings, ModeChoice("CTC", "", "CTC"), [inspect_set(folder)])
    return {proposal.name: proposal.reason for proposal in proposals}


def test_the_reason_for_a_size_names_the_outliers_that_were_left_out(tmp_path: Path):
    for number in range(5):
        draw_bar(tmp_path, f"ab_{number}.png", (77, 20))
    draw_bar(tmp_path, "abc_wide.png", (154, 20))
    assert reasons(tmp_path)["IMAGE_WIDTH"] == "the widest image has 154 px"
    draw_bar(tmp_path, "ab_huge.png", (346, 20))
    draw_bar(tmp_path, "ab_wider.png", (160, 20))
    found = reasons(tmp_path)
    assert found["IMAGE_WIDTH"] == (
        "the widest image has 154 px, leaving out 2 of 8 that have more than twice the median (77 px), up to 346 px: "
        "these are shrunk"
    )
    assert found["IMAGE_HEIGHT"] == "the highest image has 20 px"
    assert found["CAPTCHA_LENGTH"] == "the longest label has 3 characters"


def test_the_reason_for_a_size_names_the_limits_of_an_input(tmp_path: Path):
    draw_bar(tmp_path, "ab_1.png", (3000, 6))
    found = reasons(tmp_path)
    assert found["IMAGE_WIDTH"] == "the widest image has 3000 px; an input has 8 to 2048 px"
    assert found["IMAGE_HEIGHT"] == "the highest image has 6 px; an input has 8 to 2048 px"


def test_frames_are_suggested_for_animated_images_only(tmp_path: Path):
    draw_bar(tmp_path / "still", "ab_1.png", (120, 40))
    assert "FRAMES" not in suggest_settings([inspect_set(tmp_path / "still")])
    assert "frames" not in inspect_set(tmp_path / "still").as_dict()
    save_animations(tmp_path / "parts", one_after_the_other, ["k7xd", "zt4a", "n6pb"])
    draw_bar(tmp_path / "parts", "ab_1.png", (120, 40))
    report = inspect_set(tmp_path / "parts")
    assert suggest_settings([report])["FRAMES"] == "darkest"
    assert report.as_dict()["frames"] == {4: 3}
    assert reasons(tmp_path / "parts")["FRAMES"] == (
        "in 3 of 3 animated images what is drawn, dark on light, appears at different times; not animated: 1 image"
    )


def test_frames_side_by_side_need_that_much_more_width(tmp_path: Path):
    save_animations(tmp_path, across, ["k7xd", "zt4a", "n6pb"])
    report = inspect_set(tmp_path)
    found = suggest_settings([report])
    assert (found["FRAMES"], found["IMAGE_WIDTH"], found["IMAGE_HEIGHT"]) == ("spread", 480, 40)
    assert reasons(tmp_path)["IMAGE_WIDTH"] == "the widest image has 120 px; 4 frames side by side"
    assert suggest_settings([report], Task.DETECTION)["FRAMES"] == "first"


def test_a_choice_of_frames_stays(tmp_path: Path):
    save_animations(tmp_path, one_after_the_other, ["k7xd", "zt4a"])
    found = suggest_settings([inspect_set(tmp_path)], frames="spread")
    assert (found["FRAMES"], found["IMAGE_WIDTH"]) == ("spread", 480)
    assert reasons(tmp_path, FRAMES="spread")["FRAMES"] == "it was set, and stays; others ask for 'darkest' 2"


@pytest.mark.parametrize(("layout", "draw"), [("two_lines", draw_two_lines), ("vertical", draw_column)])
def test_a_layout_and_the_size_of_its_line_are_suggested(tmp_path: Path, layout: str, draw: Callable):
    texts = ["k7xd3a", "2mhe8r", "wq8r5t", "zt4apn"]
    for number, text in enumerate(texts):
        draw(text, number).save(tmp_path / f"{text}_{number}.png")
    report = inspect_set(tmp_path)
    found = suggest_settings([report])
    sizes = [arrange(draw(text, number), layout).size for number, text in enumerate(texts)]
    assert found["LAYOUT"] == layout
    assert (found["IMAGE_WIDTH"], found["IMAGE_HEIGHT"]) == tuple(map(max, zip(*sizes, strict=True)))
    assert reasons(tmp_path)["IMAGE_WIDTH"] == f"the widest line made of an image has {found['IMAGE_WIDTH']} px"
    assert reasons(tmp_path, LAYOUT=layout)["LAYOUT"] == "it was set, and stays"
    assert " of 4 images" in reasons(tmp_path)["LAYOUT"]
    for task in (Task.CLASSIFICATION, Task.DETECTION):
        assert "LAYOUT" not in suggest_settings([report], task)
    # one that was set for texts would be refused
    assert suggest_settings([report], Task.CLASSIFICATION, layout=layout)["LAYOUT"] == "line"
    assert "LAYOUT" not in suggest_settings([report], frames="spread")


def test_no_layout_is_suggested_for_one_line_nor_for_right_to_left_texts(tmp_path: Path):
    for number, text in enumerate(["אבגדהו", "זחטיכל", "מנסעפצ"]):
        draw_two_lines("k7xd3a", number).save(tmp_path / f"{text}_{number}.png")
    assert "LAYOUT" not in suggest_settings([inspect_set(tmp_path)])
    draw_bar(tmp_path / "line", "ab12cd_1.png", (120, 40))
    assert "LAYOUT" not in suggest_settings([inspect_set(tmp_path / "line")])


def test_a_layout_that_was_set_takes_no_frames_side_by_side(tmp_path: Path):
    save_animations(tmp_path, across, ["k7xd", "zt4a", "n6pb"])
    found = suggest_settings([inspect_set(tmp_path)], layout="two_lines")
    assert (found["FRAMES"], found["LAYOUT"], found["IMAGE_WIDTH"]) == ("first", "two_lines", 240)
    assert reasons(tmp_path, LAYOUT="two_lines")["FRAMES"] == (
        "boxes, and texts of several rows, lie in one frame; others ask for 'spread' 3"
    )


def test_nothing_is_suggested_without_readable_images(tmp_path: Path):
    (tmp_path / "ab_1.png").write_bytes(b"no image")
    assert suggest_settings([inspect_set(tmp_path)]) == {}
    assert suggest_settings([inspect_set(tmp_path / "absent")]) == {}
    assert suggest_settings([]) == {}


CLASSES = ModeChoice("NUM_CLASSES", "", "NUM_CLASSES")


def proposed(folder: Path, choice: ModeChoice = CLASSES, **values: object) -> dict[str, Proposal]:
    """Returns the proposals for a set whose labels are classes, by name."""
    settings = SimpleNamespace(**{name: row.default for name, row in SETTINGS.items()} | values)
    found = inspect_set(folder, symbols_of=lambda label: (label,))
    return {one.name: one for one in propose_settings(settings, choice, [found])}


def save_scenes(folder: Path) -> None:
    """Writes 12 images of two classes that are as rich in colours as photographs."""
    rng = random.Random(0)
    for number in range(12):
        draw_scene((60, 50), rng).save(folder / f"{('cat', 'dog')[number % 2]}_{number}.png")


def test_imagenet_weights_are_suggested_for_few_photographs_per_class(tmp_path: Path):
    save_scenes(tmp_path)
    found = proposed(tmp_path)
    assert found["WEIGHTS"].suggested == "imagenet"
    assert found["WEIGHTS"].reason == (
        "these are photographs, about 6 per class; from ImageNet weights that may be enough. Set it yourself, since "
        "train.py then downloads them, once"
    )
    # a download is for people to decide
    assert settings_to_apply(list(found.values()), CLASSES).keys() == found.keys() - {"WEIGHTS"}
    assert "WEIGHTS" not in proposed(tmp_path, WEIGHTS="imagenet")
    assert "WEIGHTS" not in proposed(tmp_path, ModeChoice("CTC", "", "CTC"))


def test_a_backbone_without_imagenet_weights_is_to_be_replaced(tmp_path: Path):
    save_scenes(tmp_path)
    assert "BACKBONE" not in proposed(tmp_path)
    assert "BACKBONE" not in proposed(tmp_path, BACKBONE="Densenet_121")
    other = proposed(tmp_path, BACKBONE="ResNet_18")["BACKBONE"]
    assert (other.current, other.suggested) == ("ResNet_18", "auto")
    assert other.reason == "the current one has no ImageNet weights; 'auto' takes one that has"


def test_imagenet_weights_are_not_suggested_for_drawings_nor_for_many_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(12):
        draw_bar(tmp_path / "drawn", f"{('red', 'green')[number % 2]}_{number}.png", ink=(RED, GREEN)[number % 2])
    assert "WEIGHTS" not in proposed(tmp_path / "drawn")
    save_scenes(tmp_path)
    monkeypatch.setattr(recommended_settings, "FEW_CLASS_IMAGES", 6)
    assert "WEIGHTS" not in proposed(tmp_path)
