"""Statistics of a data set: sizes, formats, labels, damaged files, and fingerprints for finding duplicates."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from bearcat.core.errors import DataError, LabelError
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.duplicates import Fingerprint, fingerprint
from bearcat.data.frames import SPREAD, combine_frames
from bearcat.data.images import FORMAT_OF_SUFFIX, FileFacts, is_blank, open_frames
from bearcat.data.labels.boxes import BoxLabels, check_size
from bearcat.data.labels.left_out import files_left_out
from bearcat.data.labels.reading import LabelledImage, label_of_name, list_images, read_labels
from bearcat.data.labels.tables import table_files
from bearcat.reports.dataset.choices.frames import choose_frames
from bearcat.reports.dataset.choices.layout import SeenLayout, see_layout
from bearcat.reports.dataset.colour import Colour, measure_colour

COLOUR_SAMPLE = 200  # images per set that are measured for colour, frames and layout
NAMES_STEMS = {"classes", "obj", "data"}  # YOLO's lists of class names
SHOWN = 5  # problems of a kind that the summary lists
# what the summary calls them → the attribute of SetStatistics
PROBLEMS = {
    "damaged": "damaged",
    "without label": "without_label",
    "boxes missing or wrong": "wrong_boxes",
    "boxes of another size": "wrong_size",
}


@dataclass
class SetStatistics:
    """Statistics of one data set, or of several.

    Args:
        images: Number of readable images with a label.
        damaged: A message for each image that cannot be opened.
        without_label: A message for each image without a label; of boxes see the next two.
        wrong_boxes: A message for each image whose boxes are missing or wrong.
        wrong_size: A message for each image whose boxes are those of an image of another size; every step skips it.
        strays: Files that no step reads.
        wrong_suffix: A message for each file whose content is of another format than its name says.
        turned: Files that EXIF says to rotate or flip.
        blank: Images of one colour in all of their frames; those without a box are what they should be.
        formats: Number of images per file format.
        modes: Number of images per colour mode of Pillow: RGB, L, P …
        widths: Number of images per width, in pixels.
        heights: Number of images per height, in pixels.
        frames: Number of animated images per number of frames.
        frame_choices: Number of animated images per value of FRAMES that suits them, of a sample.
        label_lengths: Number of images per length of the label (number of objects for boxes).
        symbols: Number of occurrences of each character, class or kind of object.
        labels_in_mixed_case: Number of labels with both capital and small letters.
        colours: The colour of a sample of images.
        layouts: What a sample of images without boxes shows of its layout.
        box_sides: Number of boxes per square root of their area, in whole pixels.
        labels: The symbols of each image's label.
        fingerprints: One per image.
    """

    images: int = 0
    damaged: list[str] = field(default_factory=list)
    without_label: list[str] = field(default_factory=list)
    wrong_boxes: list[str] = field(default_factory=list)
    wrong_size: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    wrong_suffix: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    heights: Counter[int] = field(default_factory=Counter)
    frames: Counter[int] = field(default_factory=Counter)
    frame_choices: Counter[str] = field(default_factory=Counter)
    label_lengths: Counter[int] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    labels_in_mixed_case: int = 0
    colours: list[Colour] = field(default_factory=list)
    layouts: list[SeenLayout] = field(default_factory=list)
    box_sides: Counter[int] = field(default_factory=Counter)
    labels: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    fingerprints: list[Fingerprint] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Returns what report/check.json says of the set."""
        return {
            "pictures": self.images,
            "damaged": self.damaged + self.wrong_size,
            "without_label": self.without_label + self.wrong_boxes,
            "strays": self.strays,
            "wrong_suffix": self.wrong_suffix,
            "turned": self.turned,
            "blank": self.blank,
            "formats": dict(self.formats.most_common()),
            "modes": dict(self.modes.most_common()),
            "width": spread(self.widths),
            "height": spread(self.heights),
            "label_lengths": dict(sorted(self.label_lengths.items())),
            "symbols": dict(sorted(self.symbols.items())),
            "labels_in_mixed_case": self.labels_in_mixed_case,
        } | self._dict_of_some()

    def _dict_of_some(self) -> dict[str, Any]:
        """Returns what only sets with boxes or with animated images have."""
        found: dict[str, Any] = {"box_side": spread(self.box_sides)} if self.box_sides else {}
        if self.frames:
            found |= {"frames": dict(sorted(self.frames.items())), "frame_choices": dict(self.frame_choices)}
        return found


@dataclass(frozen=True)
class _Inspected:
    """A readable image."""

    item: LabelledImage
    size: tuple[int, int]
    facts: FileFacts
    fingerprint: Fingerprint
    is_blank: bool
    frames: int
    frame_choice: str  # value of FRAMES that suits the image, of the sampled animations
    colour: Colour | None  # of the sampled images
    layout: SeenLayout | None  # of those of them that have no boxes


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
    labelled, problems = read_labels(folder, label_of, with_table=not with_boxes)
    found = inspect_images(labelled, folder.name, symbols_of, with_boxes)
    found.strays = sorted(map(str, _strays(folder)))
    (found.wrong_boxes if with_boxes else found.without_label).extend(problems)
    return found


def inspect_images(
    items: Sequence[LabelledImage],
    name: str,
    symbols_of: Callable[[Any], tuple[str, ...]] | None = None,
    with_boxes: bool = False,
) -> SetStatistics:
    """Opens images once and collects their statistics.

    Args:
        items: The images.
        name: What the progress bar calls them.
        symbols_of: As in `inspect_set`; None for images without labels.
        with_boxes: As in `inspect_set`.
    """
    found = SetStatistics()
    every = max(1, len(items) // COLOUR_SAMPLE)
    tasks = ((item, with_boxes, number % every == 0) for number, item in enumerate(items))
    for image in show_progress(map_in_threads(_inspect, tasks), len(items), name):
        if isinstance(image, DataError):
            (found.wrong_size if isinstance(image, LabelError) else found.damaged).append(str(image))
        else:
            _count_file(found, image)
            if symbols_of:
                _count_label(found, image.item, symbols_of, with_boxes)
    return found


def _strays(folder: Path) -> Iterator[Path]:
    """Yields the files that are neither images, those left out included, nor labels."""
    if not folder.is_dir():
        return
    images = {*list_images(folder), *(folder / name for one in files_left_out(folder) for name in one.names)}
    stems = {path.stem for path in images} | NAMES_STEMS
    others = images | table_files(folder)
    for path in folder.iterdir():
        if path not in others and path.stem not in stems and not path.name.startswith(".") and path.is_file():
            yield path


def _inspect(task: tuple[LabelledImage, bool, bool]) -> _Inspected | DataError:
    item, with_boxes, is_sampled = task
    try:
        frames, facts = open_frames(item.path)
        if with_boxes:
            check_size(item.label, frames[0].size, item.path)
    except DataError as error:
        return error
    image = combine_frames(frames, SPREAD)  # the first frame of an animation is often empty
    return _Inspected(
        item,
        frames[0].size,
        facts,
        fingerprint(item.path, image),
        all(map(is_blank, frames)) and not (with_boxes and not item.label.names),
        len(frames),
        choose_frames(frames) if is_sampled and len(frames) > 1 else "",
        measure_colour(image) if is_sampled else None,
        see_layout(frames[0]) if is_sampled and not with_boxes else None,
    )


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
    if image.is_blank:
        found.blank.append(str(path))
    if image.frames > 1:
        found.frames[image.frames] += 1
    if image.frame_choice:
        found.frame_choices[image.frame_choice] += 1
    if image.colour:
        found.colours.append(image.colour)
    if image.layout:
        found.layouts.append(image.layout)


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


def summarize(name: str, found: SetStatistics) -> list[str]:
    """Returns the lines that a terminal shows of a set."""
    lines = [f"{name}: {found.images or 'no'} images"]
    width, height = spread(found.widths), spread(found.heights)
    if width and height:
        lines[0] += f", {_range(width)} wide, {_range(height)} high"
    if found.label_lengths:
        what = "objects per image" if found.box_sides else "label lengths"
        lengths = ", ".join(f"{length} ({count})" for length, count in sorted(found.label_lengths.items()))
        lines += [f"  {what}: {lengths}", f"  {len(found.symbols)} symbols: {' '.join(sorted(found.symbols))}"]
    for what, kind in PROBLEMS.items():
        if problems := getattr(found, kind):
            lines += [f"  {what}: {len(problems)}", *(f"    {line}" for line in problems[:SHOWN])]
    return lines


def _range(values: dict[str, float]) -> str:
    return f"{values['min']}" if values["min"] == values["max"] else f"{values['min']}–{values['max']}"
