"""Comparison of two models on the same images: which has more exact matches, and whether chance explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from bearcat.core.errors import ArtifactError
from bearcat.core.intervals import wilson_interval
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.data.labels.reading import LabelledImage
from bearcat.modes import MODES, Task
from bearcat.reports import html
from bearcat.reports.box_scores import is_exact_match
from bearcat.reports.test_report import EvaluatedImage, Predictor, predict_all

SIGNIFICANCE = 0.05  # p-values below it are not put down to chance
SHOWN = 60  # images
COUNTED = ("both_right", "only_first", "only_second", "both_wrong")


@dataclass(frozen=True)
class Comparison:
    """Result of a comparison.

    Args:
        figures: What report/compare.json holds.
        lines: What a terminal shows.
        page: What report/compare.html holds.
    """

    figures: dict
    lines: list[str]
    page: str


def check_comparable(predictors: Sequence[Predictor]) -> None:
    """Raises ArtifactError if one model detects objects, or ignores case, and the other does not."""
    modes = [predictor.recogniser.card.mode for predictor in predictors]
    if len({MODES[mode].task is Task.DETECTION for mode in modes}) > 1:
        raise ArtifactError(
            f"--compare names models of {' and '.join(modes)}: one detects objects and the other does not"
        )
    if len({predictor.recogniser.card.ignore_case for predictor in predictors}) > 1:
        raise ArtifactError(
            "--compare names models of which one was trained with IGNORE_CASE = True and the other was not: their "
            "answers to the same image differ in case. Train both alike"
        )


def compare_models(names: Sequence[str], predictors: Sequence[Predictor], data: Sequence[LabelledImage]) -> Comparison:
    """Compares two models on the same labelled images; damaged images are skipped.

    Args:
        names: What to call the models.
        predictors: The models, of the same task.
        data: The images.
    """
    tested = [predict_all(predictor, data)[0] for predictor in predictors]
    items = [one.item for one in tested[0]]
    files = [item.name for item in items]
    labels = [item.label if isinstance(item.label, str) else " ".join(item.label.names) for item in items]
    texts = [[one.prediction.text for one in row] for row in tested]
    correct = [list(map(_is_correct, row)) for row in tested]
    figures = compare_predictions(names, files, labels, texts, correct)
    lines = [
        "{}: exact match {:.2%} (95 % interval {:.2%} – {:.2%})".format(row["unit"], row["exact"], *row["exact_ci95"])
        for row in figures["units"]
    ]
    paths = {item.name: item.path for item in items}
    return Comparison(figures, [*lines, figures["verdict"]], render_comparison(figures, paths))


def _is_correct(one: EvaluatedImage) -> bool:
    label = one.item.label
    return one.prediction.text == label if isinstance(label, str) else is_exact_match(label, one.prediction)


def compare_predictions(
    names: Sequence[str],
    files: Sequence[str],
    labels: Sequence[str],
    texts: Sequence[Sequence[str]],
    correct: Sequence[Sequence[bool]],
) -> dict:
    """Returns the figures of report/compare.json.

    Args:
        names: What to call the two models.
        files: Names of the images.
        labels: Their labels.
        texts: What each model predicts for them.
        correct: Whether that is an exact match.
    """
    rows = [
        {"unit": name, "exact": sum(row) / len(row), "exact_ci95": list(wilson_interval(sum(row), len(row)))}
        for name, row in zip(names, correct, strict=True)
    ]
    tested = mcnemar(*correct)
    differing = [
        {"file": file, "label": label, "read": [first, second], "right": [first_hit, second_hit]}
        for file, label, first, second, first_hit, second_hit in zip(files, labels, *texts, *correct, strict=True)
        if first_hit != second_hit
    ]
    return {
        "images": len(files),
        "units": rows,
        **tested,
        "verdict": describe_difference(names, tested),
        "differing": differing,
    }


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> dict:
    """McNemar's exact test (two-sided) of two models on the same images.

    Only images on which exactly one model is correct count; of two equally good models each would win half of these.

    Returns:
        The number of images on which both, one or none is correct, and p_value.
    """
    pairs = list(zip(first, second, strict=True))
    counts = {
        "both_right": pairs.count((True, True)),
        "only_first": pairs.count((True, False)),
        "only_second": pairs.count((False, True)),
        "both_wrong": pairs.count((False, False)),
    }
    differing = counts["only_first"] + counts["only_second"]
    from scipy.stats import binomtest  # heavy, and not needed by most steps

    p_value = float(binomtest(counts["only_first"], differing).pvalue) if differing else 1.0
    return counts | {"p_value": p_value}


def describe_difference(names: Sequence[str], tested: Mapping) -> str:
    """Says which model is better, if the test shows a difference.

    Args:
        names: What to call the two models.
        tested: The result of `mcnemar`.
    """
    first, second, p_value = tested["only_first"], tested["only_second"], tested["p_value"]
    if not first + second:
        return f"No difference: {names[0]} and {names[1]} are correct on the same {tested['both_right']} images."
    if p_value >= SIGNIFICANCE:
        return (
            f"No significant difference: only {names[0]} is correct on {first} images, only {names[1]} on {second} "
            f"(p = {p_value:.3f}). More test images may show one."
        )
    better, worse = (names[0], names[1]) if first > second else (names[1], names[0])
    return (
        f"{better} is better: only {better} is correct on {max(first, second)} images, only {worse} on "
        f"{min(first, second)}; chance alone rarely gives such a difference (p = {p_value:.2g})."
    )


def render_comparison(figures: dict, paths: Mapping[str, Path]) -> str:
    """Returns report/compare.html; `paths` holds the file of each image."""
    names = [row["unit"] for row in figures["units"]]
    rows = [
        (row["unit"], html.bar(row["exact"], f"{row['exact']:.2%}"), "{:.1%} – {:.1%}".format(*row["exact_ci95"]))
        for row in figures["units"]
    ]
    meanings = ("both correct", f"only {names[0]} correct", f"only {names[1]} correct", "none correct")
    counts = [(meaning, figures[key]) for meaning, key in zip(meanings, COUNTED, strict=True)]
    cards = [_card(one, names, paths[one["file"]]) for one in figures["differing"][:SHOWN]]
    sections = [
        html.section(
            "Exact match",
            html.table(("model", "exact match", "95 % interval"), rows),
            html.table((f"of {figures['images']:,} images", "number"), counts),
            f"McNemar's exact test: p = {figures['p_value']:.3g}, the probability that two equally good models "
            "differ at least this much on these images.",
        ),
        html.section(f"Images on which only one is correct ({len(figures['differing'])})", html.gallery(cards)),
    ]
    return html.page(" and ".join(names), figures["verdict"], sections)


def _card(one: dict, names: Sequence[str], path: Path) -> Markup:
    label = Markup("label {}").format(html.marked([(one["label"], False)]))
    lines = [
        Markup("{} {}").format(name, html.marked([(text, not hit)]) if text else html.NOTHING)
        for name, text, hit in zip(names, one["read"], one["right"], strict=True)
    ]
    return html.card(html.image(open_image(path, SPREAD), one["label"]), label, *lines, html.code(one["file"]))
