"""What in the data will hurt: found by rule, and said in words that a stranger understands, with what to do."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bearcat.data.duplicates import group_duplicates
from bearcat.modes import Task
from bearcat.reports.data_statistics import SetReport

# what people and networks take for one another, as far as both are in the data
LOOK_ALIKES = ("0Oo", "1lIi|", "2Zz", "5Ss", "8B", "6bG", "9gq", "Cc", "Kk", "Pp", "Uu", "Vv", "Ww", "Xx", "Yy")
EMPTY = {
    "train": ("there is nothing to learn from", "put your images there, or python gen_sample_by_captcha.py"),
    "validation": ("the training could not tell when to stop", "python move_path.py splits it off train_dataset"),
    "test": ("nothing would tell how well the unit reads", "python move_path.py splits it off train_dataset"),
}
WARNING, NOTE = "warning", "note"


@dataclass(frozen=True)
class Finding:
    """One thing that was found: a warning or a note, its kind, what it is, what to do, and the files it is about."""

    level: str
    kind: str
    text: str
    todo: str = ""
    files: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """Return the finding for JSON."""
        return {"level": self.level, "kind": self.kind, "text": self.text, "todo": self.todo, "files": list(self.files)}


@dataclass(frozen=True)
class Duplicate:
    """Files that show the same image, the sets they are in, and the labels they have."""

    files: tuple[Path, ...]
    sets: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    exact: bool

    @property
    def is_leak(self) -> bool:
        return "train" in self.sets and len(self.sets) > 1

    @property
    def is_contradiction(self) -> bool:
        return len(self.labels) > 1

    def as_dict(self) -> dict:
        """Return the duplicate for JSON."""
        facts = {"exact": self.exact, "leak": self.is_leak, "contradiction": self.is_contradiction}
        return {"files": [shown(path) for path in self.files], **facts}


def find_duplicates(reports: Mapping[str, SetReport]) -> list[Duplicate]:
    """Return the images that are there twice, within and across the sets."""
    set_of = {one.path: name for name, report in reports.items() for one in report.fingerprints}
    digest_of = {one.path: one.digest for report in reports.values() for one in report.fingerprints}
    label_of = {path: label for report in reports.values() for path, label in report.labels.items()}
    groups = group_duplicates([one for report in reports.values() for one in report.fingerprints])
    return [
        Duplicate(
            tuple(group),
            tuple(name for name in reports if name in {set_of[path] for path in group}),
            tuple(sorted({label_of[path] for path in group})),
            len({digest_of[path] for path in group}) == 1,
        )
        for group in groups
    ]


def unseen_symbols(reports: Mapping[str, SetReport]) -> dict[str, Counter]:
    """Return set → the symbols that it has and train lacks, with their counts."""
    known = reports["train"].symbols
    others = {name: report for name, report in reports.items() if name != "train"}
    return {name: Counter({s: n for s, n in r.symbols.items() if s not in known}) for name, r in others.items()}


def look_alikes(symbols: Counter) -> list[dict[str, int]]:
    """Return the groups of characters that look alike, of which at least two are there, with their counts."""
    groups = ({one: symbols[one] for one in group if symbols[one]} for group in LOOK_ALIKES)
    return [group for group in groups if len(group) > 1]


def find_all(reports: Mapping[str, SetReport], duplicates: list[Duplicate], unit: str) -> list[Finding]:
    """Return all that was found, the warnings first."""
    found = [
        *_missing(reports),
        *_of_duplicates(duplicates),
        *_unseen(reports),
        *_of_files(reports),
        *(_of_characters(reports) if unit == Task.TEXT else ()),
    ]
    return sorted(found, key=lambda finding: finding.level != WARNING)


def _missing(reports: Mapping[str, SetReport]) -> Iterator[Finding]:
    for name, report in reports.items():
        if not report.images:
            why, todo = EMPTY[name]
            yield Finding(WARNING, "empty", f"{name}_dataset holds no images that can be read: {why}", todo)


def _of_files(reports: Mapping[str, SetReport]) -> Iterator[Finding]:
    for name, report in reports.items():
        for field, level, words, todo in OF_FILES:
            lines = getattr(report, field)
            if lines:
                text = f"{name}_dataset: {count(len(lines), 'file')} {words}"
                yield Finding(level, field, text, todo, tuple(lines))


# field of SetReport, level, words, what to do
OF_FILES = (
    ("damaged", WARNING, "damaged, and left out by every step", "fetch them again, or take them away"),
    (
        "without_label",
        WARNING,
        "named so that no label can be told",
        "rename them to <label>_<anything>.png, or put a labels.csv (file,label) beside them",
    ),
    (
        "strays",
        NOTE,
        "that no step reads: neither an image of a known kind nor a label",
        "convert them to PNG or JPEG if they are images; else they do no harm",
    ),
    (
        "wrong_suffix",
        NOTE,
        "whose content is of another format than the name says",
        "nothing: the content is what is read. Other programs may refuse them",
    ),
    (
        "turned",
        NOTE,
        "stored turned, to be shown upright as EXIF says",
        "nothing: every step turns them. Other programs may show them lying",
    ),
)


def _of_duplicates(duplicates: list[Duplicate]) -> Iterator[Finding]:
    for kind, level, belongs, words, todo in OF_DUPLICATES:
        groups = [duplicate for duplicate in duplicates if belongs(duplicate)]
        if groups:
            files = tuple(" = ".join(map(shown, duplicate.files)) for duplicate in groups)
            yield Finding(level, kind, f"{count(len(groups), 'image')} {words}", todo, files)


# kind, level, which duplicates, words, what to do
OF_DUPLICATES = (
    (
        "contradiction",
        WARNING,
        lambda duplicate: duplicate.is_contradiction,
        "with several copies whose labels differ: at least one of the labels is wrong, and teaches mistakes",
        "look at them and mend the wrong label",
    ),
    (
        "leak",
        WARNING,
        lambda duplicate: duplicate.is_leak,
        "leaked: in train_dataset and again in validation or test, where reading what was learnt by heart proves "
        "nothing; the score looks better than it is",
        "take one of each away, best the one in train_dataset",
    ),
    (
        "double",
        NOTE,
        lambda duplicate: not duplicate.is_leak and not duplicate.is_contradiction,
        "with several copies, all within train_dataset or all outside of it",
        "nothing, if few: they count twice",
    ),
)


def _unseen(reports: Mapping[str, SetReport]) -> Iterator[Finding]:
    for name, symbols in unseen_symbols(reports).items():
        if symbols and reports["train"].images:
            listed = ", ".join(f"{symbol!r} ({n})" for symbol, n in sorted(symbols.items()))
            text = f"{name}_dataset has what train_dataset never shows, so what cannot be learnt: {listed}"
            yield Finding(WARNING, "unseen", text, "add images of these to train_dataset, or mend the labels")


def _of_characters(reports: Mapping[str, SetReport]) -> Iterator[Finding]:
    symbols = sum((report.symbols for report in reports.values()), Counter())
    groups = look_alikes(symbols)
    if groups:
        listed = "; ".join(", ".join(f"{one} ({n})" for one, n in group.items()) for group in groups)
        text = f"some characters of the labels look alike: {listed}"
        yield Finding(NOTE, "look_alikes", text, "make sure that the labels tell them apart as the site does")
    both = sorted(one for one in symbols if one.islower() and one.upper() != one and symbols[one.upper()])
    if both:
        mixed = sum(report.labels_in_mixed_case for report in reports.values())
        text = f"{len(both)} letters stand in the labels as capitals and as small ones, {mixed} labels mix the two"
        todo = "if the site takes either, write all labels in one case: half as many classes to learn"
        yield Finding(NOTE, "mixed_case", text, todo, (" ".join(f"{one.upper()}{one}" for one in both),))


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def shown(path: Path) -> str:
    """Return a file as people know it: from its data set's folder on."""
    inside = next((n for n, folder in enumerate(path.parents) if folder.name.endswith("_dataset")), 0)
    return "/".join(path.parts[-inside - 2 :])
