"""Figures of the reports, as matplotlib Figures of their own: without pyplot they need no display and no clean-up."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bearcat.artifacts.checkpoints import best_epoch
from bearcat.core.files import atomic_write
from bearcat.core.intervals import wilson_interval
from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.learning_curve.power_law import INTERVAL, PowerLaw

SIZE = (4.6, 3.4)  # inches
DPI = 130
LEAST_SPAN = 0.05  # of an axis of fractions, so that a single image more or less does not look like much
BLUE, GREY, RED, GREEN = "#4c8bd6", "#888888", "#c62828", "#2e7d32"
BAR_LABEL: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7, "color": GREY}


def new_figure(title: str, xlabel: str, ylabel: str, size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """Returns a figure with one set of labelled axes; `size` is in inches."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title, pad=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def fraction_limits(values: Iterable[float]) -> tuple[float, float]:
    """Limits of an axis of fractions: all finite values, at least LEAST_SPAN, and nothing outside 0 … 1."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    span = min(1.0, max(LEAST_SPAN, 1.1 * (max(finite) - min(finite))))
    low = max(0.0, min((min(finite) + max(finite) - span) / 2, 1 - span))
    return low, min(1.0, low + span)


def _scale_fractions(axes: Axes, values: Iterable[float]) -> None:
    axes.set_ylim(*fraction_limits(values))
    axes.yaxis.set_major_formatter(PercentFormatter(1))  # with as many decimals as the limits need
    for line in axes.lines:
        line.set_clip_on(False)  # else the frame halves markers at 0 and 100 %


def _scale_positive(axes: Axes, values: Iterable[float]) -> None:
    """Makes the y axis logarithmic; linear from 0 if no value has a logarithm."""
    if any(value > 0 and math.isfinite(value) for value in values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)


def draw_reliability(bins: Sequence[dict]) -> Figure:
    """Reliability diagram: exact match by confidence, with the number of images (see `reliability_bins`)."""
    figure, axes = new_figure("Reliability", "confidence", "exact match")
    centres, exact = [one["low"] + 0.05 for one in bins], [one["exact"] for one in bins]
    axes.bar(centres, exact, 0.09, color=BLUE, label="exact match")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="well calibrated")
    for centre, height, one in zip(centres, exact, bins, strict=True):
        axes.annotate(f"{one['images']}", (centre, height), (0, 2), ha="center", **BAR_LABEL)
    axes.set(xlim=(0, 1), ylim=(0, 1.08))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def draw_coverage(rows: Sequence[dict]) -> Figure:
    """Exact match of the rest by the fraction of predictions rejected (see `coverage_curve`)."""
    figure, axes = new_figure("Rejecting low confidences", "rejected", "exact match of the rest")
    axes.plot([row["left"] for row in rows], [row["exact"] for row in rows], color=BLUE, marker="o", markersize=4)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _scale_fractions(axes, (row["exact"] for row in rows))
    axes.grid(axis="y", alpha=0.3)
    return figure


def draw_training(history: Sequence[dict]) -> Figure:
    """Loss, exact match and learning rate by epoch, from the rows of the training's CSV file."""
    epochs, best = [row["epoch"] for row in history], best_epoch(list(history))
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    panels = figure.subplots(1, 3)
    metrics = (("loss", "val_loss", "loss"), ("exact", "val_exact", "exact match"))
    for axes, (train, validation, title) in zip(panels, metrics, strict=False):
        axes.plot(epochs, [row[train] for row in history], color=GREY, marker=".", label="training")
        axes.plot(epochs, [row[validation] for row in history], color=BLUE, marker=".", label="validation")
        axes.axvline(best["epoch"], color=RED, linestyle=":", label=f"best: epoch {best['epoch']:.0f}")
        axes.set_title(title, pad=10)
        axes.legend(frameon=False, fontsize=8)
    _scale_positive(panels[0], (row[name] for row in history for name in ("loss", "val_loss")))
    _scale_fractions(panels[1], (row[name] for row in history for name in ("exact", "val_exact")))
    panels[2].plot(epochs, [row["learning_rate"] for row in history], color=GREY, marker=".")
    panels[2].set_title("learning rate", pad=10)
    _scale_positive(panels[2], (row["learning_rate"] for row in history))  # a schedule ends at 0
    for axes in panels:
        axes.set(xlabel="epoch", xlim=(min(epochs) - 0.5, max(epochs) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_curve(points: Sequence[CurvePoint], laws: Sequence[PowerLaw]) -> Figure:
    """Learning curve: exact match by number of labelled training images.

    Args:
        points: The trainings; those with images without labels have a marker of their own.
        laws: The fitted power law and its resamplings, for the extrapolation (see `analyse_curve`); may be empty.
    """
    figure, axes = new_figure("Learning curve", "labelled training images", "exact match", (7, 4.2))
    labelled = [point for point in points if not point.unlabelled]
    images = [point.images for point in labelled]
    shown = _draw_points(axes, labelled, BLUE, {"fmt": "o", "label": "measured, with 95 % interval"})
    if others := [point for point in points if point.unlabelled]:
        around = {"fmt": "D", "markersize": 10, "markerfacecolor": "none"}  # the point of the same labels stays visible
        shown += _draw_points(axes, others, GREEN, {**around, "label": "with images without labels"})
    if laws:
        grid = np.geomspace(min(images), 4 * max(images), 60)
        fitted = 1 - laws[0].error(grid)
        shown += [*fitted]
        axes.plot(grid, fitted, color=RED, linestyle="--", label="power law")
        low, high = np.percentile([1 - one.error(grid) for one in laws], INTERVAL, axis=0)
        axes.fill_between(grid, low, high, color=RED, alpha=0.12, label="80 % interval")
    axes.set_xscale("log")
    ticks = [*images, 2 * max(images), 4 * max(images)] if laws else images
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    _scale_fractions(axes, shown)
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _draw_points(axes: Axes, points: Sequence[CurvePoint], color: str, style: dict[str, Any]) -> list[float]:
    """Draws trainings with their 95 % intervals, and returns the exact matches drawn."""
    exact = np.array([point.exact for point in points])
    intervals = np.array([wilson_interval(point.correct, point.validated) for point in points]).T
    images, errors = [point.images for point in points], np.abs(intervals - exact)
    axes.errorbar(images, exact, errors, color=color, capsize=3, **style)
    return [*exact, *intervals.flat]


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG atomically."""
    with atomic_write(path) as part:
        figure.savefig(part, dpi=DPI)
