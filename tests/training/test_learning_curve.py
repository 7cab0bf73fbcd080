"""The learning curve: a power law is recovered, its uncertainty reported, and parts of a pack are nested."""

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.files import write_json
from bearcat.core.workspace import Work
from bearcat.data.images import InputSpec
from bearcat.data.tfrecord_index import TFRecordIndex, load_index
from bearcat.data.tfrecords import Record, read_records, write_pack
from bearcat.modes import Task
from bearcat.reports.plots import draw_curve, draw_training, save_figure
from bearcat.training.learning_curve import (
    CurvePoint,
    analyse_curve,
    check_curve_settings,
    curve_folder,
    curve_point,
    fit_power_law,
    has_ended,
    in_subset,
    make_curve_work,
    two_digits,
)


def points_of(exact: list[float], validated: int = 1000) -> list[CurvePoint]:
    return [CurvePoint(100 * 2**n, round(one * validated), validated) for n, one in enumerate(exact)]


def test_a_known_power_law_is_recovered():
    images, errors = np.array([100, 200, 400, 800]), 0.4 * np.array([1, 0.5, 0.25, 0.125])
    law = fit_power_law(images, errors * 10_000, [10_000] * 4)
    assert law.exponent == pytest.approx(1, abs=0.01)
    assert law.error(1600) == pytest.approx(0.025, rel=0.02)
    assert law.images_for(0.025) == pytest.approx(1600, rel=0.02)


def test_the_answer_says_how_many_images_and_its_interval():
    report, laws = analyse_curve(points_of([0.6, 0.8, 0.9, 0.95]))
    (first, second) = report["needed"]
    assert first["exact"] == 0.98
    assert first["low"] < 2000 < first["high"]
    assert first["pictures"] == pytest.approx(2000, rel=0.1)
    assert "98.0% needs about 2,0" in report["answer"] or "98.0% needs about 1,9" in report["answer"]
    assert second["pictures"] > first["pictures"]
    assert len(laws) > 100
    # the keys that programs read
    assert report["points"][0] == {"pictures": 100, "right": 600, "validated": 1000, "exact": 0.6}
    assert report.keys() == {"points", "exponent", "exponent_interval", "needed", "answer"}
    assert first.keys() == {"exact", "pictures", "low", "high"}


@pytest.mark.parametrize(
    ("exact", "message"),
    [
        ([0.6, 0.59, 0.62, 0.6], "do not clearly fall"),
        ([0.999, 1, 1, 1], "There are too few errors for an estimate"),
        ([0, 0, 0, 0.6], "do not follow a power law"),
        ([0.5, 0.9, 0.5, 0.9], "do not follow a power law"),
    ],
)
def test_an_inconclusive_curve_says_why(exact: list[float], message: str):
    report, laws = analyse_curve(points_of(exact))
    assert message in report["answer"]
    assert report["needed"] == laws == []


def test_a_goal_beyond_the_extrapolation_has_no_estimate():
    report, _ = analyse_curve(points_of([0.5, 0.55, 0.59, 0.63]))
    assert "too many for an estimate" in report["answer"]
    assert report["needed"][-1]["pictures"] is None


def test_counts_are_rounded_to_two_digits():
    assert two_digits(1884) == "1,900"
    assert two_digits(0) == "0"


def test_figures_are_written(tmp_path: Path):
    points = points_of([0.6, 0.8, 0.9, 0.95])
    save_figure(draw_curve(points, analyse_curve(points)[1][:9]), tmp_path / "curve.png")
    save_figure(draw_curve(points, []), tmp_path / "plain.png")
    row = {"epoch": 1, "loss": 2.0, "val_loss": 1.0, "exact": 0.1, "val_exact": 0.2, "learning_rate": 1e-3}
    save_figure(draw_training([row, row | {"epoch": 2, "val_loss": 0.5}]), tmp_path / "train.png")
    assert all((tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in ("curve", "plain", "train"))


def test_parts_are_nested_and_copies_stay_with_their_image():
    names = [f"a{n}_x.jpg" for n in range(4000)]
    parts = [{name for name in names if in_subset(name, fraction, 7)} for fraction in (1 / 8, 1 / 4, 1 / 2, 1)]
    assert parts[0] < parts[1] < parts[2] < parts[3] == set(names)
    assert [len(part) / 4000 for part in parts] == pytest.approx([0.125, 0.25, 0.5, 1], abs=0.03)
    copies = {name.replace(".jpg", "-jpg-enhanced-2.png") for name in parts[0]}
    assert all(in_subset(name, 1 / 8, 7) for name in copies)
    assert parts[0] != {name for name in names if in_subset(name, 1 / 8, 8)}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work with packs of 40 and 5 tiny images."""
    work = Work(tmp_path / "work")
    work.make_folders()
    for name in ("settings.py", "captcha_config.json", "num_classes.json"):
        (work.path / name).write_text("{}", encoding="utf-8")
    index = TFRecordIndex(InputSpec(16, 16, 1), ["a", "b"], Task.TEXT, longest_label=2, steps_needed={"CTC": 2})
    for split, count in (("train", 40), ("validation", 5)):
        records = [Record(np.full((16, 16, 1), n, np.uint8), "ab", f"ab_{n}.png", [1, 2]) for n in range(count)]
        write_pack(work.pack_folder(split), records, count, index)
    return work


def test_a_curve_s_work_holds_a_part_of_the_pack_and_is_kept(work: Work, tmp_path: Path):
    made = make_curve_work(work, tmp_path / "part", 0.5, 0)
    part, whole = (load_index(one.pack_folder("train")) for one in (made, work))
    assert 10 < part.count < 30
    assert {**asdict(part), "count": 40} == asdict(whole)
    (batch,) = read_records(made.pack_folder("train"), part)
    assert all(int(name[3:-4]) == image[0, 0, 0] for name, image in zip(batch["file"], batch["image"], strict=True))
    assert batch["target"].tolist() == [[1, 2]] * part.count
    assert load_index(made.pack_folder("validation")).count == 5
    before = (made.pack_folder("train") / "pack.json").stat().st_mtime_ns
    assert make_curve_work(work, tmp_path / "part", 0.5, 0) == made
    assert (made.pack_folder("train") / "pack.json").stat().st_mtime_ns == before
    write_json(made.report_file("train"), {"best": {"val_exact": 0.8}, "stopped_by": "all epochs"})
    assert curve_point(made) == CurvePoint(part.count, 4, 5)
    assert has_ended(made)
    write_json(made.report_file("train"), {"stopped_by": "interrupt"})
    assert not has_ended(made)


def test_trainings_of_other_settings_are_deleted(work: Work):
    first = curve_folder(work, {"LR": 1})
    first.mkdir(parents=True)
    assert curve_folder(work, {"LR": 1}) == first
    assert first.is_dir()
    assert curve_folder(work, {"LR": 2}) != first
    assert not first.exists()


def test_detection_has_no_learning_curve():
    with pytest.raises(SettingsError, match="--curve trains on parts of packed images"):
        check_curve_settings(SimpleNamespace(MODE="EFFICIENTDET", STRATEGY="auto"))
