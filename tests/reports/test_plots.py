"""Axes of the figures: fractions stay within 0 and 100 %, over a span that says something, whatever is drawn."""

import math
import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bearcat.artifacts.calibration import coverage_curve, reliability_bins
from bearcat.reports.plots import (
    LEAST_SPAN,
    draw_coverage,
    draw_curve,
    draw_reliability,
    draw_training,
    fraction_limits,
)
from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.learning_curve.power_law import analyse_curve

NAN = float("nan")


def drawn(figure: Figure) -> list[Axes]:
    """Draws a figure, without a warning, and returns its axes."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()
    return figure.axes


def check_fractions(axes: Axes, values: list[float]) -> None:
    low, high = axes.get_ylim()
    assert 0 <= low <= min(values)
    assert max(values) <= high <= 1
    assert high - low > LEAST_SPAN - 1e-9
    labels = [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert len(set(labels)) == len(labels) > 1


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([1.0], (0.95, 1.0)),
        ([0.0, 0.0], (0.0, 0.05)),
        ([0.5], (0.475, 0.525)),
        ([0.0, 1.0], (0.0, 1.0)),
        ([0.4, 0.6], (0.39, 0.61)),
        ([0.999, 1.0], (0.95, 1.0)),
        ([NAN, 0.9, math.inf], (0.875, 0.925)),
        ([NAN], (0.0, 1.0)),
        ([], (0.0, 1.0)),
    ],
)
def test_the_limits_of_fractions(values: list[float], limits: tuple[float, float]):
    assert fraction_limits(values) == pytest.approx(limits)


SETS = {
    "one image": ([0.7], [True]),
    "all correct": (np.linspace(0.5, 0.99, 300), [True] * 300),
    "none correct": (np.linspace(0.1, 0.9, 50), [False] * 50),
    "one incorrect": (np.linspace(0.1, 0.9, 1000), [False] + [True] * 999),
    "half": (np.linspace(0.1, 0.9, 100), [True, False] * 50),
}


@pytest.mark.parametrize("name", SETS)
def test_confidence_is_drawn_on_axes_that_make_sense(name: str):
    confidences, correct = SETS[name]
    rows = coverage_curve(confidences, correct)
    (axes,) = drawn(draw_coverage(rows))
    check_fractions(axes, [row["exact"] for row in rows])
    (axes,) = drawn(draw_reliability(reliability_bins(confidences, correct)))
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1), (0, 1.08))


def history_of(*exact: float, loss: float = 1.0, rate: float = 1e-3) -> list[dict]:
    return [
        {"epoch": epoch, "loss": loss, "val_loss": loss, "exact": one, "val_exact": one, "learning_rate": rate}
        for epoch, one in enumerate(exact, start=1)
    ]


@pytest.mark.parametrize(
    "history",
    [history_of(1.0), history_of(0.0, 0.0), history_of(0.2, 0.9, 1.0), history_of(0.5, loss=0.0, rate=0.0)],
    ids=["one epoch", "none correct", "as usual", "without a loss"],
)
def test_a_training_is_drawn_on_axes_that_make_sense(history: list[dict]):
    loss, exact, rate = drawn(draw_training(history))
    check_fractions(exact, [row["exact"] for row in history])
    for axes in (loss, exact, rate):
        assert axes.get_xlim() == (0.5, len(history) + 0.5)
        assert all(tick == round(tick) for tick in axes.get_xticks())
    assert loss.get_ylim()[0] >= 0
    assert rate.get_ylim()[0] >= 0


def test_a_loss_that_is_not_a_number_leaves_the_others_drawn():
    row = history_of(0.5)[0]
    loss, exact, _ = drawn(draw_training([row, row | {"epoch": 2, "val_loss": math.inf, "loss": NAN, "exact": NAN}]))
    assert loss.get_yscale() == "log"
    check_fractions(exact, [0.5])


@pytest.mark.parametrize("exact", [[1, 1, 1, 1], [0, 0, 0, 0], [0.6, 0.8, 0.9, 0.95], [0.9]])
def test_a_learning_curve_is_drawn_on_axes_that_make_sense(exact: list[float]):
    points = [CurvePoint(100 * 2**number, round(200 * one), 200) for number, one in enumerate(exact)]
    laws = analyse_curve(points)[1] if len(points) > 1 else []
    (axes,) = drawn(draw_curve(points, laws))
    check_fractions(axes, exact)


def test_trainings_with_images_without_labels_have_a_marker_and_a_legend_of_their_own():
    points = [CurvePoint(100 * 2**number, 60 + 10 * number, 100) for number in range(4)]
    (plain,) = drawn(draw_curve(points, []))
    figure = draw_curve([*points, CurvePoint(200, 99, 100, 600), CurvePoint(800, 20, 100, 50)], [])
    (axes,) = drawn(figure)
    check_fractions(axes, [0.6, 0.99, 0.2])
    assert [line.get_marker() for line in axes.lines if line.get_marker() in "oD"] == ["o", "D"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "measured, with 95 % interval",
        "with images without labels",
    ]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["100", "200", "400", "800"]
    assert not any(line.get_marker() == "D" for line in plain.lines)
