"""Advice on what to do next, by rule from the figures of a detector's test; see `next_steps`."""

from collections import Counter
from collections.abc import Sequence

from bearcat.reports.html import list_some, plural
from bearcat.reports.next_steps import GOOD, REPEATED, Rule, small_test, tiny_test

LOW_AP = 0.8
NOTHING_FOUND = 0.05  # mAP@0.5 of a detector that has learnt nothing
LOOSE_BOXES = 0.6  # mAP@0.5:0.95 as a fraction of mAP@0.5 below which boxes fit badly


def nothing_found(report: dict, training: dict) -> str:
    """A detector that finds next to nothing."""
    if report["map_50"] >= NOTHING_FOUND:
        return ""
    return (
        f"Next to nothing is found (mAP@0.5 {report['map_50']:.0%}). Look at the boxes in report/check.html: do they "
        "enclose the objects? Only if so, train longer (TRAIN_SECONDS, or EPOCHS and EARLY_PATIENCE)."
    )


def weak_classes(report: dict, training: dict) -> str:
    """Classes with a low average precision."""
    weak = [
        f"{name} (AP {row['ap_50']:.0%}, {plural(row['objects'], 'object')})"
        for name, row in sorted(report["per_class"].items(), key=lambda item: item[1]["ap_50"])
        if row["ap_50"] < LOW_AP and row["objects"] >= REPEATED and name not in report.get("never_learnt", ())
    ]
    return f"Detected worst: {list_some(weak)}. Label more images that show them." if weak else ""


def missed_or_false(report: dict, training: dict) -> str:
    """Whether the mistakes are missed objects, false detections or confused names."""
    pairs = [(Counter(one["label"]), Counter(one["read"])) for one in report["mistakes"]]
    missed = sum((true - found).total() for true, found in pairs)
    false = sum((found - true).total() for true, found in pairs)
    if missed + false < REPEATED:
        return ""
    if missed > false:
        cause = "Most are missed: are all objects large enough in the input? python cheak_file.py suggests its size."
    elif missed < false:
        cause = "Most are false detections: are all objects of these images labelled?"
    else:
        cause = "The numbers are equal: names are confused with each other."
    return f"In the images with mistakes {missed} objects are missed and {false} detections are false. {cause}"


def loose_boxes(report: dict, training: dict) -> str:
    """Objects that are found, with boxes that fit badly."""
    if report["map_50"] < LOW_AP or report["map_50_95"] >= LOOSE_BOXES * report["map_50"]:
        return ""
    return (
        "Objects are found, but their boxes fit loosely, which is enough for clicks. Tighter boxes in the labels and "
        "longer training help."
    )


def more_images(report: dict, training: dict) -> str:
    """An exact match that more images can improve."""
    if report["all_clicks_correct_ci95"][1] >= GOOD or report["map_50"] < NOTHING_FOUND:
        return ""
    return f"Exact match is below {GOOD:.0%}: more labelled images help, and MOSAIC = True if it is not set yet."


BOX_RULES: Sequence[Rule] = (
    tiny_test,
    nothing_found,
    weak_classes,
    missed_or_false,
    loose_boxes,
    more_images,
    small_test,
)
