"""What settings follow from the data, and why."""

import statistics
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bearcat.annotations import list_images, read_labels
from bearcat.inspection import SetReport
from bearcat.label_codecs import CODECS
from bearcat.voc import label_file

GREY_KEEPS_ENOUGH = 0.6  # below this share of the best channel's contrast, colour carries the text
NEARLY_GREY = 4  # grey levels by which the channels differ where there is no colour to speak of
LEAST_INPUT, MOST_INPUT = 8, 2048  # what IMAGE_HEIGHT and IMAGE_WIDTH may be
BOX_SIDE = 48  # pixels: objects need not be larger than that in what a detector sees
SMALL_BOXES = 0.1  # share of the boxes that may be smaller
SIZE_OUTLIER = 2  # a picture so many times the median does not decide the input's size
CLASS_PICTURES = 5  # pictures a label has where it names a class, in the mean
LEAST_REPEATED = 2  # pictures a label must have in the mean for a class to be learnt


@dataclass(frozen=True)
class ModeAdvice:
    """The MODE that the data suggests, why, and the one to go on with: that of the settings, or the suggested."""

    suggested: str
    reason: str
    mode: str
    because: str = ""  # why the two differ


def look_at_labels(folders: Collection[Path], label_of, label_folder: Path) -> tuple[list[str], int, int]:
    """Return the text labels, how many pictures have a VOC file, and how many pictures there are."""
    labels = [item.label for folder in folders for item in read_labels(folder, label_of)[0]]
    pictures = [path for folder in folders for path in list_images(folder)]
    return labels, sum(label_file(path, label_folder).is_file() for path in pictures), len(pictures)


def suggest_mode(labels: Collection[str], with_boxes: int, pictures: int) -> tuple[str, str]:
    """Return the mode that the labels suggest, and the reason; ('', '') where there are none.

    Names of classes come back again and again and share few characters; texts are made of the same few characters.
    """
    if with_boxes > pictures / 2:
        return "EFFICIENTDET", f"{with_boxes} of {pictures} pictures have a VOC file with boxes"
    if not labels:
        return "", ""
    distinct, characters, lengths = set(labels), set().union(*labels), sorted(set(map(len, labels)))
    if len(distinct) <= len(characters) and len(labels) >= CLASS_PICTURES * len(distinct):
        return "NUM_CLASSES", f"{len(distinct)} labels come back {len(labels) / len(distinct):.0f} times each"
    if len(lengths) == 1:
        return "ORDINARY", f"every label has {lengths[0]} characters"
    return "CTC", f"labels have {lengths[0]} to {lengths[-1]} characters"


def advise_mode(now: str, default: str, labels: Collection[str], with_boxes: int, pictures: int) -> ModeAdvice:
    """Return what the labels suggest, held to the mode that is set.

    A mode that is not the default was chosen by a person and stays, unless it cannot learn this data.
    """
    suggested, reason = suggest_mode(labels, with_boxes, pictures)
    if not suggested or suggested == now:
        return ModeAdvice(now, reason, now)
    obstacle = _obstacle(now, labels, with_boxes)
    if obstacle:
        return ModeAdvice(suggested, reason, suggested, f"MODE = {now!r} cannot learn these pictures: {obstacle}")
    if now == default:
        return ModeAdvice(suggested, reason, suggested, f"MODE = {now!r} is the default, which nobody chose")
    return ModeAdvice(suggested, reason, now, f"MODE = {now!r} was set on purpose and can learn them")


def _obstacle(mode: str, labels: Collection[str], with_boxes: int) -> str:
    """Return why a mode cannot learn such labels, '' where it can."""
    if CODECS[mode].unit == "box":
        return "" if with_boxes else "not one has a VOC file with boxes"
    if not labels:
        return "not one has a label in its file name or a table"
    if CODECS[mode].unit == "class" and len(labels) < LEAST_REPEATED * len(set(labels)):
        return f"{len(set(labels))} of {len(labels)} labels differ, and a class needs several pictures"
    return ""


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


def why(suggested: Mapping[str, object], reports: list[SetReport], advice: ModeAdvice) -> dict[str, str]:
    """Return a reason in words for each suggested setting."""
    shares = [share for report in reports for share in report.grey_shares]
    kept = f"grey keeps {statistics.median(shares):.0%} of the contrast" if shares else ""
    things = "; the colours of things help to tell them apart" if CODECS[advice.mode].unit != "character" else ""
    size = "the largest picture" + (", shrunk as far as its objects allow" if _scale_for_boxes(reports) < 1 else "")
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
