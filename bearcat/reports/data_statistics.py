"""Look at a data set once: sizes, formats, labels, damage, and what its duplicates can be told by."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bearcat.core.errors import DataError
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.box_labels import BoxLabels, check_size
from bearcat.data.duplicates import Fingerprint, fingerprint
from bearcat.data.images import FORMAT_OF_SUFFIX, FileFacts, open_with_facts
from bearcat.data.labels import LabelledImage, label_of_name, list_images, read_labels

COLOUR_SAMPLE = 200  # images looked at for colour
LABEL_STEMS = {"labels", "classes", "obj", "data"}  # labels.csv and its kin, and the names of YOLO's classes


@dataclass
class SetReport:
    """What one data set holds."""

    images: int = 0
    damaged: list[str] = field(default_factory=list)
    without_label: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)  # files that no step reads
    wrong_suffix: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)  # upright only by what their EXIF says
    formats: Counter = field(default_factory=Counter)
    modes: Counter = field(default_factory=Counter)  # as Pillow calls them: RGB, L, P …
    widths: Counter = field(default_factory=Counter)
    heights: Counter = field(default_factory=Counter)
    label_lengths: Counter = field(default_factory=Counter)
    symbols: Counter = field(default_factory=Counter)  # characters, or class names
    labels_in_mixed_case: int = 0
    grey_shares: list[float] = field(default_factory=list)
    chromas: list[float] = field(default_factory=list)
    box_sides: Counter = field(default_factory=Counter)  # the square roots of boxes' areas, in whole pixels
    labels: dict[Path, tuple[str, ...]] = field(default_factory=dict)  # of every whole image, as symbols
    fingerprints: list[Fingerprint] = field(default_factory=list)

    def as_dict(self) -> dict:
        """Return the report for JSON."""
        return {
            "pictures": self.images,
            "damaged": self.damaged,
            "without_label": self.without_label,
            "strays": self.strays,
            "wrong_suffix": self.wrong_suffix,
            "turned": self.turned,
            "formats": dict(self.formats.most_common()),
            "modes": dict(self.modes.most_common()),
            "width": spread(self.widths),
            "height": spread(self.heights),
            "label_lengths": dict(sorted(self.label_lengths.items())),
            "symbols": dict(sorted(self.symbols.items())),
            "labels_in_mixed_case": self.labels_in_mixed_case,
        } | ({"box_side": spread(self.box_sides)} if self.box_sides else {})


@dataclass(frozen=True)
class Look:
    """What was seen of one image; of a damaged one only the damage."""

    item: LabelledImage
    damage: str = ""
    size: tuple[int, int] = (0, 0)
    facts: FileFacts | None = None
    fingerprint: Fingerprint | None = None
    colour: tuple[float, float] | None = None  # see grey_share_of_contrast and chroma


def spread(counts: Counter) -> dict[str, float] | None:
    """Return the smallest, the median and the largest of counted values."""
    values = list(counts.elements())
    return {"min": min(values), "median": statistics.median(values), "max": max(values)} if values else None


def put_together(reports: Iterable[SetReport]) -> SetReport:
    """Return one report of several sets."""
    whole = SetReport()
    for report in reports:
        for each in fields(SetReport):
            mine, its = getattr(whole, each.name), getattr(report, each.name)
            # a Counter is a dict too, but one whose counts are to be added
            setattr(whole, each.name, mine | its if type(mine) is dict else mine + its)
    return whole


def inspect_set(
    folder: Path,
    label_of: Callable[[Path], Any] = label_of_name,
    symbols_of: Callable[[Any], tuple[str, ...]] = tuple,
    of_boxes: bool = False,
) -> SetReport:
    """Open every image of a folder once and count what is found.

    `label_of` takes a label from a file's path, `symbols_of` takes it apart.
    """
    labelled, without_label = read_labels(folder, label_of, with_table=not of_boxes)
    report = SetReport(without_label=without_label, strays=sorted(map(str, _strays(folder))))
    every = max(1, len(labelled) // COLOUR_SAMPLE)
    items = ((number % every == 0, of_boxes, item) for number, item in enumerate(labelled))
    for look in show_progress(map_in_threads(_look, items), len(labelled), folder.name):
        if look.damage:
            report.damaged.append(look.damage)
        else:
            _count_file(report, look)
            _count_label(report, look.item, symbols_of, of_boxes)
    return report


def _strays(folder: Path) -> Iterator[Path]:
    """Yield the files that are neither images nor labels."""
    if not folder.is_dir():
        return
    images = set(list_images(folder))
    stems = {path.stem for path in images} | LABEL_STEMS
    for path in folder.iterdir():
        if path not in images and path.stem not in stems and not path.name.startswith(".") and path.is_file():
            yield path


def _look(task: tuple[bool, bool, LabelledImage]) -> Look:
    with_colour, of_boxes, item = task
    try:
        image, facts = open_with_facts(item.path)
        if of_boxes:
            check_size(item.label, image.size, item.path)
    except DataError as error:
        return Look(item, str(error))
    colour = (grey_share_of_contrast(image), chroma(image)) if with_colour else None
    return Look(item, "", image.size, facts, fingerprint(item.path, image), colour)


def _count_file(report: SetReport, look: Look) -> None:
    path, facts = look.item.path, look.facts
    report.images += 1
    report.widths[look.size[0]] += 1
    report.heights[look.size[1]] += 1
    report.formats[facts.format] += 1
    report.modes[facts.mode] += 1
    report.fingerprints.append(look.fingerprint)
    if FORMAT_OF_SUFFIX[path.suffix.lower()] != facts.format:
        report.wrong_suffix.append(f"{path} is {facts.format}")
    if facts.turned:
        report.turned.append(str(path))
    if look.colour:
        report.grey_shares.append(look.colour[0])
        report.chromas.append(look.colour[1])


def _count_label(report: SetReport, item: LabelledImage, symbols_of: Callable, of_boxes: bool) -> None:
    symbols = tuple(symbols_of(item.label))
    report.label_lengths[len(symbols)] += 1
    report.symbols.update(symbols)
    report.labels[item.path] = tuple(sorted(symbols)) if of_boxes else symbols
    if of_boxes:
        report.box_sides.update(box_sides(item.label))
    else:
        report.labels_in_mixed_case += item.label != item.label.lower() and item.label != item.label.upper()


def box_sides(labels: BoxLabels) -> list[int]:
    """Return the sides of squares as large as the boxes, in whole pixels."""
    widths, heights = (labels.boxes_xyxy[:, 2:] - labels.boxes_xyxy[:, :2]).T
    return np.sqrt(widths * heights).round().astype(int).tolist()


def grey_share_of_contrast(image: Image.Image) -> float:
    """Return the standard deviation of grey over that of the most telling of red, green and blue: 0 … about 1."""
    best = np.asarray(image, np.float32).std(axis=(0, 1)).max()
    return float(np.asarray(image.convert("L"), np.float32).std() / best) if best > 0 else 1.0


def chroma(image: Image.Image) -> float:
    """Return the mean distance of the largest and the smallest of red, green and blue: 0 … 255 grey levels."""
    return float(np.ptp(np.asarray(image), axis=2).mean())


def summary_lines(name: str, report: SetReport) -> list[str]:
    """Return what a person should know of a set."""
    lines = [f"{name}: {report.images or 'no'} images"]
    if report.images:
        width, height = spread(report.widths), spread(report.heights)
        lines[0] += f", {width['min']}–{width['max']} wide, {height['min']}–{height['max']} high"
        lines += [
            ("  objects an image: " if report.box_sides else "  label lengths: ")
            + ", ".join(f"{length} ({n})" for length, n in sorted(report.label_lengths.items())),
            f"  {len(report.symbols)} symbols: " + " ".join(sorted(report.symbols)),
        ]
    for what, problems in (("damaged", report.damaged), ("without label", report.without_label)):
        lines += [f"  {what}: {len(problems)}"] * bool(problems) + [f"    {line}" for line in problems[:5]]
    return lines
