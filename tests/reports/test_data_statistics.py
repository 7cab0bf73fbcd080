"""What a data set is: sizes, labels, damage, and the settings that follow."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.reports.data_statistics import grey_share_of_contrast, inspect_set, put_together, spread, summary_lines
from bearcat.reports.recommended_settings import suggest_settings
from bearcat.settings_rules import RULES

RED = (255, 0, 0)
GREEN = (0, 130, 0)  # as light as this red: both are grey 76


def put(folder: Path, name: str, size: tuple[int, int] = (40, 20), ink: tuple = (0, 0, 0), paper: tuple = (255,) * 3):
    """Write an image with a bar of ink."""
    folder.mkdir(exist_ok=True)
    image = Image.new("RGB", size, paper)
    image.paste(ink, (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    image.save(folder / name)


def test_images_labels_and_sizes_are_counted(tmp_path: Path):
    put(tmp_path, "ab_1.png", (40, 20))
    put(tmp_path, "abc_1.png", (44, 20))
    put(tmp_path, "aa_1.jpg", (60, 30))
    report = inspect_set(tmp_path)
    assert report.as_dict() == {
        "pictures": 3,
        "damaged": [],
        "without_label": [],
        "strays": [],
        "wrong_suffix": [],
        "turned": [],
        "formats": {"PNG": 2, "JPEG": 1},
        "modes": {"RGB": 3},
        "width": {"min": 40, "median": 44, "max": 60},
        "height": {"min": 20, "median": 20, "max": 30},
        "label_lengths": {2: 2, 3: 1},
        "symbols": {"a": 4, "b": 2, "c": 1},
        "labels_in_mixed_case": 0,
    }
    json.dumps(report.as_dict())


def test_damaged_and_unlabelled_images_are_named_left_out_of_the_count_and_kept(tmp_path: Path):
    put(tmp_path, "ab_1.png", (40, 20))
    (tmp_path / "cd_1.png").write_bytes(b"no image")
    (tmp_path / "ef_1.png").write_bytes((tmp_path / "ab_1.png").read_bytes()[:60])
    put(tmp_path, "nolabel.png", (400, 200))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    report = inspect_set(tmp_path)
    assert report.images == 1
    assert len(report.damaged) == 2
    for name in ("cd_1.png", "ef_1.png"):
        assert sum(str(tmp_path / name) in line for line in report.damaged) == 1
    (line,) = report.without_label
    assert str(tmp_path / "nolabel.png") in line
    assert set(report.symbols) == {"a", "b"}
    assert set(report.widths) == {40}
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_several_sets_are_put_together(tmp_path: Path):
    put(tmp_path / "train", "aB_1.png", (40, 20))
    put(tmp_path / "test", "cd_1.png", (50, 20))
    put(tmp_path / "test", "cd_2.gif", (50, 20))
    whole = put_together([inspect_set(tmp_path / name) for name in ("train", "validation", "test")])
    assert whole.images == len(whole.labels) == len(whole.fingerprints) == 3
    assert (whole.formats, whole.widths) == (Counter({"PNG": 2, "GIF": 1}), Counter({40: 1, 50: 2}))
    assert whole.labels_in_mixed_case == 1


def test_the_settings_fit_the_largest_image_and_the_longest_label_of_all_sets(tmp_path: Path):
    put(tmp_path / "train", "ab_1.png", (40, 20))
    put(tmp_path / "validation", "abcd_1.png", (50, 18))
    put(tmp_path / "test", "a_1.png", (44, 22))
    reports = [inspect_set(tmp_path / name) for name in ("train", "validation", "test")]
    assert suggest_settings(reports) == {
        "IMAGE_HEIGHT": 22,
        "IMAGE_WIDTH": 50,
        "IMAGE_CHANNALS": 1,
        "CAPTCHA_LENGTH": 4,
    }


def test_a_suggestion_can_be_set(tmp_path: Path):
    put(tmp_path, "ab_1.png", (6, 5))
    suggestion = suggest_settings([inspect_set(tmp_path)])
    assert all(RULES[name].holds(value) for name, value in suggestion.items())


@pytest.mark.parametrize(
    ("ink", "paper", "channels"),
    [(RED, GREEN, 3), ((0, 0, 0), (255, 255, 255), 1), ((30, 30, 60), (200, 220, 210), 1), (RED, RED, 1)],
)
def test_colour_is_suggested_where_grey_would_lose_the_text(tmp_path: Path, ink: tuple, paper: tuple, channels: int):
    for number in range(3):
        put(tmp_path, f"ab_{number}.png", ink=ink, paper=paper)
    assert suggest_settings([inspect_set(tmp_path)])["IMAGE_CHANNALS"] == channels


def test_the_contrast_that_grey_keeps_is_all_of_a_grey_image_and_none_of_equal_light():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    assert grey_share_of_contrast(Image.fromarray(pixels).convert("RGB")) == pytest.approx(1)
    assert grey_share_of_contrast(Image.new("RGB", (9, 9), "red")) == 1
    image = Image.new("RGB", (20, 20), GREEN)
    image.paste(RED, (0, 0, 10, 20))
    assert grey_share_of_contrast(image) == pytest.approx(0, abs=0.01)


def test_contrast_is_measured_against_the_most_telling_channel():
    image = Image.new("RGB", (20, 20), "black")
    image.paste((0, 0, 255), (0, 0, 10, 20))
    assert grey_share_of_contrast(image) == pytest.approx(0.114, abs=0.005)


def test_one_image_of_huge_width_does_not_decide(tmp_path: Path):
    for number in range(5):
        put(tmp_path, f"ab_{number}.png", (40, 20))
    put(tmp_path, "ab_huge.png", (900, 20))
    put(tmp_path, "ab_wider.png", (70, 20))
    report = inspect_set(tmp_path)
    assert report.as_dict()["width"]["max"] == 900
    assert suggest_settings([report])["IMAGE_WIDTH"] == 70


def test_an_empty_or_absent_set_suggests_nothing(tmp_path: Path):
    reports = [inspect_set(tmp_path), inspect_set(tmp_path / "absent")]
    assert suggest_settings(reports) == {}
    assert suggest_settings([]) == {}
    for report in reports:
        assert report.images == 0
        assert report.as_dict()["width"] is None
    assert "no images" in " ".join(summary_lines("train", reports[0]))


def test_a_set_that_is_all_damaged_suggests_nothing(tmp_path: Path):
    (tmp_path / "ab_1.png").write_bytes(b"no image")
    assert suggest_settings([inspect_set(tmp_path)]) == {}


def test_a_spread_is_smallest_median_and_largest():
    assert spread(Counter({10: 3, 20: 1, 90: 1})) == {"min": 10, "median": 10, "max": 90}
    assert spread(Counter()) is None


def test_the_summary_names_what_is_wrong(tmp_path: Path):
    put(tmp_path, "ab_1.png", (40, 20))
    put(tmp_path, "nolabel.png")
    (tmp_path / "cd_1.png").write_bytes(b"no image")
    text = "\n".join(summary_lines("train", inspect_set(tmp_path)))
    for words in ("damaged: 1", "without label: 1", "cd_1.png", "nolabel.png", "2 symbols: a b"):
        assert words in text
