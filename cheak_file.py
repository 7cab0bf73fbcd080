"""Step 4: check the images and labels, and suggest settings that fit them.

Reads:  train_dataset, validation_dataset, test_dataset, unlabelled_dataset; EFFICIENTDET: label
Writes: report/check.json and, for people, report/check.html; with --apply MODE (unless it was chosen on purpose),
        IMAGE_HEIGHT, IMAGE_WIDTH, IMAGE_CHANNALS, CAPTCHA_LENGTH, for animated images FRAMES, and for texts that are
        not in one line LAYOUT in the work's settings.py, no other line; with --fix-zeros, if you say y, the data sets'
        label tables, and copies from before
Next:   python pack_dataset.py
"""

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.data.labels.fixed_zeros import apply_zero_fix, plan_zero_fixes
from bearcat.data.labels.tables import find_label_table
from bearcat.modes import Task
from bearcat.reports.dataset.choices.mode import explain_choice
from bearcat.reports.dataset.page import render_data_page
from bearcat.reports.dataset.recommended_settings import (
    BY_HAND,
    apply_settings,
    compare_settings,
    settings_to_apply,
)
from bearcat.reports.dataset.report import SPLITS, DataReport, inspect_data
from bearcat.reports.html import write_page
from bearcat.settings_rules import SETTINGS
from utils import Image_Processing

SHOWN = 3  # examples of labels


def main() -> None:
    """Reports on the data sets, and changes the settings if asked to."""
    parser = make_parser(__doc__)
    parser.add_argument("--apply", action="store_true", help="write the suggested values into the work's settings.py")
    parser.add_argument(
        "--fix-zeros", action="store_true", help="ask, and write leading zeros that labels lost into their tables"
    )
    step = open_step(parser)
    if step.arguments.fix_zeros:
        fix_zeros(step)
    label_of, boxes_of = Image_Processing.extraction_label, Image_Processing.extraction_boxes
    report = inspect_data(step.work, step.settings, step.arguments.set, label_of, boxes_of)
    write_reports(step, report)
    report.require_labels()
    suggest(step, report)
    if report.task is Task.DETECTION:
        step.next("python train.py", "train on the images as they are")
    else:
        step.next("python pack_dataset.py", "pack them for training")


def fix_zeros(step: Step) -> None:
    """Shows which labels of the tables lost leading zeros, asks, and writes them with the zeros."""
    folders = [step.work.data_folder(split) for split in SPLITS]
    fixes = plan_zero_fixes(folders)
    if not fixes:
        if any(map(find_label_table, folders)):
            echo("--fix-zeros: no label of a table lacks leading zeros; nothing was changed.")
        else:
            echo("--fix-zeros changes label tables, and there is none: rename the images, or write a labels.csv.")
        return
    for fix in fixes:
        echo(f"{fix.table.path}: {len(fix.labels)} of {len(fix.table.rows)} labels get their zeros back, for example")
        for name, label in list(fix.labels.items())[:SHOWN]:
            echo(f"  {name}: {fix.table.labels[name]} → {label}")
    if not is_confirmed():
        echo("Nothing was changed.")
        return
    for fix in fixes:
        backup = apply_zero_fix(fix)
        echo(f"{fix.table.path} was written; as it was before: {backup.name}")


def is_confirmed() -> bool:
    """Asks; anything but y means no, as does a missing terminal."""
    try:
        return input("Write these labels? Look at the images first. y/n: ").strip().lower() in ("y", "yes")
    except EOFError:
        echo("\nThere is no terminal to ask in.")
        return False


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
    for one in report.proposals:
        if one.name in ("FRAMES", "LAYOUT", *BY_HAND) and one.suggested != one.current:
            echo(f"{one.name} = {one.suggested!r}: {one.reason}")
    values = settings_to_apply(report.proposals, report.choice)
    if step.arguments.apply:
        lines = apply_settings(step.work.settings_file, values)
    else:
        lines = compare_settings(step.settings, values)
    for line in lines:
        echo(line)


if __name__ == "__main__":
    run(main)
