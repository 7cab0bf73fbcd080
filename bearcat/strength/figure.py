"""The figure of report/strength.html: what programs and people read, by the number of labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bearcat.reports.plots import BLUE, GREEN, GREY, RED, new_figure
from bearcat.strength.verdict import BROKEN_FROM
from bearcat.strength.wording import say_percent

SIZE = (7.5, 4.2)  # inches


def draw_strength(rungs: Sequence[dict], readers: Sequence[dict], people: dict[str, Any] | None) -> Figure:
    """Exact match by number of labels, beside that of off-the-shelf readers and of people.

    Args:
        rungs: That part of report/strength.json; numbers of labels are drawn at equal distances.
        readers: That part.
        people: That part; None if nobody was asked.
    """
    figure, axes = new_figure("Images read correctly", "labelled images to learn from", "share of unseen images", SIZE)
    labels = sorted({rung["labels"] for rung in rungs} | ({0} if readers else set()))
    if people:
        axes.axhspan(*people["interval"], color=GREEN, alpha=0.15)
        axes.axhline(people["exact"], color=GREEN, label="people")
    axes.axhline(BROKEN_FROM, color=RED, linestyle="--", label=f"counts as broken ({say_percent(BROKEN_FROM)})")
    exact = np.array([rung["exact"] for rung in rungs])
    errors = np.abs(np.array([rung["interval"] for rung in rungs]).T - exact)
    places = [labels.index(rung["labels"]) for rung in rungs]
    axes.errorbar(places, exact, errors, color=BLUE, marker="o", capsize=3, label="Bearcat, 95 % interval")
    if readers:
        heights = [reader["exact"] for reader in readers]
        axes.plot(
            [0] * len(readers), heights, "D", color=GREY, markerfacecolor="none", label="programs anyone can install"
        )
    axes.set_xticks(range(len(labels)), [f"{label:,}" if label else "none" for label in labels])
    axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(0, 1))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    for line in axes.lines:
        line.set_clip_on(False)  # else the frame halves markers at 0 and 100 %
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
