"""Step 10: score the trained unit on pictures that it has not seen, exactly as the service would answer them.

Reads:  test_dataset, App_model
Writes: report/test.json; EFFICIENTDET: report/worst, drawings of the worst pictures
Next:   python app.py
"""

import time
from pathlib import Path

from bearcat.annotations import LabelledImage
from bearcat.command_line import Step, make_parser, open_step, run, tell
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_against, save_picture
from bearcat.detection.scoring import all_right, badness, score_detections
from bearcat.errors import DataError, ImageError
from bearcat.images import open_image
from bearcat.label_codecs import CODECS, Reading
from bearcat.progress import show_progress
from bearcat.scoring import score
from bearcat.voc import PROMPT_SUFFIX, label_file, read_prompt
from bearcat.workspace import LABEL_FOLDER
from utils import Predict_Image, read_data

SHOWN = 10
DRAWN = 20  # pictures


def main() -> None:
    """Read every test picture and report."""
    step = open_step(make_parser(__doc__))
    unit = Predict_Image(step.work.folder("App_model"), step.settings.MODEL_NAME)
    mode = unit.recogniser.card.mode
    data = read_data(step.work, "test", mode)
    read, damaged = read_all(unit, data)
    if not read:
        raise DataError(f"not one picture in {step.work.data_folder('test')} could be read:\n{damaged[0]}")
    report = REPORTERS[CODECS[mode].unit](step, unit, *zip(*read, strict=True))
    step.write_report("test", report | {"damaged": damaged, "unit": unit.name})
    for line in damaged[:SHOWN]:
        tell(f"Left out: {line}")
    step.next("python app.py", "serve it")


def read_all(unit: Predict_Image, data: list[LabelledImage]) -> tuple[list[tuple], list[str]]:
    """Return (file, label, reading, seconds) of every picture, and the damaged ones in words."""
    read, damaged = [], []
    for item in show_progress(data, len(data), "testing"):
        started = time.perf_counter()
        try:
            reading: Reading = unit.predict(item.path)
        except ImageError as error:
            damaged.append(str(error))
            continue
        read.append((item, reading, time.perf_counter() - started))
    return read, damaged


def report_text(step: Step, unit: Predict_Image, items, readings: tuple[Reading], seconds: tuple[float]) -> dict:
    """Score texts or classes, and print what a person wants to know first."""
    card, files = unit.recogniser.card, [item.name for item in items]
    labels, symbols_of = [item.label for item in items], CODECS[card.mode].symbols
    report = score(files, labels, readings, seconds, symbols_of)
    tell_result(report)
    strangers = sorted(set().union(*map(symbols_of, labels)) - set(card.characters))
    if strangers:
        tell(f"Never learnt, so never read: {' '.join(strangers)} (not in the training's labels)")
    return report


def report_boxes(step: Step, unit: Predict_Image, items, found: tuple[Detections], seconds: tuple[float]) -> dict:
    """Score boxes, draw the worst pictures into report/worst, and print what a person wants to know first."""
    truths, label_folder = [item.label for item in items], step.work.folder(LABEL_FOLDER)
    prompts = [read_prompt(label_file(item.path, label_folder, PROMPT_SUFFIX)) for item in items]
    report = score_detections([item.name for item in items], truths, prompts, found, seconds)
    tell(f"{report['images']} pictures, mAP@0.5 {report['map_50']:.2%}, mAP@0.5:0.95 {report['map_50_95']:.2%}")
    low, high = report["all_clicks_correct_ci95"]
    tell(f"every object and nothing else: {report['all_clicks_correct']:.2%} (95 % interval {low:.2%} – {high:.2%})")
    if "prompts" in report:
        low, high = report["points_correct_ci95"]
        tell(f"all points of the prompt right: {report['points_correct']:.2%} ({low:.2%} – {high:.2%})")
    tell(f"{report['ms_per_image']['p50']:.1f} ms a picture (median), {report['ms_per_image']['p99']:.1f} ms (p99)")
    drawn = draw_worst(step.work.folder("report") / "worst", items, found)
    if drawn:
        tell(f"The {drawn} worst lie in report/worst: true boxes green, found ones red")
    return report


def draw_worst(folder: Path, items, found: tuple[Detections]) -> int:
    """Draw the pictures that were read worst, those of an earlier run taken away; return how many."""
    for path in folder.glob("*-worst.png"):
        path.unlink()
    wrong = [pair for pair in zip(items, found, strict=True) if not all_right(pair[0].label, pair[1])]
    worst = sorted(wrong, key=lambda pair: -badness(pair[0].label, pair[1]))[:DRAWN]
    for number, (item, detections) in enumerate(worst, start=1):
        drawing = draw_against(open_image(item.path), item.label, detections)
        save_picture(drawing, folder / f"{number:02d}-{item.path.stem}-worst.png")
    return len(worst)


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


if __name__ == "__main__":
    run(main)
