"""What settings follow from the data, and why."""

import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bearcat.cli import Step
from bearcat.core.settings_file import parse_override, read_settings_file
from bearcat.core.workspace import LABEL_FOLDER, ROOT
from bearcat.data.labels import find_label_table, list_images, read_labels
from bearcat.modes import MODES, Task
from bearcat.reports.data_statistics import SetReport

GREY_KEEPS_ENOUGH = 0.6  # below this share of the best channel's contrast, colour carries the text
NEARLY_GREY = 4  # grey levels by which the channels differ where there is no colour to speak of
LEAST_INPUT, MOST_INPUT = 8, 2048  # what IMAGE_HEIGHT and IMAGE_WIDTH may be
BOX_SIDE = 48  # pixels: objects need not be larger than that in what a detector sees
SMALL_BOXES = 0.1  # share of the boxes that may be smaller
SIZE_OUTLIER = 2  # an image so many times the median does not decide the input's size
BASE_POSITIONS = 8  # characters; for so many the base knows where to look, and ORDINARY then needs the fewest labels
CLASS_IMAGES = 5  # images a label has where it names a class, in the mean
YOLO_NAMES = {"classes.txt", "obj.names", "data.yaml"}  # beside these a .txt holds boxes
LEAST_REPEATED = 2  # images a label must have in the mean for a class to be learnt


@dataclass(frozen=True)
class ModeAdvice:
    """The MODE that the data suggests, why, and the one to go on with: that of the settings, or the suggested."""

    suggested: str
    reason: str
    mode: str
    because: str = ""  # why the two differ


@dataclass(frozen=True)
class LabelFacts:
    """What the labels are: the texts, how many images have boxes or lie in sub-folders, and how many there are."""

    texts: Sequence[str]
    with_boxes: int
    images: int
    in_sub_folders: int = 0


def advise(step: Step, folders: Collection[Path], label_of: Callable[[Path], str]) -> ModeAdvice:
    """Return which MODE a work's labels suggest; one that --set names on the command line was chosen."""
    facts = look_at_labels(folders, label_of, step.work.folder(LABEL_FOLDER))
    named = any(parse_override(text)[0] == "MODE" for text in step.arguments.set)
    default = None if named else read_settings_file(ROOT / "settings.py")["MODE"][0]
    return advise_mode(step.settings.MODE, default, facts)


def look_at_labels(folders: Collection[Path], label_of: Callable[[Path], str], label_folder: Path) -> LabelFacts:
    """Return what the labels of several data sets are, without opening an image."""
    texts = [item.label for folder in folders for item in read_labels(folder, label_of)[0]]
    images = [path for folder in folders for path in list_images(folder)]
    files = {path.name for folder in {label_folder, *(one.parent for one in images)} for path in _files(folder)}
    suffixes = (".xml", ".txt") if files & YOLO_NAMES else (".xml",)
    with_boxes = sum(any(f"{path.stem}{suffix}" in files for suffix in suffixes) for path in images)
    # where there is a table, a sub-folder is no class
    with_table = [folder for folder in folders if find_label_table(folder)]
    in_sub_folders = sum(path.parent not in folders and path.parent.parent not in with_table for path in images)
    return LabelFacts(texts, with_boxes, len(images), in_sub_folders)


def _files(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def suggest_mode(facts: LabelFacts) -> tuple[str, str]:
    """Return the mode that the labels suggest, and the reason; ('', '') where there are none.

    Names of classes come back again and again and share few characters; texts are made of the same few characters.
    """
    if facts.with_boxes > facts.images / 2:
        return "EFFICIENTDET", f"{facts.with_boxes} of {facts.images} images have a file with boxes"
    if facts.in_sub_folders > facts.images / 2:
        return "NUM_CLASSES", f"{facts.in_sub_folders} of {facts.images} images lie in sub-folders, one a class"
    if not facts.texts:
        return "", ""
    distinct, characters = set(facts.texts), set().union(*facts.texts)
    shortest, longest = min(map(len, distinct)), max(map(len, distinct))
    times = len(facts.texts) / len(distinct)
    if len(distinct) <= len(characters) and times >= CLASS_IMAGES:
        return "NUM_CLASSES", f"{len(distinct)} labels come back {times:.0f} times each"
    mode = "ORDINARY" if longest <= BASE_POSITIONS else "CTC"
    if shortest == longest:
        return mode, f"every label has {longest} characters"
    return mode, f"labels have {shortest} to {longest} characters"


def advise_mode(now: str, default: str | None, facts: LabelFacts) -> ModeAdvice:
    """Return what the labels suggest, held to the mode that is set.

    A mode that is not the default was chosen by a person and stays, unless it cannot learn this data.
    """
    suggested, reason = suggest_mode(facts)
    if not suggested or suggested == now:
        return ModeAdvice(now, reason, now)
    obstacle = _obstacle(now, facts)
    if obstacle:
        return ModeAdvice(suggested, reason, suggested, f"MODE = {now!r} cannot learn these images: {obstacle}")
    if now == default:
        return ModeAdvice(suggested, reason, suggested, f"MODE = {now!r} is the default, which nobody chose")
    return ModeAdvice(suggested, reason, now, f"MODE = {now!r} was set on purpose and can learn them")


def _obstacle(mode: str, facts: LabelFacts) -> str:
    """Return why a mode cannot learn such labels, '' where it can."""
    unit, different = MODES[mode].task, len(set(facts.texts))
    if unit == Task.DETECTION:
        return "" if facts.with_boxes else "not one has a file with boxes"
    if not facts.texts:
        return "not one has a label in its file name or a table"
    if unit == Task.CLASSIFICATION and len(facts.texts) < LEAST_REPEATED * different:
        return f"{different} of {len(facts.texts)} labels differ, and a class needs several images"
    return ""


def suggest_settings(reports: list[SetReport], unit: str = Task.TEXT) -> dict[str, int]:
    """Return the settings that follow from the data: input size, channels, longest label; {} where there is none.

    Things, unlike characters, are told apart by their colours too: images of classes stay coloured. Images with
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
        "IMAGE_CHANNALS": 3 if _colour_matters(reports, unit != Task.TEXT) else 1,
    } | ({"CAPTCHA_LENGTH": max(lengths)} if unit == Task.TEXT else {})


def why(suggested: Mapping[str, object], reports: list[SetReport], advice: ModeAdvice) -> dict[str, str]:
    """Return a reason in words for each suggested setting."""
    shares = [share for report in reports for share in report.grey_shares]
    kept = f"grey keeps {statistics.median(shares):.0%} of the contrast" if shares else ""
    things = "; the colours of things help to tell them apart" if MODES[advice.mode].task is not Task.TEXT else ""
    size = "the largest image" + (", shrunk as far as its objects allow" if _scale_for_boxes(reports) < 1 else "")
    reasons = {
        "MODE": advice.reason,
        "IMAGE_HEIGHT": size,
        "IMAGE_WIDTH": size,
        "IMAGE_CHANNALS": kept + (things if suggested.get("IMAGE_CHANNALS") == 3 else ""),
        "CAPTCHA_LENGTH": "the longest label",
    }
    return {name: reasons[name] for name in suggested}


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
