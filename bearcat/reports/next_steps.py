"""What to do next, said by rule from the figures of a test: texts and classes. One rule a function, '' for nothing.

A rule takes the report (what test.json holds) and the figures of the training (a card's metrics).
"""

from collections import Counter
from collections.abc import Callable, Sequence

from bearcat.modes import Task
from bearcat.reports.text_scores import wilson_interval

GO_ON = "python pack_dataset.py, python init_working_space.py --go-on, python train.py"
CURVE = "python train.py --curve"
GOOD = 0.99  # a unit that reads so many right wants no more than its last mistakes looked at
LEARNT = 0.9  # of the training images: the network has got what there is
WIDE_GAP = 0.1  # between training images and unseen ones
WIDE_INTERVAL = 0.05
MANY = 3  # mistakes of one kind that are no accident
NAMED = 8  # characters, lengths and the like that are listed
SURE = 0.95
LARGE_CALIBRATION_ERROR = 0.1

Rule = Callable[[dict, dict], str]


def damaged_images(report: dict, training: dict) -> str:
    """Name how many images could not be opened."""
    count = len(report.get("damaged", ()))
    return f"{count} images are damaged and were left out: python cheak_file.py names them." if count else ""


def never_learnt(report: dict, training: dict) -> str:
    """Name symbols of the test set that no training image has."""
    strangers = report.get("never_learnt", ())
    if not strangers:
        return ""
    return (
        f"Never learnt: {listed(strangers)}. The test set has them, the training's labels do not, so they are always "
        f"wrong. Put images with them into train_dataset, then python pack_dataset.py --extend, and go on as with "
        "new images: python init_working_space.py --go-on, python train.py."
    )


def case_only(report: dict, training: dict) -> str:
    """Tell where mistakes are of upper and lower case alone."""
    count = round((report["exact_ignore_case"] - report["exact"]) * report["images"])
    return (
        f"{plural(count, 'prediction is', 'predictions are')} wrong in upper or lower case alone. If whoever checks the "
        f"answer does not mind case, count these as right: {report['exact_ignore_case']:.2%}; and train on lower-case "
        "labels, which is easier."
        if count
        else ""
    )


def other_images(report: dict, training: dict) -> str:
    """Tell where validation promised more than the test kept."""
    promised, images = training.get("val_exact", 0), int(training.get("val_images", 0))
    if not images or wilson_interval(round(promised * images), images)[0] <= report["exact_ci95"][1]:
        return ""
    return (
        f"Validation promised {promised:.1%}, the test shows {report['exact']:.1%}: more than chance. Are the test "
        "images of another source, or do validation images also lie in train_dataset? python cheak_file.py looks "
        "for duplicates; training images like those of the test set are the cure."
    )


def not_learnt(report: dict, training: dict) -> str:
    """Tell where not even the training images are read right."""
    learnt = training.get("exact", 1.0)
    if report["exact"] >= GOOD or learnt >= LEARNT:
        return ""
    return (
        f"The training images themselves, changed at random, were read right in {learnt:.1%} only: train longer "
        "(EPOCHS, EARLY_PATIENCE), with a larger IMAGE_HEIGHT and IMAGE_WIDTH, or a stronger BACKBONE."
    )


def more_data(report: dict, training: dict) -> str:
    """Tell whether the training images were too few."""
    learnt = training.get("exact", 0.0)
    if report["exact"] >= GOOD or (learnt < LEARNT and learnt - report["exact"] < WIDE_GAP):
        return ""
    return (
        f"Training images are read right in {learnt:.1%} (while they are changed at random), unseen ones in "
        f"{report['exact']:.1%}: more training images help. {CURVE} says how many; then {GO_ON}. DATA_ENHANCEMENT "
        "may help too."
    )


def weak_symbols(report: dict, training: dict) -> str:
    """Name characters or classes that are read worse than the others by more than chance."""
    usual, strangers = report["character_accuracy"], report.get("never_learnt", ())
    weak = [
        f"{symbol} ({row['right']:.0%} of {row['count']})"
        for symbol, row in report["by_character"].items()
        if symbol not in strangers and _is_weak(row["right"], row["count"], usual)
    ]
    return f"Read worse than the others: {listed(weak)}. Label more images that have them." if weak else ""


def _is_weak(share: float, count: int, usual: float) -> bool:
    right = round(share * count)
    return count - right >= MANY and wilson_interval(right, count)[1] < usual


def look_alikes(report: dict, training: dict) -> str:
    """Name the pairs that are confused again and again."""
    pairs = [
        f"{true} read as {read} ({count}×)"
        for true, read, count in report["confusions"]
        if count >= MANY and true and read and true.lower() != read.lower()
    ]
    return (
        f"Confused again and again: {listed(pairs)}. Look whether a person could tell them apart in the gallery, "
        "and whether the labels do."
        if pairs
        else ""
    )


def lost_or_added(report: dict, training: dict) -> str:
    """Tell where whole characters are dropped or invented."""
    if report.get("symbol") != Task.TEXT:
        return ""
    lost = sum(count for true, read, count in report["confusions"] if not read)
    added = sum(count for true, read, count in report["confusions"] if not true)
    return (
        f"{plural(lost, 'character')} dropped and {added} added: characters that touch, or too few columns for them. "
        "Try a larger IMAGE_WIDTH (then pack_dataset.py again)."
        if lost + added >= MANY
        else ""
    )


def weak_lengths(report: dict, training: dict) -> str:
    """Name label lengths that are read worse than the others by more than chance."""
    weak = [
        f"{length} ({row['exact']:.0%} of {row['images']})"
        for length, row in report["by_length"].items()
        if _is_weak(row["exact"], row["images"], report["exact"])
    ]
    return (
        f"Labels of some lengths are read worse: {listed(weak)} characters. Add images of these lengths."
        if weak
        else ""
    )


def wrong_labels(report: dict, training: dict) -> str:
    """Name mistakes of which the unit is sure: labels may be wrong."""
    sure = [mistake["file"] for mistake in report["mistakes"] if mistake["confidence"] >= SURE]
    return (
        f"{plural(len(sure), 'mistake was', 'mistakes were')} made with {SURE:.0%} confidence or more: look whether "
        f"these labels are right: {listed(sure)}."
        if sure
        else ""
    )


def threshold(report: dict, training: dict) -> str:
    """Say from which confidence on readings may be trusted."""
    if not report["threshold"]:
        return ""
    target, limit, left, exact = (report["threshold"][key] for key in ("target", "confidence", "left", "exact"))
    return (
        f"To be right in {target:.1%} of what is answered: leave readings with a confidence "
        f"(overall_recognition_rate) below {limit:.6g} to a person, {left:.1%} of these images; of the rest "
        f"{exact:.2%} are right."
    )


def calibration(report: dict, training: dict) -> str:
    """Tell where confidences are far off."""
    error = report["expected_calibration_error"]
    return (
        f"Confidences are off by {error:.0%} on average. More validation images, then python save_model.py, which "
        "fits them."
        if error > LARGE_CALIBRATION_ERROR
        else ""
    )


def small_test(report: dict, training: dict) -> str:
    """Tell where the test set says little."""
    low, high = report["exact_ci95"]
    return (
        f"{report['images']} test images leave it open whether {low:.1%} or {high:.1%} are read right: four times "
        "as many halve the interval."
        if high - low > WIDE_INTERVAL
        else ""
    )


RULES: Sequence[Rule] = (
    never_learnt,
    damaged_images,
    other_images,
    not_learnt,
    more_data,
    case_only,
    weak_symbols,
    look_alikes,
    lost_or_added,
    weak_lengths,
    wrong_labels,
    threshold,
    calibration,
    small_test,
)
NOTHING = "Nothing stands out. Serve it: python app.py; collect what it reads wrong, label it, and go on training."


def advise(report: dict, training: dict, rules: Sequence[Rule] = RULES) -> list[str]:
    """Return what the rules say, the most urgent first."""
    return [said for rule in rules if (said := rule(report, training))] or [NOTHING]


def listed(items: Sequence[str]) -> str:
    """Return the first items in a row, and how many more there are."""
    more = len(items) - NAMED
    return ", ".join(items[:NAMED]) + (f" and {more} more" if more > 0 else "")


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"


# ---- merged from detection.advice: What to do next, said by rule from the figures of a test of EFFICIENTDET: bearcat/reports/next_steps.py for boxes.


WEAK_AP = 0.8
LOOSE = 0.6  # mAP over all overlaps beside that at half


def weak_classes(report: dict, training: dict) -> str:
    """Name classes that are found badly."""
    weak = [
        f"{name} (AP {row['ap_50']:.0%}, {row['objects']} objects)"
        for name, row in sorted(report["per_class"].items(), key=lambda item: item[1]["ap_50"])
        if row["ap_50"] < WEAK_AP and name not in report.get("never_learnt", ())
    ]
    return f"Found worst: {listed(weak)}. Label more images that show them." if weak else ""


def missed_or_extra(report: dict, training: dict) -> str:
    """Tell whether mistakes are objects missed, found where none is, or named wrongly."""
    pairs = [(Counter(one["label"]), Counter(one["read"])) for one in report["mistakes"]]
    missed = sum((true - read).total() for true, read in pairs)
    extra = sum((read - true).total() for true, read in pairs)
    if missed + extra < MANY:
        return ""
    said = {
        True: "Most are missing: are all objects large enough for the input (python cheak_file.py)?",
        False: "Most are too many: are all objects of these images labelled?",
    }
    kind = said[missed > extra] if missed != extra else "As often one stands for another: names confused."
    return f"In the images that are wrong {missed} names are missing and {extra} too many. {kind}"


def loose_boxes(report: dict, training: dict) -> str:
    """Tell where objects are found, but their boxes lie badly."""
    is_loose = report["map_50"] >= WEAK_AP and report["map_50_95"] < LOOSE * report["map_50"]
    said = "Objects are found, their boxes lie loosely: enough for clicks. Tighter labels and a longer training help."
    return said if is_loose else ""


def more_images(report: dict, training: dict) -> str:
    """Tell that there is room for more training images."""
    said = f"More labelled images, or MOSAIC = True, help what is below {GOOD:.0%}."
    return said if report["all_clicks_correct"] < GOOD else ""


def small_box_test(report: dict, training: dict) -> str:
    """Tell where the test set says little."""
    low, high = report["all_clicks_correct_ci95"]
    if high - low <= WIDE_INTERVAL:
        return ""
    return (
        f"{report['images']} test images leave it open whether {low:.1%} or {high:.1%} are all right: four times as "
        "many halve the interval."
    )


BOX_RULES: Sequence[Rule] = (
    never_learnt,
    damaged_images,
    weak_classes,
    missed_or_extra,
    loose_boxes,
    more_images,
    small_box_test,
)
