"""report/test.html of texts and classes: what to do next, figures, mistakes as images, confusions, confidence."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from bearcat.artifacts.calibration import MIN_REJECTION_IMAGES
from bearcat.core.intervals import wilson_interval
from bearcat.modes import Task
from bearcat.reports import html
from bearcat.reports.attention import StripDrawer, draw_image
from bearcat.reports.html import plural
from bearcat.reports.text_scores import align

SHOWN_MISTAKES = 60
SHOWN_ROWS = 40


def render_text_page(
    report: dict,
    paths: Mapping[str, Path],
    advice: Sequence[str],
    about: Sequence[tuple[str, str]],
    symbols_of: Callable[[str], Sequence[str]] = tuple,
    strips: StripDrawer | None = None,
) -> str:
    """Returns the page.

    Args:
        report: The figures of report/test.json.
        paths: The file of each image.
        advice: What to do next.
        about: Names and values that say what was tested.
        symbols_of: Splits a text into characters, or a class into itself.
        strips: Draws the images of the mistakes.
    """
    low, high = report["exact_ci95"]
    lead = (
        f"Exact match: {report['exact']:.2%} of {report['images']:,} images that the model has not seen "
        f"(95 % interval: {low:.1%} to {high:.1%})."
    )
    sections = [
        html.section("What to do next", html.listing(advice)),
        html.section("Figures", html.table(("figure", "value"), [*_figures(report), *about])),
        html.section("Mistakes", *_mistakes(report, paths, symbols_of, strips)),
        html.section("Where the mistakes are", html.side_by_side(*_breakdowns(report))),
        html.section("Confidence", *_confidence(report)),
    ]
    return html.page(f"Test of {dict(about).get('work', 'the model')}", lead, sections)


def _figures(report: dict) -> list[tuple[str, str]]:
    latency = report["ms_per_image"]
    rows = [
        ("exact match", f"{report['exact']:.2%}"),
        ("exact match ignoring case", f"{report['exact_ignore_case']:.2%}"),
        (f"{report['symbol']} accuracy", f"{report['character_accuracy']:.2%}"),
        ("mistakes", f"{len(report['mistakes']):,} of {report['images']:,} images"),
        ("time per image", f"{latency['p50']:.1f} ms (median), {latency['p99']:.1f} ms (99th percentile)"),
    ]
    if "sums" in report:
        rows.append(("answers of sums correct", f"{report['answers_exact']:.2%} of {report['sums']:,}"))
    return [*rows, *_confidence_figures(report)] if _judges_confidence(report) else rows


def _judges_confidence(report: dict) -> bool:
    """Whether there are enough images for figures of confidence that are more than chance."""
    return report["images"] >= MIN_REJECTION_IMAGES


def _confidence_figures(report: dict) -> list[tuple[str, str]]:
    rejection = report["withheld"]
    return [
        (
            f"error rate with the least confident {rejection['share']:.0%} rejected",
            f"{rejection['error_of_rest']:.2%} instead of {rejection['error']:.2%} "
            f"({rejection['images']:,} rejected, with a confidence below {rejection['confidence']:.6f})",
        ),
        ("expected calibration error", f"{report['expected_calibration_error']:.1%}"),
    ]


def _breakdowns(report: dict) -> list[Markup]:
    """Tables of accuracy by symbol and by length, and of confusions."""
    symbol, by_symbol, confusions = report["symbol"], report["by_character"], report["confusions"]
    symbol_rows = [
        (html.code(name), row["count"], _bar_with_interval(row["right"], row["count"]))
        for name, row in by_symbol.items()
    ]
    confusion_rows = [(_symbol(true), _symbol(predicted), count) for true, predicted, count in confusions]
    symbol_caption = _caption(f"By {symbol}", len(symbol_rows), "worst first")
    confusion_caption = _caption("Confusions", len(confusion_rows), "most frequent first")
    tables = [html.table((symbol, "in labels", "correct"), symbol_rows[:SHOWN_ROWS], symbol_caption)]
    if confusion_rows:
        tables.append(html.table(("label", "predicted", "times"), confusion_rows[:SHOWN_ROWS], confusion_caption))
    if symbol != Task.TEXT:
        return tables
    length_rows = [
        (int(length), row["images"], _bar_with_interval(row["exact"], row["images"]))
        for length, row in sorted(report["by_length"].items(), key=lambda item: int(item[0]))
    ]
    return [*tables, html.table(("characters", "images", "exact match"), length_rows, "By length of the label")]


def _bar_with_interval(fraction: float, count: int) -> Markup:
    low, high = wilson_interval(round(fraction * count), count)
    return html.bar(fraction, f"{fraction:.1%} ({low:.0%} – {high:.0%})")


def _symbol(symbol: str) -> Markup:
    return html.code(symbol) if symbol else html.NOTHING


def _caption(name: str, count: int, order: str) -> str:
    return f"{name}, {order}" + (f" ({SHOWN_ROWS} of {count})" if count > SHOWN_ROWS else "")


def _confidence(report: dict) -> list[Markup | str]:
    """Reliability diagram, and accuracy by coverage."""
    if not _judges_confidence(report):
        return [
            f"Figures of how reliable the confidences are, and of what rejecting the lowest gains, need at least "
            f"{MIN_REJECTION_IMAGES} test images; {plural(report['images'], 'is', 'are')} too few."
        ]
    from bearcat.reports.plots import draw_coverage, draw_reliability

    rows = [
        (f"{row['left']:.0%}", row["images"], f"{row['confidence']:.6f}", f"{row['exact']:.2%}")
        for row in report["coverage"]
    ]
    return [
        "Left: exact match of the predictions in each range of confidence; the small numbers count their images. Bars "
        "that end on the dashed line mean well calibrated confidences. Right and below: exact match of the remaining "
        "predictions if those with the lowest confidence are rejected, for example to be checked by a person.",
        html.side_by_side(
            html.figure(draw_reliability(report["reliability"]), "reliability diagram"),
            html.figure(draw_coverage(report["coverage"]), "exact match of the rest by fraction rejected"),
        ),
        html.table(("rejected", "images answered", "lowest confidence", "exact match"), rows),
    ]


def _mistakes(
    report: dict, paths: Mapping[str, Path], symbols_of: Callable, strips: StripDrawer | None
) -> list[Markup | str]:
    mistakes = sorted(report["mistakes"], key=lambda one: (-one["confidence"], one["file"]))
    if not mistakes:
        return ["There are none."]
    draw = strips.draw if strips else draw_image
    cards = [_card(one, draw(one, paths[one["file"]]), symbols_of) for one in mistakes[:SHOWN_MISTAKES]]
    count = f"{SHOWN_MISTAKES} of {len(mistakes):,}" if len(mistakes) > SHOWN_MISTAKES else "All mistakes"
    return [
        f"{count}, highest confidence first. Red: wrong in the prediction; green: what the label has there instead. If "
        "the image shows what was predicted, the label is wrong: correct it.",
        *([strips.legend] if strips and strips.legend else []),
        html.gallery(cards),
    ]


def _card(mistake: dict, drawn: Markup, symbols_of: Callable) -> Markup:
    predicted = symbols_of(mistake["read"]) if mistake["read"] else ()
    pairs = align(symbols_of(mistake["label"]), predicted)
    label, prediction = ([(pair[side], pair[0] != pair[1]) for pair in pairs if pair[side]] for side in (0, 1))
    return html.card(
        drawn,
        Markup("label {}").format(html.marked(label, is_true=True)),
        Markup("predicted {}").format(html.marked(prediction) if prediction else html.NOTHING),
        f"confidence {mistake['confidence']:.1%}",
        html.code(mistake["file"]),
    )
