"""Advice on what to do next, by rule from the figures of a test.

A rule takes the figures of report/test.json and the training metrics of the model's card, and returns its advice, or
'' if it does not apply; `box_next_steps` has the rules for detectors. Labels and images of a wrong kind come first
(see `wrong_kinds`). If they explain most of the mistakes, the other rules are not asked: neither longer training, nor
a larger network, nor more images would help.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from bearcat.artifacts.calibration import FEWEST_CORRECT, FEWEST_INCORRECT, MIN_REJECTION_IMAGES
from bearcat.core.intervals import wilson_interval
from bearcat.modes import Task
from bearcat.reports.html import list_some, plural
from bearcat.reports.wrong_kinds import explain_most, find_wrong_kinds

NEW_IMAGES = "python init_working_space.py --go-on, python train.py"
GOOD = 0.99  # exact match above which only the last mistakes are of interest
LEARNT = 0.9  # exact match on training images that shows that the network is large enough
WIDE_GAP = 0.1  # between the exact match on training images and on test images
WIDE_INTERVAL = 0.05
POOR = 0.5  # exact match below which it does not matter how exactly it is known
MAX_IMAGES = 10**6  # no useful interval needs more
FEW_IMAGES = 30  # in a test set that says next to nothing
REPEATED = 3  # mistakes of a kind, or objects of a class, that are not put down to chance
CONFIDENT = 0.95
TRUSTED = 0.9  # exact match of the most confident tenth of the range from which a mistake there is worth a look
LARGE_CALIBRATION_ERROR = 0.1
SHRUNK = 0.5  # of the images, from which a larger input shows more of them
NOTHING = "Nothing stands out. Serve the model: python app.py. Label the images it gets wrong, and train on them too."
UNEXPLAINED = "No rule explains the mistakes: look at them below, and at images and labels in report/check.html."

Rule = Callable[[dict, dict], str]


def advise(report: dict, training: dict, rules: Sequence[Rule] | None = None) -> list[str]:
    """Returns the advice of the rules that apply, most urgent first.

    Args:
        report: The figures of report/test.json.
        training: The metrics of the model's card.
        rules: TEXT_RULES (the default), or those of boxes.
    """
    kinds = [] if rules else find_wrong_kinds(report, training)
    explained = sum(kind.images for kind in kinds) + _with_unknown_symbols(report)
    asked = () if explain_most(explained, report) else rules or TEXT_RULES
    first, others = ([text for rule in group if (text := rule(report, training))] for group in (FIRST_RULES, asked))
    advice = [*first, *(kind.advice for kind in kinds), *others]
    return advice or [NOTHING if _exact(report) >= LEARNT else UNEXPLAINED]


def _exact(report: dict) -> float:
    return report["exact"] if "exact" in report else report["all_clicks_correct"]


def _with_unknown_symbols(report: dict) -> int:
    """Returns the number of mistakes whose label has a symbol that the model cannot predict."""
    unknown = report.get("never_learnt", ())
    return sum(any(symbol in one["label"] for symbol in unknown) for one in report["mistakes"])


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
    """A low exact match even on training images, and none much lower on test images."""
    learnt = training.get("exact", 1.0)
    if report["exact"] >= GOOD or learnt >= LEARNT or _has_gap(report, learnt):
        return ""
    larger = "a larger IMAGE_HEIGHT and IMAGE_WIDTH, or " if _is_shrunk(report) else ""
    return (
        f"Exact match is only {learnt:.1%} on the training images themselves, under augmentation: train longer "
        f"(TRAIN_SECONDS, or EPOCHS and EARLY_PATIENCE), or with {larger}a larger BACKBONE."
    )


def overfitting(report: dict, training: dict) -> str:
    """A gap between the exact match on training images and on test images."""
    learnt = training.get("exact", 0.0)
    if report["exact_ci95"][1] >= GOOD or not (learnt >= LEARNT or _has_gap(report, learnt)):
        return ""
    on_training = f"{learnt:.1%} on training images, under augmentation, and " if learnt > report["exact"] else ""
    return (
        f"Exact match is {on_training}{report['exact']:.1%} on test images: more training images help. python train.py "
        f"--curve estimates how many; with them, python pack_dataset.py, {NEW_IMAGES}. DATA_ENHANCEMENT may help too."
    )


def _has_gap(report: dict, learnt: float) -> bool:
    """Whether test images are predicted much worse than training images, and not by chance."""
    return learnt - report["exact"] >= WIDE_GAP and learnt > report["exact_ci95"][1]


def _is_shrunk(report: dict) -> bool:
    """Whether images are shrunk to fit the input; only then does a larger input show more of them."""
    return report.get("shrunk", 0.0) >= SHRUNK


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
    what = f"{plural(dropped, 'character')} dropped and {added} added"
    if _is_shrunk(report):
        return (
            f"{what}: characters touch, or the input is too narrow for them. Try a larger IMAGE_WIDTH, after which "
            "python pack_dataset.py is needed again."
        )
    return f"{what}: see below whether characters touch or overlap there, and label more images in which they do."


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
    trusted = all(row["exact"] >= TRUSTED for row in report.get("reliability", ()) if row["high"] > CONFIDENT)
    if not files or not trusted:
        return ""
    mistakes = plural(len(files), "mistake has", "mistakes have")
    return f"{mistakes} a confidence of {CONFIDENT:.0%} or more. Check these labels: {list_some(files)}."


def threshold(report: dict, training: dict) -> str:
    """The confidence threshold for a target accuracy."""
    if not report["threshold"] or report["images"] < MIN_REJECTION_IMAGES:
        return ""
    target, limit, rejected, exact = (report["threshold"][key] for key in ("target", "confidence", "left", "exact"))
    return (
        f"For an accuracy of {target:.1%}, reject predictions with a confidence (overall_recognition_rate) below "
        f"{limit:.6g}, {rejected:.1%} of these images; {exact:.2%} of the others are correct."
    )


def calibration(report: dict, training: dict) -> str:
    """A large expected calibration error."""
    error = report["expected_calibration_error"]
    if error <= LARGE_CALIBRATION_ERROR or report["images"] < MIN_REJECTION_IMAGES or not report["exact"]:
        return ""
    poor = f"Confidences are poorly calibrated: the expected calibration error is {error:.0%}."
    if training.get("temperature", 1.0) != 1:
        return (
            f"{poor} They were calibrated on validation_dataset, whose images or labels are probably of another kind "
            "than those of test_dataset: python cheak_file.py shows both."
        )
    images = plural(int(training.get("val_images", 0)), "image")
    return (
        f"{poor} To calibrate, python save_model.py needs at least {FEWEST_CORRECT} correct and {FEWEST_INCORRECT} "
        f"incorrect predictions for validation_dataset, which has {images}. Add some there, then run it again."
    )


def tiny_test(report: dict, training: dict) -> str:
    """A test set that says next to nothing."""
    return _describe_interval(report) if report["images"] < FEW_IMAGES else ""


def small_test(report: dict, training: dict) -> str:
    """A test set too small for a narrow interval."""
    return _describe_interval(report) if report["images"] >= FEW_IMAGES else ""


def _describe_interval(report: dict) -> str:
    low, high = report.get("exact_ci95") or report["all_clicks_correct_ci95"]
    if high - low <= WIDE_INTERVAL or high < POOR:
        return ""
    return (
        f"With {plural(report['images'], 'test image')} the exact match may be anywhere from {low:.1%} to {high:.1%}. "
        f"About {images_for(_exact(report)):,} test images, with as large a fraction correct, would narrow this to "
        f"{100 * WIDE_INTERVAL:.0f} percentage points."
    )


def case_only(report: dict, training: dict) -> str:
    """Mistakes in nothing but upper and lower case."""
    count = round((report["exact_ignore_case"] - report["exact"]) * report["images"])
    if not count:
        return ""
    return (
        f"{plural(count, 'prediction is', 'predictions are')} wrong only in upper or lower case. If the site ignores "
        f"case, the exact match is {report['exact_ignore_case']:.2%}: set IGNORE_CASE = True and train again, since "
        "there are fewer characters to learn then."
    )


def images_for(exact: float, width: float = WIDE_INTERVAL) -> int:
    """Number of images, to two digits, of which a fraction `exact` gives a 95 % interval no wider than `width`."""

    def is_enough(images: int) -> bool:
        low, high = wilson_interval(exact * images, images)
        return high - low <= width

    fewest = bisect_left(range(MAX_IMAGES), True, lo=1, key=is_enough)
    step = 10 ** max(0, len(str(fewest)) - 2)
    return -(-fewest // step) * step


FIRST_RULES: Sequence[Rule] = (never_learnt, damaged_images)
# asked unless wrong kinds of labels or images explain most of the mistakes
TEXT_RULES: Sequence[Rule] = (
    tiny_test,
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
