"""report/test.html of EFFICIENTDET: what to do next, figures, drawings of the worst images, average precision."""

from collections.abc import Sequence

from markupsafe import Markup
from PIL import Image

from bearcat.reports import html

SHOWN_CLASSES = 60


def render_box_page(
    report: dict,
    worst: Sequence[tuple[str, Image.Image]],
    advice: Sequence[str],
    about: Sequence[tuple[str, str]],
) -> str:
    """Returns the page.

    Args:
        report: The figures of report/test.json.
        worst: File names and drawings of the images with most errors.
        advice: What to do next.
        about: Names and values that say what was tested.
    """
    low, high = report["all_clicks_correct_ci95"]
    lead = (
        f"Exact match: in {report['all_clicks_correct']:.2%} of {report['images']:,} images that the model has not "
        f"seen it detects every object and nothing else (95 % interval: {low:.1%} to {high:.1%})."
    )
    sections = [
        html.section("What to do next", html.listing(advice)),
        html.section("Figures", html.table(("figure", "value"), [*_figures(report), *about])),
        html.section("Worst images", *_worst_images(report, worst)),
        html.section("By class", *_classes(report)),
    ]
    return html.page(f"Test of {dict(about).get('work', 'the model')}", lead, sections)


def _figures(report: dict) -> list[tuple[str, str]]:
    latency, rows = report["ms_per_image"], []
    if "prompts" in report:
        low, high = report["points_correct_ci95"]
        value = f"{report['points_correct']:.2%} of {report['prompts']:,} (95 % interval {low:.1%} – {high:.1%})"
        rows.append(("all points of the prompt correct and in order", value))
    return [
        *rows,
        ("exact match (every object and nothing else)", f"{report['all_clicks_correct']:.2%}"),
        ("mAP@0.5", f"{report['map_50']:.2%}"),
        ("mAP@0.5:0.95 (stricter: boxes must fit closely)", f"{report['map_50_95']:.2%}"),
        ("mistakes", f"{len(report['mistakes']):,} of {report['images']:,} images"),
        ("time per image", f"{latency['p50']:.1f} ms (median), {latency['p99']:.1f} ms (99th percentile)"),
    ]


def _worst_images(report: dict, worst: Sequence[tuple[str, Image.Image]]) -> list[Markup | str]:
    if not worst:
        return ["There are none."]
    cards = [html.card(html.image(drawing, file, (640, 640)), html.code(file)) for file, drawing in worst]
    return [
        f"{len(cards)} of {len(report['mistakes']):,} images with a mistake, most errors first. Green: boxes of the "
        "label, with the name below. Red: detected objects with their confidence.",
        html.gallery(cards, wide=True),
    ]


def _classes(report: dict) -> list[Markup | str]:
    classes = sorted(report["per_class"].items(), key=lambda item: (item[1]["ap_50"], -item[1]["objects"]))
    rows = [
        (html.code(name), row["objects"], html.bar(row["ap_50"], f"{row['ap_50']:.1%}"), f"{row['ap_50_95']:.1%}")
        for name, row in classes[:SHOWN_CLASSES]
    ]
    cut = f" ({SHOWN_CLASSES} of {len(classes)})" if len(classes) > SHOWN_CLASSES else ""
    text = (
        "Average precision of each class: 100 % if all its objects are detected with a higher confidence than any "
        f"false detection. Worst first{cut}."
    )
    return [text, html.table(("class", "objects", "AP@0.5", "AP@0.5:0.95"), rows)]
