"""The figures of the reports. Their own Figures, never pyplot's, so that they need no screen and no clean-up."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

SIZE = (4.6, 3.4)  # inches
BLUE, GREY, RED = "#4c8bd6", "#888888", "#c62828"


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


OVER = {"textcoords": "offset points", "fontsize": 7, "color": GREY}


def draw_coverage(rows: Sequence[dict]) -> Figure:
    """Draw what is right of the rest when the least sure pictures are left to a person (see coverage)."""
    drawn, axes = plain_axes("Leaving the least sure to a person", "left to a person", "read right of the rest")
    axes.plot([row["left"] for row in rows], [row["exact"] for row in rows], color=BLUE, marker="o", markersize=4)
    decimals = 0 if min(row["exact"] for row in rows) < 0.95 else 1
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=decimals))
    lowest = min(row["exact"] for row in rows)
    axes.set_ylim(lowest - 0.1 * (1.001 - lowest), 1 + 0.1 * (1.001 - lowest))
    axes.grid(axis="y", alpha=0.3)
    return drawn
