"""Step 10: score the trained unit on pictures that it has not seen, exactly as the service would answer them.

Reads:  test_dataset, App_model
Writes: report/test.json
Next:   python app.py
"""

import time

from bearcat.annotations import LabelledImage
from bearcat.command_line import make_parser, open_step, run, tell
from bearcat.errors import DataError, ImageError
from bearcat.label_codecs import CODECS, Reading
from bearcat.progress import show_progress
from bearcat.scoring import score
from utils import Image_Processing, Predict_Image

SHOWN = 10


def main() -> None:
    """Read every test picture and report."""
    step = open_step(make_parser(__doc__))
    unit = Predict_Image(step.work.folder("App_model"), step.settings.MODEL_NAME)
    data = Image_Processing.extraction_data(step.work.data_folder("test"))
    read, damaged = read_all(unit, data)
    if not read:
        raise DataError(f"not one picture in {step.work.data_folder('test')} could be read:\n{damaged[0]}")
    files, labels, readings, seconds = zip(*read, strict=True)
    card = unit.recogniser.card
    symbols_of = CODECS[card.mode].symbols
    report = score(files, labels, readings, seconds, symbols_of) | {"damaged": damaged, "unit": unit.name}
    step.write_report("test", report)
    tell_result(report)
    strangers = sorted(set().union(*map(symbols_of, labels)) - set(card.characters))
    if strangers:
        tell(f"Never learnt, so never read: {' '.join(strangers)} (not in the training's labels)")
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
        read.append((item.path.name, item.label, reading, time.perf_counter() - started))
    return read, damaged


def tell_result(report: dict) -> None:
    """Print what a person wants to know first."""
    low, high = report["exact_ci95"]
    tell(f"{report['images']} pictures, exact {report['exact']:.2%} (95 % interval {low:.2%} – {high:.2%})")
    tell(f"ignoring case {report['exact_ignore_case']:.2%}, characters {report['character_accuracy']:.2%}")
    tell(f"{report['ms_per_image']['p50']:.1f} ms a picture (median), {report['ms_per_image']['p99']:.1f} ms (p99)")
    for line in report["damaged"][:SHOWN]:
        tell(f"Left out: {line}")
    for mistake in report["mistakes"][:SHOWN]:
        tell(f"  {mistake['file']}: {mistake['read']!r} read, {mistake['confidence']:.0%} sure")
    if len(report["mistakes"]) > SHOWN:
        tell(f"  … {len(report['mistakes']) - SHOWN} more in report/test.json")


if __name__ == "__main__":
    run(main)
