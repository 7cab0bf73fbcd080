"""Step 10: score the trained unit on pictures that it has not seen, exactly as the service would answer them.

Reads:  test_dataset, App_model
Writes: report/test.json, report/test.html; EFFICIENTDET: report/worst, drawings of the worst pictures;
        --compare: report/compare.json, report/compare.html
Next:   python app.py
"""

import sys
import time
from pathlib import Path

from PIL.Image import Image

from bearcat.advice import advise
from bearcat.annotations import LabelledImage
from bearcat.command_line import Step, make_parser, open_step, run, tell
from bearcat.comparison import compare, comparison_page
from bearcat.configuration import load_settings
from bearcat.detection.advice import BOX_RULES
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_against, save_picture
from bearcat.detection.report import boxes_page
from bearcat.detection.scoring import all_right, badness, score_detections
from bearcat.errors import ArtifactError, DataError, ImageError
from bearcat.html_report import write_page
from bearcat.images import open_image
from bearcat.label_codecs import CODECS, Reading
from bearcat.progress import show_progress
from bearcat.score_report import score_page
from bearcat.scoring import score
from bearcat.voc import PROMPT_SUFFIX, label_file, read_prompt
from bearcat.workspace import LABEL_FOLDER, ROOT, Work, find_work
from utils import Predict_Image, read_data

SHOWN = 10
DRAWN = 20  # pictures


def main() -> None:
    """Read every test picture and report; or have two units read them."""
    step = open_test()
    if step.arguments.compare:
        return compare_works(step, [find_work(name) for name in step.arguments.compare])
    unit = Predict_Image(step.work.folder("App_model"), step.settings.MODEL_NAME)
    mode = unit.recogniser.card.mode
    read, damaged = read_all(unit, test_data(step, mode))
    report, page = REPORTERS[CODECS[mode].unit](step, unit, damaged, *zip(*read, strict=True))
    step.write_report("test", report | {"unit": unit.name})
    write_page(step.work.folder("report") / "test.html", page)
    for line in damaged[:SHOWN]:
        tell(f"Left out: {line}")
    tell("All of it, with the mistakes as pictures and what to do next: report/test.html")
    step.next("python app.py", "serve it")


def open_test() -> Step:
    """Return the step; units are compared on the first one's test set unless --work names another."""
    parser = make_parser(__doc__)
    words = "two works whose units read the same test set (that of --work, else of WORK_A)"
    parser.add_argument("--compare", nargs=2, metavar=("WORK_A", "WORK_B"), help=words)
    compared = parser.parse_args().compare
    return open_step(parser, [*(["--work", compared[0]] if compared else []), *sys.argv[1:]])


def test_data(step: Step, mode: str) -> list[LabelledImage]:
    """Return the test pictures with their labels."""
    return read_data(step.work, "test", mode)


def read_all(unit: Predict_Image, data: list[LabelledImage]) -> tuple[list[tuple], list[str]]:
    """Return (item, reading, seconds) of every picture, and the damaged ones in words; raise DataError if all are."""
    read, damaged = [], []
    for item in show_progress(data, len(data), f"testing {unit.name}"):
        started = time.perf_counter()
        try:
            reading: Reading = unit.predict(item.path)
        except ImageError as error:
            damaged.append(str(error))
            continue
        read.append((item, reading, time.perf_counter() - started))
    if not read:
        raise DataError(f"not one picture in {data[0].path.parent} could be read:\n{damaged[0]}")
    return read, damaged


def report_text(step: Step, unit: Predict_Image, damaged: list[str], items, readings: tuple[Reading], seconds) -> tuple:
    """Score texts or classes, and print what a person wants to know first; return the report and its page."""
    card, names = unit.recogniser.card, [item.name for item in items]
    codec, labels = CODECS[card.mode], [item.label for item in items]
    report = score(names, labels, readings, seconds, codec.symbols) | {"symbol": codec.unit, "damaged": damaged}
    report["never_learnt"] = sorted(set().union(*map(codec.symbols, labels)) - set(card.characters))
    tell_result(report)
    if report["never_learnt"]:
        tell(f"Never learnt, so never read: {' '.join(report['never_learnt'])} (not in the training's labels)")
    pictures = {name: item.path for name, item in zip(names, items, strict=True)}
    page = score_page(report, pictures, advise(report, card.metrics), about(step, unit), codec.symbols)
    return report, page


def report_boxes(
    step: Step, unit: Predict_Image, damaged: list[str], items, found: tuple[Detections], seconds
) -> tuple:
    """Score boxes, draw the worst pictures into report/worst; return the report and its page."""
    card, truths, label_folder = unit.recogniser.card, [item.label for item in items], step.work.folder(LABEL_FOLDER)
    prompts = [read_prompt(label_file(item.path, label_folder, PROMPT_SUFFIX)) for item in items]
    report = score_detections([item.name for item in items], truths, prompts, found, seconds)
    report["damaged"] = damaged
    report["never_learnt"] = sorted({name for truth in truths for name in truth.names} - set(card.characters))
    tell_boxes(report)
    drawn = draw_worst(step.work.folder("report") / "worst", items, found)
    if drawn:
        tell(f"The {len(drawn)} worst lie in report/worst: true boxes green, found ones red")
    return report, boxes_page(report, drawn, advise(report, card.metrics, BOX_RULES), about(step, unit))


def about(step: Step, unit: Predict_Image) -> list[tuple[str, str]]:
    """Return what was tested, for a page."""
    card = unit.recogniser.card
    network = f"{card.mode} with {card.backbone}, pictures of {card.height}×{card.width}×{card.channels}"
    fitted = (
        {
            "temperature, fitted on validation": f"{card.metrics['temperature']:.2f}",
            "confidence was off there by": f"{card.metrics['val_calibration_error']:.1%} on average",
        }
        if "temperature" in card.metrics
        else {}
    )
    lines = {"work": step.work.path.name, "unit": unit.name, "network": network, **fitted}
    return [*lines.items(), ("tested", time.strftime("%Y-%m-%d %H:%M"))]


def draw_worst(folder: Path, items, found: tuple[Detections]) -> list[tuple[str, Image]]:
    """Draw the pictures that were read worst, those of an earlier run taken away; return names and drawings."""
    for path in folder.glob("*-worst.png"):
        path.unlink()
    wrong = [pair for pair in zip(items, found, strict=True) if not all_right(pair[0].label, pair[1])]
    worst = sorted(wrong, key=lambda pair: -badness(pair[0].label, pair[1]))[:DRAWN]
    drawn = [(item.path.name, draw_against(open_image(item.path), item.label, one)) for item, one in worst]
    for number, (name, drawing) in enumerate(drawn, start=1):
        save_picture(drawing, folder / f"{number:02d}-{Path(name).stem}-worst.png")
    return drawn


REPORTERS = {"character": report_text, "class": report_text, "box": report_boxes}


def tell_result(report: dict) -> None:
    """Print what a person wants to know first."""
    low, high = report["exact_ci95"]
    tell(f"{report['images']} pictures, exact {report['exact']:.2%} (95 % interval {low:.2%} – {high:.2%})")
    tell(f"ignoring case {report['exact_ignore_case']:.2%}, characters {report['character_accuracy']:.2%}")
    tell(f"{report['ms_per_image']['p50']:.1f} ms a picture (median), {report['ms_per_image']['p99']:.1f} ms (p99)")
    for mistake in report["mistakes"][:SHOWN]:
        tell(f"  {mistake['file']}: {mistake['read']!r} read, {mistake['confidence']:.0%} sure")
    if len(report["mistakes"]) > SHOWN:
        tell(f"  … {len(report['mistakes']) - SHOWN} more in report/test.json")


def tell_boxes(report: dict) -> None:
    """Print what a person wants to know first of a detector."""
    tell(f"{report['images']} pictures, mAP@0.5 {report['map_50']:.2%}, mAP@0.5:0.95 {report['map_50_95']:.2%}")
    low, high = report["all_clicks_correct_ci95"]
    tell(f"every object and nothing else: {report['all_clicks_correct']:.2%} (95 % interval {low:.2%} – {high:.2%})")
    if "prompts" in report:
        low, high = report["points_correct_ci95"]
        tell(f"all points of the prompt right: {report['points_correct']:.2%} ({low:.2%} – {high:.2%})")
    tell(f"{report['ms_per_image']['p50']:.1f} ms a picture (median), {report['ms_per_image']['p99']:.1f} ms (p99)")


def compare_works(step: Step, works: list[Work]) -> None:
    """Have the units of two works read the same pictures; print and write which is better, if that can be said."""
    units = [open_unit(work, step.arguments.set) for work in works]
    kinds = {CODECS[unit.recogniser.card.mode].unit == "box" for unit in units}
    if len(kinds) > 1:
        modes = " and ".join(unit.recogniser.card.mode for unit in units)
        raise ArtifactError(f"--compare names units of {modes}: one finds boxes and the other does not")
    data = test_data(step, units[0].recogniser.card.mode)
    read = [{item.path: (item, reading) for item, reading, _ in read_all(unit, data)[0]} for unit in units]
    items = [item for item, _ in read[0].values()]
    readings = [[reading for _, reading in of_unit.values()] for of_unit in read]
    right = [[is_right(item, one) for item, one in zip(items, row, strict=True)] for row in readings]
    labels = [item.label if isinstance(item.label, str) else " ".join(item.label.names) for item in items]
    texts = [[one.text for one in row] for row in readings]
    names = [item.name for item in items]
    report = compare([work.path.name for work in works], names, labels, texts, right)
    for row in report["units"]:
        tell("{}: exact {:.2%} (95 % interval {:.2%} – {:.2%})".format(row["unit"], row["exact"], *row["exact_ci95"]))
    tell(report["verdict"])
    step.write_report("compare", report)
    page = comparison_page(report, dict(zip(names, (item.path for item in items), strict=True)))
    write_page(step.work.folder("report") / "compare.html", page)
    step.next("python app.py --work …", "serve the better one; report/compare.html shows where they differ")


def open_unit(work: Work, overrides: list[str]) -> Predict_Image:
    """Return the unit of a work."""
    return Predict_Image(
        work.folder("App_model"), load_settings(ROOT / "settings.py", work.settings_file, overrides).MODEL_NAME
    )


def is_right(item: LabelledImage, reading: Reading | Detections) -> bool:
    """Tell whether a picture was read exactly right."""
    return reading.text == item.label if isinstance(item.label, str) else all_right(item.label, reading)


if __name__ == "__main__":
    run(main)
