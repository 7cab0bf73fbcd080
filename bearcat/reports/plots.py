"""The figures of the reports. Their own Figures, never pyplot's, so that they need no screen and no clean-up."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bearcat.artifacts.checkpoints import best_epoch
from bearcat.core.files import written_beside
from bearcat.reports.text_scores import wilson_interval
from bearcat.training.learning_curve import INTERVAL, Point, PowerLaw

SIZE = (4.6, 3.4)  # inches
BLUE, GREY, RED = "#4c8bd6", "#888888", "#c62828"
OVER = {"textcoords": "offset points", "fontsize": 7, "color": GREY}
PIXELS_AN_INCH = 130


def plain_axes(title: str, across: str, up: str, size: tuple[float, float] = SIZE):
    """Return a new Figure and its axes with title and names."""
    drawn = Figure(figsize=size, layout="constrained")
    axes = drawn.subplots()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def draw_reliability(bins: Sequence[dict]) -> Figure:
    """Draw what share was right against how sure the unit was (see reliability_bins)."""
    drawn, axes = plain_axes("How far confidence can be believed", "confidence", "read right")
    axes.bar([one["low"] + 0.05 for one in bins], [one["exact"] for one in bins], 0.09, color=BLUE, label="read right")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as it should be")
    for one in bins:
        axes.annotate(f"{one['images']}", (one["low"] + 0.05, one["exact"]), (0, 2), ha="center", **OVER)
    axes.set(xlim=(0, 1), ylim=(0, 1.08))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    return drawn


def draw_coverage(rows: Sequence[dict]) -> Figure:
    """Draw what is right of the rest when the least sure images are left to a person (see coverage)."""
    drawn, axes = plain_axes("Leaving the least sure to a person", "left to a person", "read right of the rest")
    axes.plot([row["left"] for row in rows], [row["exact"] for row in rows], color=BLUE, marker="o", markersize=4)
    lowest = min(row["exact"] for row in rows)
    decimals = (lowest > 0.9) + (lowest > 0.99)  # else two ticks have the same name
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=decimals))
    axes.set_ylim(lowest - 0.1 * (1.001 - lowest), 1 + 0.1 * (1.001 - lowest))
    axes.grid(axis="y", alpha=0.3)
    return drawn


def save_figure(drawn: Figure, path: Path) -> None:
    """Write a figure as PNG beside and rename it into place."""
    with written_beside(path) as part:
        drawn.savefig(part, dpi=PIXELS_AN_INCH)


def draw_training(history: Sequence[dict]) -> Figure:
    """Draw loss, exact match and learning rate over the epochs of a training (the rows of its CSV file)."""
    epochs, best = [row["epoch"] for row in history], best_epoch(history)
    drawn = Figure(figsize=(12, 3.6), layout="constrained")
    panels = drawn.subplots(1, 3)
    pairs = (("loss", "val_loss", "loss"), ("exact", "val_exact", "read exactly right"))
    for axes, (train, validation, title) in zip(panels, pairs, strict=False):
        axes.plot(epochs, [row[train] for row in history], color=GREY, marker=".", label="training")
        axes.plot(epochs, [row[validation] for row in history], color=BLUE, marker=".", label="validation")
        axes.axvline(best["epoch"], color=RED, linestyle=":", label=f"best: epoch {best['epoch']:.0f}")
        axes.set(title=title)
        axes.legend(frameon=False, fontsize=8)
    panels[0].set_yscale("log")
    panels[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[2].plot(epochs, [row["learning_rate"] for row in history], color=GREY, marker=".")
    panels[2].set(title="learning rate", yscale="log")
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    return drawn


def draw_curve(points: Sequence[Point], laws: Sequence[PowerLaw]) -> Figure:
    """Draw exact match over the number of training images, and by the laws how it may go on (see answer_curve)."""
    drawn, axes = plain_axes("How much do more images help?", "training images", "read exactly right", (7, 4.2))
    images, exact = [point.images for point in points], np.array([point.exact for point in points])
    intervals = np.array([wilson_interval(point.right, point.validated) for point in points]).T
    spread = np.abs(intervals - exact)
    axes.errorbar(images, exact, spread, color=BLUE, fmt="o", capsize=3, label="measured, with 95 % interval")
    if laws:
        further = np.geomspace(min(images), 4 * max(images), 60)
        axes.plot(further, 1 - laws[0].error(further), color=RED, linestyle="--", label="power law, drawn on")
        low, high = np.percentile([1 - one.error(further) for one in laws], INTERVAL, axis=0)
        axes.fill_between(further, low, high, color=RED, alpha=0.12, label="80 % of what it may be")
    axes.set_xscale("log")
    ticks = [*images, *[2 * max(images), 4 * max(images)] * bool(laws)]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return drawn
