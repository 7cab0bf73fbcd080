"""Statistics of a data set: sizes, labels, damaged files, colour."""

import json
from collections import Counter
from pathlib import Path

from bearcat.reports.dataset.set_statistics import inspect_set, merge_statistics, spread, summarize
from tests.helpers.images import draw_bar


def test_images_labels_and_sizes_are_counted(tmp_path: Path):
    draw_bar(tmp_path, "ab_1.png", (40, 20))
    draw_bar(tmp_path, "abc_1.png", (44, 20))
    draw_bar(tmp_path, "aa_1.jpg", (60, 30))
    report = inspect_set(tmp_path)
    assert report.as_dict() == {
        "pictures": 3,
        "damaged": [],
        "without_label": [],
        "strays": [],
        "wrong_suffix": [],
        "turned": [],
        "blank": [],
        "formats": {"PNG": 2, "JPEG": 1},
        "modes": {"RGB": 3},
        "width": {"min": 40, "median": 44, "max": 60},
        "height": {"min": 20, "median": 20, "max": 30},
        "label_lengths": {2: 2, 3: 1},
        "symbols": {"a": 4, "b": 2, "c": 1},
        "labels_in_mixed_case": 0,
    }
    json.dumps(report.as_dict())


def test_damaged_and_unlabelled_images_are_listed_not_counted_and_kept(tmp_path: Path):
    draw_bar(tmp_path, "ab_1.png", (40, 20))
    (tmp_path / "cd_1.png").write_bytes(b"no image")
    (tmp_path / "ef_1.png").write_bytes((tmp_path / "ab_1.png").read_bytes()[:60])
    draw_bar(tmp_path, "nolabel.png", (400, 200))
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


def test_several_sets_are_merge_statistics(tmp_path: Path):
    draw_bar(tmp_path / "train", "aB_1.png", (40, 20))
    draw_bar(tmp_path / "test", "cd_1.png", (50, 20))
    draw_bar(tmp_path / "test", "cd_2.gif", (50, 20))
    whole = merge_statistics([inspect_set(tmp_path / name) for name in ("train", "validation", "test")])
    assert whole.images == len(whole.labels) == len(whole.fingerprints) == 3
    assert (whole.formats, whole.widths) == (Counter({"PNG": 2, "GIF": 1}), Counter({40: 1, 50: 2}))
    assert whole.labels_in_mixed_case == 1


def test_an_empty_or_absent_set_has_no_sizes(tmp_path: Path):
    reports = [inspect_set(tmp_path), inspect_set(tmp_path / "absent")]
    for report in reports:
        assert report.images == 0
        assert report.as_dict()["width"] is None
    assert "no images" in " ".join(summarize("train", reports[0]))


def test_spread_is_min_median_and_max():
    assert spread(Counter({10: 3, 20: 1, 90: 1})) == {"min": 10, "median": 10, "max": 90}
    assert spread(Counter()) is None


def test_the_summary_lists_problems(tmp_path: Path):
    draw_bar(tmp_path, "ab_1.png", (40, 20))
    draw_bar(tmp_path, "nolabel.png")
    (tmp_path / "cd_1.png").write_bytes(b"no image")
    text = "\n".join(summarize("train", inspect_set(tmp_path)))
    for line in ("damaged: 1", "without label: 1", "cd_1.png", "nolabel.png", "2 symbols: a b"):
        assert line in text
