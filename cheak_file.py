"""Step 4: check the images and labels, and suggest settings that fit them.

Reads:  train_dataset, validation_dataset, test_dataset; EFFICIENTDET: label
Writes: report/check.json and, for people, report/check.html; with --apply MODE (unless it was chosen on purpose),
        IMAGE_HEIGHT, IMAGE_WIDTH, IMAGE_CHANNALS and CAPTCHA_LENGTH in the work's settings.py, no other line
Next:   python pack_dataset.py
"""

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.modes import Task
from bearcat.reports.dataset.mode_choice import explain_choice
from bearcat.reports.dataset.page import render_data_page
from bearcat.reports.dataset.recommended_settings import apply_settings, compare_settings, settings_to_apply
from bearcat.reports.dataset.report import DataReport, inspect_data
from bearcat.reports.html import write_page
from bearcat.settings_rules import SETTINGS
from utils import Image_Processing


def main() -> None:
    """Reports on the three data sets, and changes the settings if asked to."""
    parser = make_parser(__doc__)
    parser.add_argument("--apply", action="store_true", help="write the suggested values into the work's settings.py")
    step = open_step(parser)
    label_of, boxes_of = Image_Processing.extraction_label, Image_Processing.extraction_boxes
    report = inspect_data(step.work, step.settings, step.arguments.set, label_of, boxes_of)
    write_reports(step, report)
    report.require_labelled_images()
    suggest(step, report)
    if report.task is Task.DETECTION:
        step.next("python train.py", "train on the images as they are")
    else:
        step.next("python pack_dataset.py", "pack them for training")


def write_reports(step: Step, report: DataReport) -> None:
    """Writes report/check.json and report/check.html, and prints the summary."""
    step.write_report("check", report.as_dict())
    page = step.work.report_file("check").with_suffix(".html")
    write_page(page, render_data_page(report, {name: row.meaning for name, row in SETTINGS.items()}))
    for line in report.lines():
        echo(line)
    echo(f"Report with images: {page}")


def suggest(step: Step, report: DataReport) -> None:
    """Prints the suggested settings, or writes them with --apply."""
    if report.choice.because:
        echo(explain_choice(report.choice))
    values = settings_to_apply(report.proposals, report.choice)
    if step.arguments.apply:
        lines = apply_settings(step.work.settings_file, values)
    else:
        lines = compare_settings(step.settings, values)
    for line in lines:
        echo(line)


if __name__ == "__main__":
    run(main)
