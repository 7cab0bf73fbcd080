"""Step 4: look at the data: sizes, labels, damage, duplicates; and see what to set.

Reads:  train_dataset, validation_dataset, test_dataset; EFFICIENTDET: label
Writes: report/check.json and, for people, report/check.html; with --apply MODE (where nobody chose one), IMAGE_HEIGHT,
        IMAGE_WIDTH, IMAGE_CHANNALS and CAPTCHA_LENGTH into the work's settings.py, changing only these lines
Next:   python pack_dataset.py
"""

from functools import partial

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.errors import DataError, LabelError
from bearcat.core.settings_file import change_settings_file
from bearcat.core.workspace import LABEL_FOLDER
from bearcat.modes import MODES, Task
from bearcat.reports.data_checks import find_all, find_duplicates, look_alikes, unseen_symbols
from bearcat.reports.data_page import Check, Proposal, check_page
from bearcat.reports.data_statistics import SetReport, inspect_set, put_together, summary_lines
from bearcat.reports.html import write_page
from bearcat.reports.recommended_settings import ModeAdvice, advise, suggest_settings, why
from utils import Image_Processing

SPLITS = ("train", "validation", "test")


def main() -> None:
    """Report on the three sets, and set what follows from them where that is asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--apply", action="store_true", help="write what follows into the work's settings.py")
    step = open_step(parser)
    folders = [step.work.data_folder(split) for split in SPLITS]
    advice = advise(step, folders, Image_Processing.extraction_label)
    check = inspect(step, advice)
    for split, report in check.reports.items():
        echo("\n".join(summary_lines(f"{split}_dataset", report)))
    tell_findings(check)
    write_reports(step, check)
    without_label = [line for report in check.reports.values() for line in report.without_label]
    if without_label:
        raise LabelError(f"{len(without_label)} images have no label, the first:\n{without_label[0]}")
    if not check.proposals:
        todo = "put yours in train_dataset and run python move_path.py"
        raise DataError(f"{step.work.path} has no images yet that can be read: {todo}")
    propose(step, check)
    if check.unit == Task.DETECTION:
        step.next("python train.py", "train on them as they are")
    else:
        step.next("python pack_dataset.py", "pack them for training")


def inspect(step: Step, advice: ModeAdvice) -> Check:
    """Look at all images as the mode to go on with reads their labels."""
    mode = MODES[advice.mode]
    label_of, of_boxes = Image_Processing.extraction_label, mode.task is Task.DETECTION
    if of_boxes:
        label_of = partial(Image_Processing.extraction_boxes, label_folder=step.work.folder(LABEL_FOLDER))
    reports = {split: inspect_set(step.work.data_folder(split), label_of, mode.symbols, of_boxes) for split in SPLITS}
    duplicates = find_duplicates(reports)
    findings = find_all(reports, duplicates, mode.task)
    return Check(step.work.path, mode.task, reports, findings, duplicates, proposals(step, reports, advice), advice)


def proposals(step: Step, reports: dict[str, SetReport], advice: ModeAdvice) -> list[Proposal]:
    """Return the settings that the data suggests beside those that are set."""
    suggested = suggest_settings(list(reports.values()), MODES[advice.mode].task)
    if suggested:
        suggested = {"MODE": advice.suggested} | suggested
    reasons = why(suggested, list(reports.values()), advice)
    return [Proposal(name, getattr(step.settings, name), value, reasons[name]) for name, value in suggested.items()]


def tell_findings(check: Check) -> None:
    """Print what was found, a line each; the files are in the reports."""
    for finding in check.findings:
        echo(f"{finding.level.capitalize()}: {finding.text}")


def write_reports(step: Step, check: Check) -> None:
    """Write report/check.json and report/check.html."""
    whole = put_together(check.reports.values())
    payload = {
        "sets": {name: report.as_dict() for name, report in check.reports.items()},
        "all": whole.as_dict(),
        "findings": [finding.as_dict() for finding in check.findings],
        "unseen": {name: dict(symbols) for name, symbols in unseen_symbols(check.reports).items()},
        "look_alikes": look_alikes(whole.symbols) if check.unit == Task.TEXT else [],
        "doubles": [duplicate.as_dict() for duplicate in check.duplicates],
        "suggested": {proposal.name: proposal.suggested for proposal in check.proposals},
        "why": {proposal.name: proposal.why for proposal in check.proposals},
        "mode": {"now": step.settings.MODE, "goes_on_with": check.advice.mode, "because": check.advice.because},
    }
    step.write_report("check", payload)
    page = step.work.report_file("check").with_suffix(".html")
    write_page(page, check_page(check))
    echo(f"To look at: {page}")


def propose(step: Step, check: Check) -> None:
    """Write the suggested settings, or say how to; a MODE that was chosen is left."""
    advice = check.advice
    values = {one.name: one.suggested for one in check.proposals} | {"MODE": advice.mode}
    if advice.because:
        stays = f"it stays, though {advice.suggested} is usual where {advice.reason}"
        echo(f"{advice.because}: " + (stays if advice.mode != advice.suggested else f"better {advice.suggested}"))
    if step.arguments.apply:
        changed = change_settings_file(step.work.settings_file, values)
        for name, (old, new) in changed.items():
            echo(f"{step.work.settings_file}: {name} = {new!r} (was {old!r})")
        if not changed:
            echo("The settings fit the data already.")
        return
    different = {name: value for name, value in values.items() if getattr(step.settings, name) != value}
    for name, value in different.items():
        echo(f"Better: {name} = {value!r} (now {getattr(step.settings, name)!r})")
    if different:
        echo("python cheak_file.py --apply writes that into the work's settings.")


if __name__ == "__main__":
    run(main)
