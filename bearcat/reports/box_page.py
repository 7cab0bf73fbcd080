"""report/test.html of EFFICIENTDET: what test.json says, for a person, with drawings of the worst images."""

from collections.abc import Sequence

from PIL import Image

from bearcat.reports import html

SHOWN_CLASSES = 60


def boxes_page(
    report: dict,
    worst: Sequence[tuple[str, Image.Image]],
    advice: Sequence[str],
    about: Sequence[tuple[str, str]],
) -> str:
    """Return the page of a report; `worst` holds the files' names and drawings, `about` says what was tested."""
    low, high = report["all_clicks_correct_ci95"]
    lead = (
        f"In {report['all_clicks_correct']:.2%} of {report['images']:,} images that the unit had not seen it found "
        f"every object and nothing else. With 95 % certainty it does in {low:.1%} to {high:.1%} of all such images."
    )
    sections = [
        html.section("What to do next", html.listing(advice)),
        html.section("In numbers", html.table(("figure", "value"), [*figures(report), *about])),
        html.section("The worst images", *show_worst(report, worst)),
        html.section("By class", *show_classes(report)),
    ]
    return html.page(f"How well {dict(about).get('work', 'the unit')} finds", lead, sections)


def figures(report: dict) -> list[tuple[str, str]]:
    """Return the figures with their names in words."""
    speed, rows = report["ms_per_image"], []
    if "prompts" in report:
        low, high = report["points_correct_ci95"]
        share = f"{report['points_correct']:.2%} of {report['prompts']:,} (95 % interval {low:.1%} – {high:.1%})"
        rows.append(("all points of the prompt right and in order", share))
    return [
        *rows,
        ("every object and nothing else", f"{report['all_clicks_correct']:.2%}"),
        ("mAP@0.5 (boxes that overlap half with the true ones)", f"{report['map_50']:.2%}"),
        ("mAP@0.5:0.95 (boxes that fit closely)", f"{report['map_50_95']:.2%}"),
        ("mistakes", f"{len(report['mistakes']):,} of {report['images']:,} images"),
        ("time an image", f"{speed['p50']:.1f} ms (median), {speed['p99']:.1f} ms (the slowest hundredth)"),
    ]


def show_worst(report: dict, worst: Sequence[tuple[str, Image.Image]]) -> list[object]:
    """Return a gallery of the drawings."""
    if not worst:
        return ["There are none."]
    cards = [html.card(html.image(drawing, file, (640, 640)), html.code(file)) for file, drawing in worst]
    return [
        f"{len(cards)} of {len(report['mistakes']):,} images with a mistake, the worst first. Green: the label's "
        "boxes, named below. Red: what was found, with its score.",
        html.gallery(cards, wide=True),
    ]


def show_classes(report: dict) -> list[object]:
    """Return a table of the classes, the worst first."""
    classes = sorted(report["per_class"].items(), key=lambda item: (item[1]["ap_50"], -item[1]["objects"]))
    rows = [
        (html.code(name), row["objects"], html.bar(row["ap_50"], f"{row['ap_50']:.1%}"), f"{row['ap_50_95']:.1%}")
        for name, row in classes[:SHOWN_CLASSES]
    ]
    cut = f" ({SHOWN_CLASSES} of {len(classes)})" * (len(classes) > SHOWN_CLASSES)
    said = (
        "The average precision of each class: 100 % where all its objects are found, and are surer than what is none."
    )
    return [f"{said} The worst first{cut}.", html.table(("class", "objects", "AP@0.5", "AP@0.5:0.95"), rows)]
