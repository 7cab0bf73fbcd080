"""Step 4: look at the data: sizes, labels, damage; and see what to set.

Reads:  train_dataset, validation_dataset, test_dataset; EFFICIENTDET: label
Writes: report/check.json; with --apply IMAGE_HEIGHT, IMAGE_WIDTH, IMAGE_CHANNALS and CAPTCHA_LENGTH into the work's
        settings.py, changing only these lines
Next:   python pack_dataset.py
"""

from functools import partial

from bearcat.command_line import Step, make_parser, open_step, run, tell
from bearcat.configuration import change_settings_file
from bearcat.errors import DataError, LabelError
from bearcat.inspection import inspect_set, suggest_settings, summary_lines
from bearcat.label_codecs import CODECS
from bearcat.workspace import LABEL_FOLDER
from utils import Image_Processing

SPLITS = ("train", "validation", "test")


def main() -> None:
    """Report on the three sets, and set what follows from them where that is asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--apply", action="store_true", help="write what follows into the work's settings.py")
    step = open_step(parser)
    codec = CODECS[step.settings.MODE]
    label_of, of_boxes = Image_Processing.extraction_label, codec.unit == "box"
    if of_boxes:
        label_of = partial(Image_Processing.extraction_boxes, label_folder=step.work.folder(LABEL_FOLDER))
    reports = {split: inspect_set(step.work.data_folder(split), label_of, codec.symbols, of_boxes) for split in SPLITS}
    for split, report in reports.items():
        tell("\n".join(summary_lines(f"{split}_dataset", report)))
    suggested = suggest_settings(list(reports.values()), codec.unit)
    step.write_report("check", {"sets": {n: r.as_dict() for n, r in reports.items()}, "suggested": suggested})
    without_label = [line for report in reports.values() for line in report.without_label]
    if without_label:
        raise LabelError(f"{len(without_label)} pictures have no label, the first:\n{without_label[0]}")
    if not suggested:
        todo = "put yours in train_dataset and run python move_path.py"
        raise DataError(f"{step.work.path} has no pictures yet that can be read: {todo}")
    propose(step, suggested)
    if of_boxes:
        step.next("python train.py", "train on them as they are")
    else:
        step.next("python pack_dataset.py", "pack them for training")


def propose(step: Step, suggested: dict[str, int]) -> None:
    """Write the suggested settings, or say how to."""
    if step.arguments.apply:
        changed = change_settings_file(step.work.settings_file, suggested)
        for name, (old, new) in changed.items():
            tell(f"{step.work.settings_file}: {name} = {new} (was {old})")
        if not changed:
            tell("The settings fit the data already.")
        return
    different = {name: value for name, value in suggested.items() if getattr(step.settings, name) != value}
    for name, value in different.items():
        tell(f"Better: {name} = {value} (now {getattr(step.settings, name)})")
    if different:
        tell("python cheak_file.py --apply writes that into the work's settings.")


if __name__ == "__main__":
    run(main)
