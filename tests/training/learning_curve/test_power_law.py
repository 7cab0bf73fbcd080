"""The learning curve: a power law is recovered, and its uncertainty reported."""

from pathlib import Path

import numpy as np
import pytest

from bearcat.reports.plots import draw_curve, draw_training, save_figure
from bearcat.training.learning_curve import power_law
from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.learning_curve.power_law import analyse_curve, fit_power_law, two_digits


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
    assert report.keys() == {"points", "exponent", "exponent_interval", "needed", "unlabelled", "answer"}
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
    assert report["unlabelled"] == []


def test_a_goal_beyond_the_extrapolation_has_no_estimate():
    report, _ = analyse_curve(points_of([0.5, 0.55, 0.59, 0.63]))
    assert "too many for an estimate" in report["answer"]
    assert report["needed"][-1]["pictures"] is None


@pytest.fixture
def few_resamplings(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests to which the interval does not matter."""
    monkeypatch.setattr(power_law, "RESAMPLINGS", 20)


@pytest.mark.usefixtures("few_resamplings")
def test_images_without_labels_are_compared_and_not_fitted():
    points = points_of([0.6, 0.8, 0.9, 0.95])
    added = [CurvePoint(200, 900, 1000, 600), CurvePoint(800, 951, 1000, 50)]
    alone, laws = analyse_curve(points)
    both, same_laws = analyse_curve([*points, *added])
    assert same_laws == laws
    assert both.keys() == alone.keys()
    assert all(both[key] == alone[key] for key in ("points", "exponent", "exponent_interval", "needed"))
    assert [one["unlabelled"] for one in both["unlabelled"]] == [600, 50]
    assert both["answer"].startswith(alone["answer"] + " With 600 images without labels, 200 labelled images reach ")
    assert both["answer"].endswith("; the difference is within chance.")


@pytest.mark.usefixtures("few_resamplings")
def test_a_curve_that_cannot_be_extrapolated_still_says_what_images_without_labels_add():
    report, _ = analyse_curve([*points_of([0.6, 0.59, 0.62, 0.6]), CurvePoint(200, 900, 1000, 600)])
    assert "do not clearly fall" in report["answer"]
    assert "the gain is more than chance explains" in report["answer"]


def test_counts_are_rounded_to_two_digits():
    assert two_digits(1884) == "1,900"
    assert two_digits(0) == "0"


def test_figures_are_written(tmp_path: Path):
    points = points_of([0.6, 0.8, 0.9, 0.95])
    save_figure(draw_curve(points, analyse_curve(points)[1][:9]), tmp_path / "curve.png")
    save_figure(draw_curve([*points, CurvePoint(200, 900, 1000, 600)], []), tmp_path / "plain.png")
    row = {"epoch": 1, "loss": 2.0, "val_loss": 1.0, "exact": 0.1, "val_exact": 0.2, "learning_rate": 1e-3}
    save_figure(draw_training([row, row | {"epoch": 2, "val_loss": 0.5}]), tmp_path / "train.png")
    assert all((tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in ("curve", "plain", "train"))
