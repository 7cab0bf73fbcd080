"""Statistics of a data set: sizes, formats, labels, damaged files, and fingerprints for finding duplicates."""

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
from bearcat.data.duplicates import Fingerprint, fingerprint
from bearcat.data.images import FORMAT_OF_SUFFIX, FileFacts, open_with_facts
from bearcat.data.labels.boxes import BoxLabels, check_size
from bearcat.data.labels.reading import LabelledImage, label_of_name, list_images, read_labels

COLOUR_SAMPLE = 200  # images per set that are measured for colour
LABEL_STEMS = {"labels", "classes", "obj", "data"}  # label tables, and YOLO's lists of class names
SHOWN = 5  # problems of a kind that the summary lists


@dataclass
class SetStatistics:
    """Statistics of one data set, or of several.

    Args:
        images: Number of readable images with a label.
        damaged: A message for each image that cannot be opened, or that its boxes do not fit.
        without_label: A message for each image without a label.
        strays: Files that no step reads.
        wrong_suffix: A message for each file whose content is of another format than its name says.
        turned: Files that EXIF says to rotate or flip.
        formats: Number of images per file format.
        modes: Number of images per colour mode of Pillow: RGB, L, P …
        widths: Number of images per width, in pixels.
        heights: Number of images per height, in pixels.
        label_lengths: Number of images per length of the label (number of objects for boxes).
        symbols: Number of occurrences of each character, class or kind of object.
        labels_in_mixed_case: Number of labels with both capital and small letters.
        grey_contrasts: `grey_contrast` of a sample of images.
        chromas: `chroma` of the same images.
        box_sides: Number of boxes per square root of their area, in whole pixels.
        labels: The symbols of each image's label.
        fingerprints: One per image.
    """

    images: int = 0
    damaged: list[str] = field(default_factory=list)
    without_label: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    wrong_suffix: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    heights: Counter[int] = field(default_factory=Counter)
    label_lengths: Counter[int] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    labels_in_mixed_case: int = 0
    grey_contrasts: list[float] = field(default_factory=list)
    chromas: list[float] = field(default_factory=list)
    box_sides: Counter[int] = field(default_factory=Counter)
    labels: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    fingerprints: list[Fingerprint] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Returns what report/check.json says of the set."""
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
class _Inspected:
    """A readable image."""

    item: LabelledImage
    size: tuple[int, int]
    facts: FileFacts
    fingerprint: Fingerprint
    colour: tuple[float, float] | None  # grey_contrast and chroma, of the sampled images


def spread(counts: Counter) -> dict[str, float] | None:
    """Returns the min, median and max of counted values; None without any."""
    values = list(counts.elements())
    return {"min": min(values), "median": statistics.median(values), "max": max(values)} if values else None


def merge_statistics(sets: Iterable[SetStatistics]) -> SetStatistics:
    """Returns the statistics of several sets together."""
    whole = SetStatistics()
    for one in sets:
        for each in fields(SetStatistics):
            merged, added = getattr(whole, each.name), getattr(one, each.name)
            # a Counter is a dict too, but its counts add up
            setattr(whole, each.name, merged | added if type(merged) is dict else merged + added)
    return whole


def inspect_set(
    folder: Path,
    label_of: Callable[[Path], Any] = label_of_name,
    symbols_of: Callable[[Any], tuple[str, ...]] = tuple,
    with_boxes: bool = False,
) -> SetStatistics:
    """Opens every image of a data set once and collects its statistics.

    Args:
        folder: The data set.
        label_of: Takes the label of an image from its path.
        symbols_of: Splits a label into characters, classes or names of objects.
        with_boxes: Whether labels are `BoxLabels`.
    """
    labelled, without_label = read_labels(folder, label_of, with_table=not with_boxes)
    found = SetStatistics(without_label=without_label, strays=sorted(map(str, _strays(folder))))
    every = max(1, len(labelled) // COLOUR_SAMPLE)
    tasks = ((item, with_boxes, number % every == 0) for number, item in enumerate(labelled))
    for image in show_progress(map_in_threads(_inspect, tasks), len(labelled), folder.name):
        if isinstance(image, DataError):
            found.damaged.append(str(image))
        else:
            _count_file(found, image)
            _count_label(found, image.item, symbols_of, with_boxes)
    return found


def _strays(folder: Path) -> Iterator[Path]:
    """Yields the files that are neither images nor labels."""
    if not folder.is_dir():
        return
    images = set(list_images(folder))
    stems = {path.stem for path in images} | LABEL_STEMS
    for path in folder.iterdir():
        if path not in images and path.stem not in stems and not path.name.startswith(".") and path.is_file():
            yield path


def _inspect(task: tuple[LabelledImage, bool, bool]) -> _Inspected | DataError:
    item, with_boxes, with_colour = task
    try:
        image, facts = open_with_facts(item.path)
        if with_boxes:
            check_size(item.label, image.size, item.path)
    except DataError as error:
        return error
    colour = (grey_contrast(image), chroma(image)) if with_colour else None
    return _Inspected(item, image.size, facts, fingerprint(item.path, image), colour)


def _count_file(found: SetStatistics, image: _Inspected) -> None:
    path, facts = image.item.path, image.facts
    found.images += 1
    found.widths[image.size[0]] += 1
    found.heights[image.size[1]] += 1
    found.formats[facts.format] += 1
    found.modes[facts.mode] += 1
    found.fingerprints.append(image.fingerprint)
    if FORMAT_OF_SUFFIX[path.suffix.lower()] != facts.format:
        found.wrong_suffix.append(f"{path} is {facts.format}")
    if facts.turned:
        found.turned.append(str(path))
    if image.colour:
        found.grey_contrasts.append(image.colour[0])
        found.chromas.append(image.colour[1])


def _count_label(found: SetStatistics, item: LabelledImage, symbols_of: Callable, with_boxes: bool) -> None:
    symbols = tuple(symbols_of(item.label))
    found.label_lengths[len(symbols)] += 1
    found.symbols.update(symbols)
    found.labels[item.path] = tuple(sorted(symbols)) if with_boxes else symbols
    if with_boxes:
        found.box_sides.update(box_sides(item.label))
    else:
        found.labels_in_mixed_case += item.label != item.label.lower() and item.label != item.label.upper()


def box_sides(labels: BoxLabels) -> list[int]:
    """Returns the square root of each box's area, in whole pixels."""
    widths, heights = (labels.boxes_xyxy[:, 2:] - labels.boxes_xyxy[:, :2]).T
    return np.sqrt(widths * heights).round().astype(int).tolist()


def grey_contrast(image: Image.Image) -> float:
    """Fraction of the contrast that survives in grey.

    It is the standard deviation of the grey image over that of the RGB channel with the highest one: 0 to about 1.
    """
    best = np.asarray(image, np.float32).std(axis=(0, 1)).max()
    return float(np.asarray(image.convert("L"), np.float32).std() / best) if best > 0 else 1.0


def chroma(image: Image.Image) -> float:
    """Mean difference between the largest and the smallest of red, green and blue: 0 to 255."""
    return float(np.ptp(np.asarray(image), axis=2).mean())


def summarize(name: str, found: SetStatistics) -> list[str]:
    """Returns the lines that a terminal shows of a set."""
    lines = [f"{name}: {found.images or 'no'} images"]
    width, height = spread(found.widths), spread(found.heights)
    if width and height:
        lines[0] += f", {_range(width)} wide, {_range(height)} high"
        what = "objects per image" if found.box_sides else "label lengths"
        lengths = ", ".join(f"{length} ({count})" for length, count in sorted(found.label_lengths.items()))
        lines += [f"  {what}: {lengths}", f"  {len(found.symbols)} symbols: {' '.join(sorted(found.symbols))}"]
    for what, problems in (("damaged", found.damaged), ("without label", found.without_label)):
        if problems:
            lines += [f"  {what}: {len(problems)}", *(f"    {line}" for line in problems[:SHOWN])]
    return lines


def _range(values: dict[str, float]) -> str:
    return f"{values['min']}" if values["min"] == values["max"] else f"{values['min']}–{values['max']}"
