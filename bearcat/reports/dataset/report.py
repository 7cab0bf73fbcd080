"""Result of cheak_file.py: statistics of the data sets, findings and proposed settings, as JSON and as lines."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bearcat.core.errors import DataError, LabelError
from bearcat.core.workspace import LABEL_FOLDER, UNLABELLED, Work
from bearcat.data.labels.boxes import BoxLabels
from bearcat.data.labels.reading import fold_labels, read_labels
from bearcat.data.labels.text import fold_case
from bearcat.modes import MODES, Task, why_not_self_trained
from bearcat.reports.dataset.checks import (
    WARNING,
    Duplicate,
    Finding,
    check_sets,
    find_duplicates,
    find_look_alikes,
    find_unseen_symbols,
)
from bearcat.reports.dataset.choices.mode import ModeChoice, recommend_mode
from bearcat.reports.dataset.folder_checks import check_folders, check_tables
from bearcat.reports.dataset.label_checks import ONE_LABEL, check_labels, describe_finding, refuse_one_label
from bearcat.reports.dataset.recommended_settings import Proposal, propose_settings
from bearcat.reports.dataset.set_statistics import SetStatistics, inspect_set, merge_statistics, summarize
from bearcat.reports.dataset.unlabelled_checks import check_unlabelled, inspect_unlabelled
from bearcat.reports.html import plural

SPLITS = ("train", "validation", "test")
# what report/check.json says of images without labels
OF_UNLABELLED = ("pictures", "damaged", "blank", "formats", "modes", "width", "height")


@dataclass(frozen=True)
class DataReport:
    """Everything that is known of the images of a work.

    Args:
        work: The folder of the work.
        current_mode: The value of MODE.
        choice: The mode under which the labels were read.
        sets: train, validation and test → their statistics.
        unlabelled: The statistics of unlabelled_dataset.
        duplicates: Images of the three sets that exist more than once.
        findings: Results of the checks, warnings first.
        proposals: Settings that follow from the data; empty without images.
    """

    work: Path
    current_mode: str
    choice: ModeChoice
    sets: Mapping[str, SetStatistics]
    unlabelled: SetStatistics
    duplicates: list[Duplicate]
    findings: list[Finding]
    proposals: list[Proposal]

    @property
    def task(self) -> Task:
        """Task of the chosen mode."""
        return MODES[self.choice.mode].task

    def as_dict(self) -> dict:
        """Returns report/check.json."""
        whole = merge_statistics(self.sets.values())
        return {
            "sets": {name: found.as_dict() for name, found in self.sets.items()},
            "all": whole.as_dict(),
            "unlabelled": {key: self.unlabelled.as_dict()[key] for key in OF_UNLABELLED},
            "findings": [finding.as_dict() for finding in self.findings],
            "unseen": {name: dict(symbols) for name, symbols in find_unseen_symbols(self.sets).items()},
            "look_alikes": find_look_alikes(whole.symbols) if self.task is Task.TEXT else [],
            "doubles": [duplicate.as_dict() for duplicate in self.duplicates],
            "suggested": {proposal.name: proposal.suggested for proposal in self.proposals},
            "why": {proposal.name: proposal.reason for proposal in self.proposals},
            "mode": {"now": self.current_mode, "goes_on_with": self.choice.mode, "because": self.choice.because},
        }

    def lines(self) -> list[str]:
        """Returns the lines that a terminal shows: a summary of each set, then the findings."""
        lines = [line for name, found in self.sets.items() for line in summarize(f"{name}_dataset", found)]
        if self.unlabelled.images or self.unlabelled.damaged:
            lines += summarize(UNLABELLED, self.unlabelled)
        # `require_labels` raises the finding that there is one label only
        shown = [finding for finding in self.findings if finding.kind != ONE_LABEL]
        return [*lines, *(line for finding in shown for line in describe_finding(finding))]

    def require_labels(self) -> None:
        """Raises LabelError if a label is missing or wrong or all are the same, DataError if there are no images."""
        without_label = [line for found in self.sets.values() for line in found.without_label]
        if without_label:
            raise LabelError(f"without a label: {plural(len(without_label), 'image')}, the first:\n{without_label[0]}")
        wrong_boxes = [line for found in self.sets.values() for line in found.wrong_boxes]
        if wrong_boxes:
            images = plural(len(wrong_boxes), "image")
            raise LabelError(f"boxes that are missing or wrong: {images}, the first:\n{wrong_boxes[0]}")
        refuse_one_label(self.findings)
        if not self.proposals:
            todo = "put yours into train_dataset and run python move_path.py"
            raise DataError(f"{self.work} has no images yet that can be read: {todo}")


def inspect_data(
    work: Work,
    settings: SimpleNamespace,
    overrides: Iterable[str],
    label_of: Callable[[Path], str],
    boxes_of: Callable[[Path, Path], BoxLabels],
) -> DataReport:
    """Opens all images of a work and reports on them, in the mode that is set or that their labels suggest.

    Args:
        work: The work.
        settings: Its settings.
        overrides: The NAME=VALUE texts of --set.
        label_of: Takes the label from an image's path.
        boxes_of: Reads the boxes of an image, given its path and the label folder.
    """
    label_folder = work.folder(LABEL_FOLDER)
    folders = {split: work.data_folder(split) for split in SPLITS}
    choice = recommend_mode(work, settings.MODE, overrides, list(folders.values()), label_of)
    mode = MODES[choice.mode]
    with_boxes = mode.task is Task.DETECTION

    def boxes_or_text(path: Path) -> Any:
        return boxes_of(path, label_folder) if with_boxes else label_of(path)

    folds_case = settings.IGNORE_CASE and mode.task is Task.TEXT

    def symbols_of(label: Any) -> tuple[str, ...]:
        return mode.symbols(fold_case(label) if folds_case else label)

    sets = {split: inspect_set(folder, boxes_or_text, symbols_of, with_boxes) for split, folder in folders.items()}
    duplicates = find_duplicates(sets)
    findings = [*check_folders(folders, mode.task), *check_sets(sets, duplicates, mode.task)]
    if not with_boxes:
        labels = {split: read_labels(folder, label_of)[0] for split, folder in folders.items()}
        if folds_case:
            labels = {split: fold_labels(items) for split, items in labels.items()}
        findings += check_labels(labels, mode.task) + check_tables(work, labels, mode.task)
    unlabelled = inspect_unlabelled(work)
    findings += check_unlabelled(work, unlabelled, sets, why_not_self_trained(choice.mode, settings.SELF_TRAIN))
    findings.sort(key=lambda finding: finding.level != WARNING)
    proposals = propose_settings(settings, choice, list(sets.values()))
    return DataReport(work.path, settings.MODE, choice, sets, unlabelled, duplicates, findings, proposals)
