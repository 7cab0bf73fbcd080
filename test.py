"""Step 10: score the trained model on images that it has not seen, exactly as the service would answer them.

Reads:  test_dataset, App_model; the labels of the other data sets
Writes: report/test.json, report/test.html; EFFICIENTDET: report/worst, drawings of the worst images;
        --compare: report/compare.json, report/compare.html
Next:   python app.py
"""

import sys
from contextlib import suppress

from bearcat.artifacts.card import Card
from bearcat.cli import Step, add_restriction, echo, make_parser, open_step, read_restriction, run
from bearcat.core.errors import DataError, SettingsError
from bearcat.core.workspace import ROOT, Work, find_work
from bearcat.data.labels.reading import LabelledImage, load_split
from bearcat.modes import MODES, Task
from bearcat.reports.comparison import check_comparable, compare_models
from bearcat.reports.html import write_page
from bearcat.reports.test_report import evaluate_model
from bearcat.settings_rules import load_settings
from utils import Image_Processing, Predict_Image


def main() -> None:
    """Scores the model of a work, or compares the models of two works."""
    step = open_test()
    if step.arguments.compare:
        compare(step)
    else:
        score(step)


def open_test() -> Step:
    """Opens the work whose test set is used: that of --work, else the first one of --compare."""
    parser = make_parser(__doc__)
    what = "compare the models of two works on the test set of --work, or of WORK_A"
    parser.add_argument("--compare", nargs=2, metavar=("WORK_A", "WORK_B"), help=what)
    add_restriction(parser)
    compared = parser.parse_args().compare
    return open_step(parser, [*(["--work", compared[0]] if compared else []), *sys.argv[1:]])


def score(step: Step) -> None:
    """Writes and prints the scores of a model."""
    predictor = Predict_Image(step.work.folder("App_model"), step.settings.MODEL_NAME)
    card = predictor.recogniser.card
    data = load_split(step.work, "test", card.mode, Image_Processing, card.ignore_case)
    report = evaluate_model(predictor, data, step.work, load_others(step.work, card), read_restriction(step.arguments))
    write_reports(step, "test", report.figures, report.page, report.lines)
    echo("All figures, the mistakes as images, and what to do next: report/test.html")
    step.next("python app.py", "serve the model")


def load_others(work: Work, card: Card) -> list[LabelledImage]:
    """Loads the texts or classes of the data sets that the model was trained on, as far as they are still there."""
    others: list[LabelledImage] = []
    if MODES[card.mode].task is Task.DETECTION:
        return others
    for split in ("train", "validation"):
        with suppress(DataError):
            others += load_split(work, split, card.mode, Image_Processing, card.ignore_case)
    return others


def compare(step: Step) -> None:
    """Writes and prints which of two models is better."""
    if read_restriction(step.arguments):
        raise SettingsError("--compare tests two models without a restriction: leave out the options of it")
    works = [find_work(name) for name in step.arguments.compare]
    predictors = [load_predictor(work, step.arguments.set) for work in works]
    check_comparable(predictors)
    card = predictors[0].recogniser.card
    data = load_split(step.work, "test", card.mode, Image_Processing, card.ignore_case)
    comparison = compare_models([work.path.name for work in works], predictors, data)
    write_reports(step, "compare", comparison.figures, comparison.page, comparison.lines)
    step.next("python app.py --work …", "serve the better one; report/compare.html shows where they differ")


def load_predictor(work: Work, overrides: list[str]) -> Predict_Image:
    """Loads the model of a work."""
    settings = load_settings(ROOT / "settings.py", work.settings_file, overrides)
    return Predict_Image(work.folder("App_model"), settings.MODEL_NAME)


def write_reports(step: Step, name: str, figures: dict, page: str, lines: list[str]) -> None:
    """Writes report/<name>.json and report/<name>.html, and prints the lines."""
    step.write_report(name, figures)
    write_page(step.work.report_file(name).with_suffix(".html"), page)
    for line in lines:
        echo(line)


if __name__ == "__main__":
    run(main)
