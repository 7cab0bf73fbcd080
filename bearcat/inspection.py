"""Look at a data set: sizes, labels, damage; and say what settings follow from it."""

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bearcat.annotations import LabelledImage, label_of_name, read_labels
from bearcat.errors import DataError
from bearcat.images import open_image
from bearcat.progress import map_in_threads, show_progress
from bearcat.voc import BoxLabels, check_size

COLOUR_SAMPLE = 200  # pictures looked at for colour
GREY_KEEPS_ENOUGH = 0.6  # below this share of the best channel's contrast, colour carries the text
NEARLY_GREY = 4  # grey levels by which the channels differ where there is no colour to speak of
LEAST_INPUT, MOST_INPUT = 8, 2048  # what IMAGE_HEIGHT and IMAGE_WIDTH may be
BOX_SIDE = 48  # pixels: objects need not be larger than that in what a detector sees
SMALL_BOXES = 0.1  # share of the boxes that may be smaller
SIZE_OUTLIER = 2  # a picture so many times the median does not decide the input's size


@dataclass
class SetReport:
    """What one data set holds."""

    pictures: int = 0
    damaged: list[str] = field(default_factory=list)
    without_label: list[str] = field(default_factory=list)
    widths: Counter = field(default_factory=Counter)
    heights: Counter = field(default_factory=Counter)
    label_lengths: Counter = field(default_factory=Counter)
    symbols: Counter = field(default_factory=Counter)  # characters, or class names
    grey_shares: list[float] = field(default_factory=list)
    chromas: list[float] = field(default_factory=list)
    box_sides: Counter = field(default_factory=Counter)  # the square roots of boxes' areas, in whole pixels

    def as_dict(self) -> dict:
        """Return the report for JSON."""
        return {
            "pictures": self.pictures,
            "damaged": self.damaged,
            "without_label": self.without_label,
            "width": spread(self.widths),
            "height": spread(self.heights),
            "label_lengths": dict(sorted(self.label_lengths.items())),
            "symbols": dict(sorted(self.symbols.items())),
        } | ({"box_side": spread(self.box_sides)} if self.box_sides else {})


def spread(counts: Counter) -> dict[str, float] | None:
    """Return the smallest, the median and the largest of counted values."""
    values = list(counts.elements())
    return {"min": min(values), "median": statistics.median(values), "max": max(values)} if values else None


def inspect_set(
    folder: Path,
    label_of: Callable[[Path], Any] = label_of_name,
    symbols_of: Callable[[Any], tuple[str, ...]] = tuple,
    of_boxes: bool = False,
) -> SetReport:
    """Open every picture of a folder once and count what is found.

    `label_of` takes a label from a file's path, `symbols_of` takes it apart.
    """
    labelled, without_label = read_labels(folder, label_of, with_table=not of_boxes)
    report = SetReport(without_label=without_label)
    every = max(1, len(labelled) // COLOUR_SAMPLE)
    items = ((number % every == 0, of_boxes, item) for number, item in enumerate(labelled))
    for item, size, colour, damage in show_progress(map_in_threads(_look, items), len(labelled), folder.name):
        if damage:
            report.damaged.append(damage)
            continue
        report.pictures += 1
        report.widths[size[0]] += 1
        report.heights[size[1]] += 1
        report.label_lengths[len(symbols_of(item.label))] += 1
        report.symbols.update(symbols_of(item.label))
        if of_boxes:
            report.box_sides.update(box_sides(item.label))
        if colour:
            report.grey_shares.append(colour[0])
            report.chromas.append(colour[1])
    return report


def box_sides(labels: BoxLabels) -> list[int]:
    """Return the sides of squares as large as the boxes, in whole pixels."""
    widths, heights = (labels.boxes_xyxy[:, 2:] - labels.boxes_xyxy[:, :2]).T
    return np.sqrt(widths * heights).round().astype(int).tolist()


def _look(task: tuple[bool, bool, LabelledImage]) -> tuple:
    with_colour, of_boxes, item = task
    try:
        image = open_image(item.path)
        if of_boxes:
            check_size(item.label, image.size, item.path)
    except DataError as error:
        return item, None, None, str(error)
    return item, image.size, (grey_share_of_contrast(image), chroma(image)) if with_colour else None, None


def grey_share_of_contrast(image: Image.Image) -> float:
    """Return the standard deviation of grey over that of the most telling of red, green and blue: 0 … about 1."""
    best = np.asarray(image, np.float32).std(axis=(0, 1)).max()
    return float(np.asarray(image.convert("L"), np.float32).std() / best) if best > 0 else 1.0


def chroma(image: Image.Image) -> float:
    """Return the mean distance of the largest and the smallest of red, green and blue: 0 … 255 grey levels."""
    return float(np.ptp(np.asarray(image), axis=2).mean())


def suggest_settings(reports: list[SetReport], unit: str = "character") -> dict[str, int]:
    """Return the settings that follow from the data: input size, channels, longest label; {} where there is none.

    Things, unlike characters, are told apart by their colours too: pictures of classes stay coloured. Pictures with
    boxes are shrunk as far as their objects allow.
    """
    widths, heights, lengths = Counter(), Counter(), Counter()
    for report in reports:
        widths.update(report.widths)
        heights.update(report.heights)
        lengths.update(report.label_lengths)
    if not widths:
        return {}
    scale = _scale_for_boxes(reports)
    return {
        "IMAGE_HEIGHT": max(LEAST_INPUT, round(_side(heights) * scale)),
        "IMAGE_WIDTH": max(LEAST_INPUT, round(_side(widths) * scale)),
        "IMAGE_CHANNALS": 3 if _colour_matters(reports, unit != "character") else 1,
    } | ({"CAPTCHA_LENGTH": max(lengths)} if unit == "character" else {})


def _scale_for_boxes(reports: list[SetReport]) -> float:
    sides = sorted(side for report in reports for side in report.box_sides.elements())
    return min(1.0, BOX_SIDE / max(1, sides[int(len(sides) * SMALL_BOXES)])) if sides else 1.0


def _colour_matters(reports: list[SetReport], of_classes: bool) -> bool:
    shares = [share for report in reports for share in report.grey_shares]
    if not shares:
        return False
    if of_classes:
        return statistics.median(value for report in reports for value in report.chromas) > NEARLY_GREY
    return statistics.median(shares) < GREY_KEEPS_ENOUGH


def _side(counts: Counter) -> int:
    limit = SIZE_OUTLIER * statistics.median(counts.elements())
    return min(MOST_INPUT, max(LEAST_INPUT, *(side for side in counts if side <= limit)))


def summary_lines(name: str, report: SetReport) -> list[str]:
    """Return what a person should know of a set."""
    lines = [f"{name}: {report.pictures or 'no'} pictures"]
    if report.pictures:
        width, height = spread(report.widths), spread(report.heights)
        lines[0] += f", {width['min']}–{width['max']} wide, {height['min']}–{height['max']} high"
        lines += [
            ("  objects a picture: " if report.box_sides else "  label lengths: ")
            + ", ".join(f"{length} ({n})" for length, n in sorted(report.label_lengths.items())),
            f"  {len(report.symbols)} symbols: " + " ".join(sorted(report.symbols)),
        ]
    for what, problems in (("damaged", report.damaged), ("without label", report.without_label)):
        lines += [f"  {what}: {len(problems)}"] * bool(problems) + [f"    {line}" for line in problems[:5]]
    return lines
