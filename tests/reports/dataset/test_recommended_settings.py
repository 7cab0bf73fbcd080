"""Settings that follow from the data: size and channels of the input, and the longest label."""

from pathlib import Path

import pytest

from bearcat.reports.dataset.recommended_settings import suggest_settings
from bearcat.reports.dataset.set_statistics import inspect_set
from bearcat.settings_rules import SETTINGS
from tests.helpers.images import GREEN, RED, draw_bar


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
    [(RED, GREEN, 3), ((0, 0, 0), (255, 255, 255), 1), ((30, 30, 60), (200, 220, 210), 1), (RED, RED, 1)],
)
def test_colour_is_suggested_if_grey_loses_the_text(tmp_path: Path, ink: tuple, paper: tuple, channels: int):
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


def test_nothing_is_suggested_without_readable_images(tmp_path: Path):
    (tmp_path / "ab_1.png").write_bytes(b"no image")
    assert suggest_settings([inspect_set(tmp_path)]) == {}
    assert suggest_settings([inspect_set(tmp_path / "absent")]) == {}
    assert suggest_settings([]) == {}
