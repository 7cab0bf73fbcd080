"""Advice on what to do next, by rule from the figures of a test.

A rule takes the figures of report/test.json and the training metrics of the model's card, and returns its advice, or
'' if it does not apply. RULES are for texts and classes, BOX_RULES for detectors.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from bearcat.modes import Task
from bearcat.reports.html import plural
from bearcat.reports.text_scores import wilson_interval

NEW_IMAGES = "python init_working_space.py --go-on, python train.py"
GOOD = 0.99  # exact match above which only the last mistakes are of interest
LEARNT = 0.9  # exact match on training images that shows that the network is large enough
WIDE_GAP = 0.1  # between the exact match on training images and on test images
WIDE_INTERVAL = 0.05
REPEATED = 3  # mistakes of a kind that are not put down to chance
LISTED = 8  # characters, lengths and the like that are listed
CONFIDENT = 0.95
LARGE_CALIBRATION_ERROR = 0.1
LOW_AP = 0.8
LOOSE_BOXES = 0.6  # mAP@0.5:0.95 as a fraction of mAP@0.5 below which boxes fit badly
NOTHING = "Nothing stands out. Serve the model: python app.py. Label the images it gets wrong, and train on them too."

Rule = Callable[[dict, dict], str]


def advise(report: dict, training: dict, rules: Sequence[Rule] | None = None) -> list[str]:
    """Returns the advice of the rules that apply, most urgent first.

    Args:
        report: The figures of report/test.json.
        training: The metrics of the model's card.
        rules: RULES or BOX_RULES; RULES by default.
    """
    return [advice for rule in rules or RULES if (advice := rule(report, training))] or [NOTHING]


def never_learnt(report: dict, training: dict) -> str:
    """Symbols that no training label has."""
    symbols = report.get("never_learnt", ())
    if not symbols:
        return ""
    return (
        f"Never learnt: {list_some(symbols)}. The test labels have them and the training labels do not, so the model "
        "cannot predict them. Add images of them to train_dataset, then python pack_dataset.py --extend, "
        f"{NEW_IMAGES}."
    )


def damaged_images(report: dict, training: dict) -> str:
    """Images that cannot be opened."""
    count = len(report.get("damaged", ()))
    if not count:
        return ""
    return f"{plural(count, 'damaged image was', 'damaged images were')} skipped: python cheak_file.py lists them."


def worse_than_validation(report: dict, training: dict) -> str:
    """An exact match below that on validation images."""
    expected, images = training.get("val_exact", 0), int(training.get("val_images", 0))
    if not images or wilson_interval(round(expected * images), images)[0] <= report["exact_ci95"][1]:
        return ""
    return (
        f"Exact match is {expected:.1%} on validation images, but {report['exact']:.1%} on test images, a significant "
        "difference. Either the test images come from another source, then train on images like them; or validation "
        "images are also in train_dataset: python cheak_file.py finds these leaks."
    )


def underfitting(report: dict, training: dict) -> str:
    """A low exact match even on training images."""
    learnt = training.get("exact", 1.0)
    if report["exact"] >= GOOD or learnt >= LEARNT:
        return ""
    return (
        f"Exact match is only {learnt:.1%} on the training images themselves, under augmentation: train longer "
        "(EPOCHS, EARLY_PATIENCE), with a larger IMAGE_HEIGHT and IMAGE_WIDTH, or with a larger BACKBONE."
    )


def overfitting(report: dict, training: dict) -> str:
    """A gap between the exact match on training images and on test images."""
    learnt = training.get("exact", 0.0)
    if report["exact"] >= GOOD or (learnt < LEARNT and learnt - report["exact"] < WIDE_GAP):
        return ""
    return (
        f"Exact match is {learnt:.1%} on training images, under augmentation, and {report['exact']:.1%} on test "
        "images: more training images help. python train.py --curve estimates how many; with them, python "
        f"pack_dataset.py, {NEW_IMAGES}. DATA_ENHANCEMENT may help too."
    )


def case_only(report: dict, training: dict) -> str:
    """Mistakes in nothing but upper and lower case."""
    count = round((report["exact_ignore_case"] - report["exact"]) * report["images"])
    if not count:
        return ""
    return (
        f"{plural(count, 'prediction is', 'predictions are')} wrong only in upper or lower case. If the site ignores "
        f"case, the exact match is {report['exact_ignore_case']:.2%}; training on lower-case labels is then easier too."
    )


def weak_symbols(report: dict, training: dict) -> str:
    """Characters or classes that are significantly worse than the average."""
    average, unknown = report["character_accuracy"], report.get("never_learnt", ())
    weak = [
        f"{symbol} ({row['right']:.0%} of {row['count']})"
        for symbol, row in report["by_character"].items()
        if symbol not in unknown and _is_weak(row["right"], row["count"], average)
    ]
    return f"Less accurate than the others: {list_some(weak)}. Label more images with them." if weak else ""


def _is_weak(fraction: float, count: int, average: float) -> bool:
    correct = round(fraction * count)
    return count - correct >= REPEATED and wilson_interval(correct, count)[1] < average


def confused_symbols(report: dict, training: dict) -> str:
    """Pairs of symbols that are confused repeatedly."""
    pairs = [
        f"{true} with {predicted} ({count}×)"
        for true, predicted, count in report["confusions"]
        if count >= REPEATED and true and predicted and true.lower() != predicted.lower()
    ]
    if not pairs:
        return ""
    return (
        f"Confused repeatedly: {list_some(pairs)}. See in the gallery whether a person can tell them apart, and "
        "whether the labels do."
    )


def dropped_or_added(report: dict, training: dict) -> str:
    """Characters that are dropped or added."""
    if report.get("symbol") != Task.TEXT:
        return ""
    dropped = sum(count for _, predicted, count in report["confusions"] if not predicted)
    added = sum(count for true, _, count in report["confusions"] if not true)
    if dropped + added < REPEATED:
        return ""
    return (
        f"{plural(dropped, 'character')} dropped and {added} added: characters touch, or the input is too narrow for "
        "them. Try a larger IMAGE_WIDTH, after which python pack_dataset.py is needed again."
    )


def weak_lengths(report: dict, training: dict) -> str:
    """Label lengths that are significantly worse than the average."""
    weak = [
        f"{length} ({row['exact']:.0%} of {row['images']})"
        for length, row in report["by_length"].items()
        if _is_weak(row["exact"], row["images"], report["exact"])
    ]
    if not weak:
        return ""
    return f"Labels of some lengths are less accurate: {list_some(weak)} characters. Add images of these lengths."


def doubtful_labels(report: dict, training: dict) -> str:
    """Mistakes with a high confidence: the label may be wrong."""
    files = [mistake["file"] for mistake in report["mistakes"] if mistake["confidence"] >= CONFIDENT]
    if not files:
        return ""
    mistakes = plural(len(files), "mistake has", "mistakes have")
    return f"{mistakes} a confidence of {CONFIDENT:.0%} or more. Check these labels: {list_some(files)}."


def threshold(report: dict, training: dict) -> str:
    """The confidence threshold for a target accuracy."""
    if not report["threshold"]:
        return ""
    target, limit, rejected, exact = (report["threshold"][key] for key in ("target", "confidence", "left", "exact"))
    return (
        f"For an accuracy of {target:.1%}, reject predictions with a confidence (overall_recognition_rate) below "
        f"{limit:.6g}, {rejected:.1%} of these images; {exact:.2%} of the others are correct."
    )


def calibration(report: dict, training: dict) -> str:
    """A large expected calibration error."""
    error = report["expected_calibration_error"]
    if error <= LARGE_CALIBRATION_ERROR:
        return ""
    return (
        f"Confidences are poorly calibrated: the expected calibration error is {error:.0%}. Add validation images, "
        "then python save_model.py, which calibrates on them."
    )


def small_test(report: dict, training: dict) -> str:
    """A test set too small for a narrow interval."""
    low, high = report.get("exact_ci95") or report["all_clicks_correct_ci95"]
    if high - low <= WIDE_INTERVAL:
        return ""
    return (
        f"With {report['images']} test images the exact match may be anywhere from {low:.1%} to {high:.1%}: four times "
        "the number of images halves this interval."
    )


def weak_classes(report: dict, training: dict) -> str:
    """Classes with a low average precision."""
    weak = [
        f"{name} (AP {row['ap_50']:.0%}, {plural(row['objects'], 'object')})"
        for name, row in sorted(report["per_class"].items(), key=lambda item: item[1]["ap_50"])
        if row["ap_50"] < LOW_AP and name not in report.get("never_learnt", ())
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
    if report["all_clicks_correct"] >= GOOD:
        return ""
    return f"Exact match is below {GOOD:.0%}: more labelled images, or MOSAIC = True, help."


RULES: Sequence[Rule] = (
    never_learnt,
    damaged_images,
    worse_than_validation,
    underfitting,
    overfitting,
    case_only,
    weak_symbols,
    confused_symbols,
    dropped_or_added,
    weak_lengths,
    doubtful_labels,
    threshold,
    calibration,
    small_test,
)
BOX_RULES: Sequence[Rule] = (
    never_learnt,
    damaged_images,
    weak_classes,
    missed_or_false,
    loose_boxes,
    more_images,
    small_test,
)


def list_some(items: Sequence[str]) -> str:
    """Joins the first items with commas, and says how many more there are."""
    more = len(items) - LISTED
    return ", ".join(items[:LISTED]) + (f" and {more} more" if more > 0 else "")
