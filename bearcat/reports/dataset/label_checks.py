"""Checks of text and class labels that open no image, so that they can come before packing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bearcat.core.errors import LabelError
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.text import describe_cleaning
from bearcat.data.vocabulary import BLANK
from bearcat.modes import Task
from bearcat.reports.dataset.checks import NOTE, WARNING, Finding, short_path
from bearcat.reports.dataset.label_sets import Labels, describe_labels
from bearcat.reports.dataset.text_checks import (
    check_blanks,
    check_lengths,
    check_rare_characters,
    check_repetition,
    check_twins,
)
from bearcat.reports.dataset.unlikely_labels import describe_unlikely, find_better_part, has_underscores
from bearcat.reports.html import plural

EXAMPLES = 3
LISTED_ELSEWHERE = {"damaged", "without_label", "wrong_boxes", "wrong_size"}  # in the summary of the sets
TABLE_WAY_OUT = "put a labels.csv (file,label) next to the images"


def check_labels(sets: Mapping[str, Sequence[LabelledImage]], task: Task) -> list[Finding]:
    """Runs the checks of labels and returns their findings, warnings first.

    Args:
        sets: 'train', 'validation', 'test' → its labelled images.
        task: What the labels are; the labels of DETECTION are not checked here.
    """
    labels = Labels(sets, task)
    if not labels.items or task is Task.DETECTION:
        return []
    found = [finding for check in WRONG_KIND for finding in check(labels)]
    if not found:  # of labels of the wrong kind, lengths and characters say nothing
        found = [finding for check in CHECKS[task] for finding in check(labels)]
    return sorted(found, key=lambda finding: finding.level != WARNING)


def refuse_one_label(findings: Iterable[Finding]) -> None:
    """Raises LabelError if all labels are the same, so that nothing can be learnt."""
    for finding in findings:
        if finding.kind == ONE_LABEL:
            todo = f"What to do: {finding.todo}"
            raise LabelError("\n".join([finding.text, *list_files(finding), todo]))


def describe_finding(finding: Finding, shown: int = EXAMPLES) -> list[str]:
    """Returns the lines that a terminal shows of a finding: what it is; of a warning also files and what to do."""
    lines = [f"{finding.level.capitalize()}: {finding.text}"]
    if finding.level == WARNING:
        lines += list_files(finding, shown) if finding.kind not in LISTED_ELSEWHERE else []
        lines += [f"  What to do: {finding.todo}"] if finding.todo else []
    return lines


def list_files(finding: Finding, shown: int = EXAMPLES) -> list[str]:
    """Returns indented lines with the first files of a finding and the number of the others."""
    lines = [f"  {line}" for line in finding.files[:shown]]
    more = len(finding.files) - shown
    return [*lines, f"  … and {more:,} more"] if more > 0 else lines


ONE_LABEL = "one_label"


def _check_one_label(labels: Labels) -> Iterator[Finding]:
    learnt = [item for name, items in labels.sets.items() if name != "test" for item in items]
    if len(learnt) < 2 or len({item.label for item in learnt}) > 1:
        return
    label = learnt[0].label
    if labels.task is Task.CLASSIFICATION:
        text = f"all {len(learnt)} images are of one class, {label!r}, so there is nothing to distinguish"
        todo = "add images of at least one other class, such as 'other', in a sub-folder of its own"
    else:
        text = f"all {len(learnt)} images have the label {label!r}, so there is nothing to learn"
        todo = "correct the labels"
    if labels.are_from_names(learnt):
        text += f". It was taken from the file names, from the part before the first {BLANK!r}"
        todo = _name_way_out(learnt)
    elif labels.tables:
        text += f". It was read from {labels.tables[0].name}"
        todo = "correct the labels in the table"
    yield Finding(WARNING, ONE_LABEL, text, todo, describe_labels(learnt))


def _name_way_out(items: Sequence[LabelledImage]) -> str:
    """Says how the images get other labels than the first part of their names."""
    index = find_better_part([item.path.stem for item in items])
    if index is None:
        return f"rename the files to <label>_<anything>.png, or {TABLE_WAY_OUT}"
    part = items[0].path.stem.split(BLANK)[index]
    return (
        f"if {part!r} is the label of {items[0].path.name}, let extraction_label in utils.py return "
        f'path.stem.split("{BLANK}")[{index}]; otherwise {TABLE_WAY_OUT}'
    )


def _check_unlikely(labels: Labels) -> Iterator[Finding]:
    what = describe_unlikely(labels.texts)
    if not what or len(set(labels.texts)) == 1:
        return
    text = f"the labels look like {what}, not like what the images show"
    todo = "look at the images; if they show something else, correct the labels"
    if labels.are_from_names(labels.items):
        text += f". They were taken from the file names, from the part before the first {BLANK!r}"
        todo = f"look at the images; if they show something else: {_name_way_out(labels.items)}"
    yield Finding(WARNING, "unlikely_labels", text, todo, describe_labels(labels.items))


def _check_underscores(labels: Labels) -> Iterator[Finding]:
    if not labels.are_from_names(labels.items) or not has_underscores([item.path.stem for item in labels.items]):
        return
    first = max(labels.items, key=lambda item: item.path.name.count(BLANK))
    whole = first.path.stem.rpartition(BLANK)[0]
    text = (
        f"the file names have several {BLANK!r}, and what follows the first one looks like a part of the label, as in "
        f"{first.path.name}: it is learnt as {first.label!r}"
    )
    todo = f"if the label is {whole!r}: {TABLE_WAY_OUT}"
    if labels.task is Task.TEXT:
        todo += f" in which another character, such as '-', stands for {BLANK!r}, which no text can contain"
    yield Finding(WARNING, "underscores", text, todo, describe_labels(labels.items))


def _check_cleaned(labels: Labels) -> Iterator[Finding]:
    """Labels of which something invisible was removed."""
    items = [item for item in labels.items if item.written]
    if items:
        changes = Counter(change for item in items for change in describe_cleaning(item.written))
        listed = ", ".join(f"{change} ({count})" for change, count in changes.most_common())
        text = f"{plural(len(items), 'label')} with characters that no image shows, read without them: {listed}"
        todo = "nothing, all steps do so; a no-break space inside a label is read as a blank"
        files = tuple(f"{short_path(item.path)}: {item.written!r} is read as {item.label!r}" for item in items)
        yield Finding(NOTE, "cleaned", text, todo, files)


def _check_class_case(labels: Labels) -> Iterator[Finding]:
    spellings: dict[str, Counter[str]] = {}
    for label in labels.texts:
        spellings.setdefault(" ".join(label.casefold().split()), Counter())[label] += 1
    several = [counts for counts in spellings.values() if len(counts) > 1]
    if several:
        listed = "; ".join(", ".join(f"{name!r} ({n})" for name, n in counts.items()) for counts in several)
        rarer = {name for counts in several for name in counts if name != counts.most_common(1)[0][0]}
        text = f"classes whose names differ in case or blanks only, so that they are different classes: {listed}"
        items = [item for item in labels.items if item.label in rarer]
        yield Finding(WARNING, "class_case", text, "give each class one spelling", describe_labels(items))


Check = Callable[[Labels], Iterator[Finding]]
WRONG_KIND: tuple[Check, ...] = (_check_one_label, _check_unlikely, _check_underscores)
CHECKS: dict[Task, tuple[Check, ...]] = {
    Task.TEXT: (
        _check_cleaned,
        check_lengths,
        check_rare_characters,
        check_twins,
        check_blanks,
        check_repetition,
    ),
    Task.CLASSIFICATION: (_check_cleaned, _check_class_case),
}
