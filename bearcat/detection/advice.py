"""What to do next, said by rule from the figures of a test of EFFICIENTDET: bearcat/advice.py for boxes."""

from collections import Counter
from collections.abc import Sequence

from bearcat.advice import GOOD, MANY, WIDE_INTERVAL, Rule, damaged_pictures, listed, never_learnt

WEAK_AP = 0.8
LOOSE = 0.6  # mAP over all overlaps beside that at half


def weak_classes(report: dict, training: dict) -> str:
    """Name classes that are found badly."""
    weak = [
        f"{name} (AP {row['ap_50']:.0%}, {row['objects']} objects)"
        for name, row in sorted(report["per_class"].items(), key=lambda item: item[1]["ap_50"])
        if row["ap_50"] < WEAK_AP and name not in report.get("never_learnt", ())
    ]
    return f"Found worst: {listed(weak)}. Label more pictures that show them." if weak else ""


def missed_or_extra(report: dict, training: dict) -> str:
    """Tell whether mistakes are objects missed, found where none is, or named wrongly."""
    pairs = [(Counter(one["label"]), Counter(one["read"])) for one in report["mistakes"]]
    missed = sum((true - read).total() for true, read in pairs)
    extra = sum((read - true).total() for true, read in pairs)
    if missed + extra < MANY:
        return ""
    said = {
        True: "Most are missing: are all objects large enough for the input (python cheak_file.py)?",
        False: "Most are too many: are all objects of these pictures labelled?",
    }
    kind = said[missed > extra] if missed != extra else "As often one stands for another: names confused."
    return f"In the pictures that are wrong {missed} names are missing and {extra} too many. {kind}"


def loose_boxes(report: dict, training: dict) -> str:
    """Tell where objects are found, but their boxes lie badly."""
    is_loose = report["map_50"] >= WEAK_AP and report["map_50_95"] < LOOSE * report["map_50"]
    said = "Objects are found, their boxes lie loosely: enough for clicks. Tighter labels and a longer training help."
    return said if is_loose else ""


def more_pictures(report: dict, training: dict) -> str:
    """Tell that there is room for more training pictures."""
    said = f"More labelled pictures, or MOSAIC = True, help what is below {GOOD:.0%}."
    return said if report["all_clicks_correct"] < GOOD else ""


def small_test(report: dict, training: dict) -> str:
    """Tell where the test set says little."""
    low, high = report["all_clicks_correct_ci95"]
    if high - low <= WIDE_INTERVAL:
        return ""
    return (
        f"{report['images']} test pictures leave it open whether {low:.1%} or {high:.1%} are all right: four times as "
        "many halve the interval."
    )


BOX_RULES: Sequence[Rule] = (
    never_learnt,
    damaged_pictures,
    weak_classes,
    missed_or_extra,
    loose_boxes,
    more_pictures,
    small_test,
)
