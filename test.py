"""Step 10: score the trained unit on images that it has not seen, exactly as the service would answer them.

Reads:  test_dataset, App_model
Writes: report/test.json, report/test.html; EFFICIENTDET: report/worst, drawings of the worst images;
        --compare: report/compare.json, report/compare.html
Next:   python app.py
"""

import sys
import time

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.errors import ArtifactError, DataError, ImageError
from bearcat.core.progress import show_progress
from bearcat.core.workspace import ROOT, Work, find_work
from bearcat.data.codecs import Prediction
from bearcat.data.labels import LabelledImage
from bearcat.detection.decoding import Detections
from bearcat.modes import MODES, Task
from bearcat.reports.box_scores import all_right
from bearcat.reports.comparison import compare, comparison_page
from bearcat.reports.html import write_page
from bearcat.reports.test_report import REPORTERS
from bearcat.settings_rules import load_settings
from utils import Predict_Image, read_data

SHOWN = 10


def main() -> None:
    """Read every test image and report; or have two units read them."""
    step = open_test()
    if step.arguments.compare:
        return compare_works(step, [find_work(name) for name in step.arguments.compare])
    unit = Predict_Image(step.work.folder("App_model"), step.settings.MODEL_NAME)
    mode = unit.recogniser.card.mode
    read, damaged = read_all(unit, test_data(step, mode))
    report, page = REPORTERS[MODES[mode].task](step.work, unit, damaged, *zip(*read, strict=True))
    step.write_report("test", report | {"unit": unit.name})
    write_page(step.work.folder("report") / "test.html", page)
    for line in damaged[:SHOWN]:
        echo(f"Left out: {line}")
    echo("All of it, with the mistakes as images and what to do next: report/test.html")
    step.next("python app.py", "serve it")


def open_test() -> Step:
    """Return the step; units are compared on the first one's test set unless --work names another."""
    parser = make_parser(__doc__)
    words = "two works whose units read the same test set (that of --work, else of WORK_A)"
    parser.add_argument("--compare", nargs=2, metavar=("WORK_A", "WORK_B"), help=words)
    compared = parser.parse_args().compare
    return open_step(parser, [*(["--work", compared[0]] if compared else []), *sys.argv[1:]])


def test_data(step: Step, mode: str) -> list[LabelledImage]:
    """Return the test images with their labels."""
    return read_data(step.work, "test", mode)


def read_all(unit: Predict_Image, data: list[LabelledImage]) -> tuple[list[tuple], list[str]]:
    """Return (item, reading, seconds) of every image, and the damaged ones in words; raise DataError if all are."""
    read, damaged = [], []
    for item in show_progress(data, len(data), f"testing {unit.name}"):
        started = time.perf_counter()
        try:
            prediction: Prediction = unit.predict(item.path)
        except ImageError as error:
            damaged.append(str(error))
            continue
        read.append((item, prediction, time.perf_counter() - started))
    if not read:
        raise DataError(f"not one image in {data[0].path.parent} could be read:\n{damaged[0]}")
    return read, damaged


def compare_works(step: Step, works: list[Work]) -> None:
    """Have the units of two works read the same images; print and write which is better, if that can be said."""
    units = [open_unit(work, step.arguments.set) for work in works]
    kinds = {MODES[unit.recogniser.card.mode].task is Task.DETECTION for unit in units}
    if len(kinds) > 1:
        modes = " and ".join(unit.recogniser.card.mode for unit in units)
        raise ArtifactError(f"--compare names units of {modes}: one finds boxes and the other does not")
    data = test_data(step, units[0].recogniser.card.mode)
    read = [{item.path: (item, prediction) for item, prediction, _ in read_all(unit, data)[0]} for unit in units]
    items = [item for item, _ in read[0].values()]
    predictions = [[prediction for _, prediction in of_unit.values()] for of_unit in read]
    right = [[is_right(item, one) for item, one in zip(items, row, strict=True)] for row in predictions]
    labels = [item.label if isinstance(item.label, str) else " ".join(item.label.names) for item in items]
    texts = [[one.text for one in row] for row in predictions]
    names = [item.name for item in items]
    report = compare([work.path.name for work in works], names, labels, texts, right)
    for row in report["units"]:
        echo("{}: exact {:.2%} (95 % interval {:.2%} – {:.2%})".format(row["unit"], row["exact"], *row["exact_ci95"]))
    echo(report["verdict"])
    step.write_report("compare", report)
    page = comparison_page(report, dict(zip(names, (item.path for item in items), strict=True)))
    write_page(step.work.folder("report") / "compare.html", page)
    step.next("python app.py --work …", "serve the better one; report/compare.html shows where they differ")


def open_unit(work: Work, overrides: list[str]) -> Predict_Image:
    """Return the unit of a work."""
    return Predict_Image(
        work.folder("App_model"), load_settings(ROOT / "settings.py", work.settings_file, overrides).MODEL_NAME
    )


def is_right(item: LabelledImage, prediction: Prediction | Detections) -> bool:
    """Tell whether an image was read exactly right."""
    return prediction.text == item.label if isinstance(item.label, str) else all_right(item.label, prediction)


if __name__ == "__main__":
    run(main)
