"""Rules that find labels or images of a wrong kind; longer training, a larger network or more images cannot help.

A rule takes the figures of report/test.json (see `mistake_patterns`) and the training metrics of the model's card, and
returns its advice with the number of mistakes that it explains, or None if it does not apply.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bearcat.data.frames import FIRST
from bearcat.modes import Task
from bearcat.reports.html import list_some, plural

REPEATED = 3  # mistakes of a kind that are not put down to chance
FEWEST = 10  # images from which the predictions as a whole can be judged
NOTABLE = 0.1  # of the mistakes, from which a kind of them is worth a line
NEARLY_ALL = 0.9
SIGNIFICANCE = 0.05  # p-values below it are not put down to chance
CLEARLY_MORE = 3  # times as many as by chance
MOSTLY_WRONG = 0.5  # exact match below which the mistakes are the rule
EXAMPLES = 3  # of a kind of mistakes
USELESS_GAIN = 0.1  # of the way from the symbol accuracy of shuffled labels to 1
REVERSED_GAIN = 0.2  # of symbol accuracy, if labels are read backwards


class WrongKind(NamedTuple):
    """A wrong kind of labels or images.

    Args:
        advice: What was found and what to do.
        images: The number of mistakes that it explains.
    """

    advice: str
    images: int


KindRule = Callable[[dict, dict], WrongKind | None]


def find_wrong_kinds(report: dict, training: dict) -> list[WrongKind]:
    """Returns what the rules find: all kinds of mistakes, and, unless these explain most, what is wrong as a whole.

    Args:
        report: The figures of report/test.json.
        training: The metrics of the model's card.
    """
    found = [kind for rule in RULES_OF_MISTAKES if (kind := rule(report, training))]
    if not explain_most(sum(kind.images for kind in found), report):
        found += [kind for rule in RULES_OF_SETS if (kind := rule(report, training))][:1]  # the others are its result
    return found


def explain_most(images: int, report: dict) -> bool:
    """Whether a number of images is at least half of the mistakes."""
    return images > 0 and 2 * images >= len(report["mistakes"])


def reversed_labels(report: dict, training: dict) -> WrongKind | None:
    """Predictions that fit the labels much better if these are read backwards."""
    gain = report.get("reversed_accuracy", 0.0) - report["character_accuracy"]
    if report["images"] < FEWEST or gain < REVERSED_GAIN:
        return None
    return WrongKind(
        f"The predictions fit the labels better if these are read backwards ({report['character_accuracy']:.0%} of the "
        f"characters are correct, backwards {report['reversed_accuracy']:.0%}): the labels run against the direction "
        "in which the network reads. Type them in all data sets as one reads the image.",
        len(report["mistakes"]),
    )


def some_reversed_labels(report: dict, training: dict) -> WrongKind | None:
    """Predictions that are the label backwards, of labels most of which are as they should be."""
    files = report.get("reversed", ())
    if not _is_notable(files, report) or reversed_labels(report, training):
        return None
    return WrongKind(
        f"{plural(len(files), 'prediction is its label', 'predictions are their labels')} read backwards: "
        f"{_examples(files, report)}. These labels run in the other direction than the others: type all of them as one "
        "reads the image.",
        len(files),
    )


def invisible_characters(report: dict, training: dict) -> WrongKind | None:
    """Predictions that differ from the label in characters that no image shows."""
    files = report.get("invisible", ())
    if not files:
        return None
    return WrongKind(
        f"{plural(len(files), 'prediction differs from its label', 'predictions differ from their labels')} only in "
        f"characters that no image shows (blanks, zero-width or control characters, Unicode form): "
        f"{_examples(files, report)}. The model was trained on labels that had them: python pack_dataset.py --renew, "
        "python init_working_space.py, python train.py.",
        len(files),
    )


def look_alike_characters(report: dict, training: dict) -> WrongKind | None:
    """Predictions that differ from the label in characters that look alike."""
    files = report.get("look_alike", ())
    if not files:
        return None
    return WrongKind(
        f"{plural(len(files), 'prediction looks like its label', 'predictions look like their labels')}, with letters "
        f"of another script or full-width forms in one of the two ({list_some(report['look_alike_characters'])}): "
        f"{list_some(files)}. Some labels were typed with another keyboard: type them anew; python cheak_file.py lists "
        "them.",
        len(files),
    )


def lost_zeros(report: dict, training: dict) -> WrongKind | None:
    """Predictions that are the label with zeros in front."""
    files = report.get("lost_zeros", ())
    lengths = {len(one["read"]) for one in report["mistakes"] if one["file"] in files}
    if not _is_notable(files, report) or len(lengths) > 1:  # several lengths: the model adds zeros of its own
        return None
    return WrongKind(
        f"{plural(len(files), 'prediction is its label', 'predictions are their labels')} with zeros in front: "
        f"{_examples(files, report)}. A spreadsheet that takes labels for numbers drops zeros: restore them in the "
        "table, with the column as text.",
        len(files),
    )


def exchanged_labels(report: dict, training: dict) -> WrongKind | None:
    """Pairs of images of which each is predicted as the other's label."""
    pairs = report.get("exchanged", ())
    if report.get("symbol") != Task.TEXT or not pairs:
        return None
    shown = list_some([f"{one} and {other}" for one, other in pairs])
    return WrongKind(
        f"Of {plural(len(pairs), 'pair')} of images each is predicted as the other's label: {shown}. Were these labels "
        "exchanged?",
        2 * len(pairs),
    )


def shifted_labels(report: dict, training: dict) -> WrongKind | None:
    """Predictions that are the label of the image before or after by name."""
    found = report.get("neighbours", {"files": (), "expected": 0.0})
    files = found["files"]
    if report.get("symbol") != Task.TEXT or not _is_notable(files, report):
        return None
    if len(files) < CLEARLY_MORE * found["expected"]:
        return None
    return WrongKind(
        f"{len(files)} predictions are the label of the image before or after by name: {_examples(files, report)}. Are "
        "labels shifted by a line, because one is missing or given twice?",
        len(files),
    )


def blank_images(report: dict, training: dict) -> WrongKind | None:
    """Mistakes in which nothing can be seen."""
    files = report.get("blank", ())
    if not files:
        return None
    return WrongKind(
        f"{plural(len(files), 'mistake is an image', 'mistakes are images')} of one colour, in which nothing can be "
        f"seen: {list_some(files)}. Remove such images from all data sets, or download them again.",
        len(files),
    )


def single_frames(report: dict, training: dict) -> WrongKind | None:
    """Animations, of which the model sees the first frame."""
    animated = set(report.get("animated", ()))
    wrong = [one["file"] for one in report["mistakes"] if one["file"] in animated]
    if report.get("frames", FIRST) != FIRST or not _is_notable(wrong, report) or 2 * len(wrong) < len(animated):
        return None
    return WrongKind(
        f"{len(wrong)} of the {len(report['mistakes'])} mistakes are animations, of which the model sees only the "
        f"first frame: {list_some(wrong)}. If that does not show the whole text, set FRAMES (python cheak_file.py "
        "suggests a value), then python pack_dataset.py, python init_working_space.py, python train.py.",
        len(wrong),
    )


def colours_lost_in_grey(report: dict, training: dict) -> WrongKind | None:
    """Coloured images whose colours a model for grey images cannot distinguish."""
    grey = report.get("merged_in_grey")
    if not grey or grey["mistakes"] < REPEATED:
        return None
    comparable = grey["others"] >= max(FEWEST, NOTABLE * report["images"])
    if grey["p_value"] > SIGNIFICANCE if comparable else report["exact"] >= NEARLY_ALL or _is_chance(report):
        return None
    others = f" (exact match {1 - grey['mistakes_of_others'] / grey['others']:.0%} on the others)" if comparable else ""
    return WrongKind(
        f"The images are coloured, the model is grey: to it different colours look alike in "
        f"{plural(grey['images'], 'image')}, and there its exact match is {1 - grey['mistakes'] / grey['images']:.0%}"
        f"{others}. Set IMAGE_CHANNALS = 3, then python pack_dataset.py, python init_working_space.py, "
        "python train.py.",
        grey["mistakes"],
    )


def one_label(report: dict, training: dict) -> WrongKind | None:
    """Test images that all have one label."""
    if report.get("distinct_labels") != 1 or report["images"] < REPEATED:
        return None
    label = "label" if report.get("symbol") == Task.TEXT else "class"
    return WrongKind(
        f"All {report['images']:,} test images have one {label}, so these figures say nothing about what the model can "
        f"distinguish. Look at where the labels come from (file names up to the first _), or add images with another "
        f"{label} to all data sets.",
        report["images"],
    )


def labels_of_programs(report: dict, training: dict) -> WrongKind | None:
    """Labels that are running numbers, time stamps or the like, and that the model cannot learn."""
    kind = report.get("label_kind")
    if not kind or not _is_at_chance(report):
        return None
    files = [one["file"] for one in report["mistakes"]]
    return WrongKind(
        f"The labels are {kind}, and the predictions have next to nothing to do with the images: "
        f"{_examples(files, report)}. The file names probably hold no labels, or not in front: write a labels.csv, or "
        "change extraction_label in utils.py.",
        report["images"],
    )


def right_to_left(report: dict, training: dict) -> WrongKind | None:
    """Labels that are written from right to left, and that the model cannot learn."""
    if not report.get("direction") or not _is_at_chance(report):
        return None
    return WrongKind(
        "The labels are written from right to left, and the predictions have next to nothing to do with the images. "
        "Type labels as one reads them, the first letter first: packing puts them in the order of the image. A pack or "
        "a model of an earlier version lacks that: python pack_dataset.py, python init_working_space.py, python "
        "train.py.",
        report["images"],
    )


def one_prediction(report: dict, training: dict) -> WrongKind | None:
    """A model that predicts one text for nearly all images."""
    most = report.get("most_predicted", {"text": "", "images": 0})
    if most["images"] < NEARLY_ALL * report["images"] or len(report["mistakes"]) < REPEATED or not _is_chance(report):
        return None
    what = repr(most["text"]) if most["text"] else "nothing at all"
    return WrongKind(
        f"The model predicts {what} for {most['images']:,} of {report['images']:,} images: it has learnt nothing from "
        f"them. {_first_check(training)}",
        report["images"],
    )


def predictions_at_chance(report: dict, training: dict) -> WrongKind | None:
    """Predictions that would fit the labels of other images as well."""
    if not _is_at_chance(report):
        return None
    return WrongKind(
        f"The predictions have next to nothing to do with the images: they fit the labels of other images as well "
        f"({report['symbol']} accuracy {report['character_accuracy']:.0%}, with the labels in random order "
        f"{report['shuffled']['accuracy']:.0%}). {_first_check(training)}",
        report["images"],
    )


def none_correct(report: dict, training: dict) -> WrongKind | None:
    """No test image is correct, though training or validation images are."""
    if report["exact"] or max(training.get("val_exact", 0.0), training.get("exact", 0.0)) <= MOSTLY_WRONG:
        return None
    return WrongKind(f"Not one test image is predicted correctly. {_first_check(training)}", report["images"])


RULES_OF_MISTAKES: Sequence[KindRule] = (
    reversed_labels,
    some_reversed_labels,
    invisible_characters,
    look_alike_characters,
    lost_zeros,
    exchanged_labels,
    shifted_labels,
    blank_images,
    single_frames,
    colours_lost_in_grey,
)
RULES_OF_SETS: Sequence[KindRule] = (
    one_label,
    labels_of_programs,
    right_to_left,
    one_prediction,
    predictions_at_chance,
    none_correct,
)


def _is_notable(files: Sequence[str], report: dict) -> bool:
    return len(files) >= max(REPEATED, NOTABLE * len(report["mistakes"]))


def _is_chance(report: dict) -> bool:
    """Whether the predictions would fit the labels of other images as well, or nearly."""
    if report["images"] < FEWEST or "shuffled" not in report:
        return False
    shuffled = report["shuffled"]
    gain = report["character_accuracy"] - shuffled["accuracy"]
    return shuffled["p_value"] > SIGNIFICANCE or gain < USELESS_GAIN * (1 - shuffled["accuracy"])


def _is_at_chance(report: dict) -> bool:
    """The same of predictions that are mostly wrong; few images of few classes may all be correct by chance."""
    return _is_chance(report) and report["exact"] < MOSTLY_WRONG


def _examples(files: Sequence[str], report: dict) -> str:
    """Returns some of the files with label and prediction."""
    of_file = {one["file"]: one for one in report["mistakes"]}
    shown = [of_file[file] for file in files[:EXAMPLES]]
    return ", ".join(f"{one['file']} ({one['label']!r} predicted as {one['read']!r})" for one in shown)


def _first_check(training: dict) -> str:
    """Says where to look if the predictions have nothing to do with the images."""
    if training.get("val_exact", 0.0) > MOSTLY_WRONG:
        return (
            f"But {training['val_exact']:.0%} of the validation images are predicted correctly: look at the labels of "
            "test_dataset (report/check.html), and whether its images are of the same kind."
        )
    if training.get("exact", 0.0) > MOSTLY_WRONG:
        return (
            f"But {training['exact']:.0%} of the training images are predicted correctly, so it knows them by heart: "
            "their labels are not what they show (report/check.html), or they are far too few."
        )
    return (
        "Compare images and labels in report/check.html: does each image show its label, in the same direction, so "
        "that a person can read it? Only if so, train longer (TRAIN_SECONDS, or EPOCHS and EARLY_PATIENCE)."
    )
