"""Checks of what lies in the folders of the data sets: images and tables that are not read, rows without an image."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bearcat.core.workspace import DATA_FOLDERS, Work
from bearcat.data.comparison import find_oversize
from bearcat.data.labels.left_out import files_left_out
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.table_facts import table_facts
from bearcat.modes import Task
from bearcat.reports.dataset.checks import NOTE, WARNING, Finding


def check_folders(folders: Mapping[str, Path], task: Task) -> list[Finding]:
    """Runs the checks and returns their findings.

    Args:
        folders: 'train', 'validation', 'test' → its folder.
        task: What the images are labelled for.
    """
    existing = [folder for folder in folders.values() if folder.is_dir()]
    found = [finding for folder in existing for finding in check_left_out(folder)]
    if task is not Task.DETECTION:
        found += _check_oversize(existing, task)
    return found


def check_left_out(folder: Path, with_sub_folders: bool = True) -> Iterator[Finding]:
    """Yields a finding for each reason for which no step reads an image of a data set; see `files_left_out`."""
    for left_out in files_left_out(folder, with_sub_folders):
        files = tuple(f"{folder.name}/{name}" for name in left_out.names)
        yield Finding(WARNING, "left_out", left_out.text, left_out.todo, files)


def _check_oversize(folders: list[Path], task: Task) -> Iterator[Finding]:
    oversize = find_oversize([path for folder in folders for path in list_images(folder)])
    if oversize and (oversize.box or task is Task.TEXT):
        yield Finding(WARNING if oversize.box else NOTE, "oversize", oversize.text, oversize.todo)


def check_tables(work: Work, sets: Mapping[str, Sequence[LabelledImage]], task: Task) -> list[Finding]:
    """Checks the label tables of all data sets, and whether a spreadsheet changed the labels of those that are given.

    Args:
        work: The work.
        sets: 'train', 'validation', 'test' → its labelled images; those that were not read can be left out.
        task: What the images are labelled for; label tables are read for texts and classes only.
    """
    if task is Task.DETECTION:
        return []
    # a class is learnt as well under the name 1 as under 01
    labels = sets if task is Task.TEXT else {}
    facts = table_facts({work.folder(name): labels.get(name.removesuffix("_dataset"), ()) for name in DATA_FOLDERS})
    return [Finding(WARNING if one.is_warning else NOTE, one.kind, one.text, one.todo, one.files) for one in facts]
