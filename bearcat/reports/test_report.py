"""What test.py says of a unit: figures for programs, lines for the terminal, and a page for people."""

import time
from pathlib import Path

from PIL.Image import Image

from bearcat.cli import echo
from bearcat.core.workspace import LABEL_FOLDER, Work
from bearcat.data.box_labels import PROMPT_SUFFIX, label_file, read_prompt
from bearcat.data.codecs import Prediction
from bearcat.data.images import open_image
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_against, save_image
from bearcat.modes import MODES, Task
from bearcat.reports.box_page import boxes_page
from bearcat.reports.box_scores import all_right, badness, score_detections
from bearcat.reports.next_steps import BOX_RULES, advise
from bearcat.reports.text_page import score_page
from bearcat.reports.text_scores import score

SHOWN = 10
DRAWN = 20  # images


def report_text(work: Work, unit, damaged: list[str], items, predictions: tuple[Prediction], seconds) -> tuple:
    """Score texts or classes, and print what a person wants to know first; return the report and its page.

    `unit` is a Predict_Image, `items` are the LabelledImage that it read.
    """
    card, names = unit.recogniser.card, [item.name for item in items]
    mode, labels = MODES[card.mode], [item.label for item in items]
    report = score(names, labels, predictions, seconds, mode.symbols) | {"symbol": mode.task, "damaged": damaged}
    report["never_learnt"] = sorted(set().union(*map(mode.symbols, labels)) - set(card.characters))
    tell_result(report)
    if report["never_learnt"]:
        echo(f"Never learnt, so never read: {' '.join(report['never_learnt'])} (not in the training's labels)")
    images = {name: item.path for name, item in zip(names, items, strict=True)}
    page = score_page(report, images, advise(report, card.metrics), about(work, unit), mode.symbols)
    return report, page


def report_boxes(work: Work, unit, damaged: list[str], items, found: tuple[Detections], seconds) -> tuple:
    """Score boxes, draw the worst images into report/worst; return the report and its page."""
    card, truths, label_folder = unit.recogniser.card, [item.label for item in items], work.folder(LABEL_FOLDER)
    prompts = [read_prompt(label_file(item.path, label_folder, PROMPT_SUFFIX)) for item in items]
    report = score_detections([item.name for item in items], truths, prompts, found, seconds)
    report["damaged"] = damaged
    report["never_learnt"] = sorted({name for truth in truths for name in truth.names} - set(card.characters))
    tell_boxes(report)
    drawn = draw_worst(work.folder("report") / "worst", items, found)
    if drawn:
        echo(f"The {len(drawn)} worst lie in report/worst: true boxes green, found ones red")
    return report, boxes_page(report, drawn, advise(report, card.metrics, BOX_RULES), about(work, unit))


def about(work: Work, unit) -> list[tuple[str, str]]:
    """Return what was tested, for a page."""
    card = unit.recogniser.card
    network = f"{card.mode} with {card.backbone}, images of {card.height}×{card.width}×{card.channels}"
    fitted = (
        {
            "temperature, fitted on validation": f"{card.metrics['temperature']:.2f}",
            "confidence was off there by": f"{card.metrics['val_calibration_error']:.1%} on average",
        }
        if "temperature" in card.metrics
        else {}
    )
    lines = {"work": work.path.name, "unit": unit.name, "network": network, **fitted}
    return [*lines.items(), ("tested", time.strftime("%Y-%m-%d %H:%M"))]


def draw_worst(folder: Path, items, found: tuple[Detections]) -> list[tuple[str, Image]]:
    """Draw the images that were read worst, those of an earlier run taken away; return names and drawings."""
    for path in folder.glob("*-worst.png"):
        path.unlink()
    wrong = [pair for pair in zip(items, found, strict=True) if not all_right(pair[0].label, pair[1])]
    worst = sorted(wrong, key=lambda pair: -badness(pair[0].label, pair[1]))[:DRAWN]
    drawn = [(item.path.name, draw_against(open_image(item.path), item.label, one)) for item, one in worst]
    for number, (name, drawing) in enumerate(drawn, start=1):
        save_image(drawing, folder / f"{number:02d}-{Path(name).stem}-worst.png")
    return drawn


def tell_result(report: dict) -> None:
    """Print what a person wants to know first."""
    low, high = report["exact_ci95"]
    echo(f"{report['images']} images, exact {report['exact']:.2%} (95 % interval {low:.2%} – {high:.2%})")
    echo(f"ignoring case {report['exact_ignore_case']:.2%}, characters {report['character_accuracy']:.2%}")
    echo(f"{report['ms_per_image']['p50']:.1f} ms an image (median), {report['ms_per_image']['p99']:.1f} ms (p99)")
    for mistake in report["mistakes"][:SHOWN]:
        echo(f"  {mistake['file']}: {mistake['read']!r} read, {mistake['confidence']:.0%} sure")
    if len(report["mistakes"]) > SHOWN:
        echo(f"  … {len(report['mistakes']) - SHOWN} more in report/test.json")


def tell_boxes(report: dict) -> None:
    """Print what a person wants to know first of a detector."""
    echo(f"{report['images']} images, mAP@0.5 {report['map_50']:.2%}, mAP@0.5:0.95 {report['map_50_95']:.2%}")
    low, high = report["all_clicks_correct_ci95"]
    echo(f"every object and nothing else: {report['all_clicks_correct']:.2%} (95 % interval {low:.2%} – {high:.2%})")
    if "prompts" in report:
        low, high = report["points_correct_ci95"]
        echo(f"all points of the prompt right: {report['points_correct']:.2%} ({low:.2%} – {high:.2%})")
    echo(f"{report['ms_per_image']['p50']:.1f} ms an image (median), {report['ms_per_image']['p99']:.1f} ms (p99)")


REPORTERS = {Task.TEXT: report_text, Task.CLASSIFICATION: report_text, Task.DETECTION: report_boxes}
