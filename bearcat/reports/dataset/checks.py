"""Checks of the data sets: what is found, in which files, and what to do about it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bearcat.core.workspace import UNLABELLED
from bearcat.data.duplicates import group_duplicates
from bearcat.modes import Task
from bearcat.reports.dataset.set_statistics import SetStatistics
from bearcat.reports.html import plural

# characters that people and networks confuse
LOOK_ALIKES = ("0Oo", "1lIi|", "2Zz", "5Ss", "8B", "6bG", "9gq", "Cc", "Kk", "Pp", "Uu", "Vv", "Ww", "Xx", "Yy")
WARNING, NOTE = "warning", "note"


@dataclass(frozen=True)
class Finding:
    """Result of a check.

    Args:
        level: WARNING or NOTE.
        kind: What report/check.json calls it.
        text: What was found.
        todo: What to do about it.
        files: The files, or pairs of files, in which it was found.
    """

    level: str
    kind: str
    text: str
    todo: str = ""
    files: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """Returns the finding for report/check.json."""
        return asdict(self) | {"files": list(self.files)}


@dataclass(frozen=True)
class Duplicate:
    """Files that show the same image.

    Args:
        files: The files.
        sets: The data sets that they are in.
        labels: Their different labels, as symbols.
        exact: Whether the files are equal byte by byte.
    """

    files: tuple[Path, ...]
    sets: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    exact: bool

    @property
    def is_leak(self) -> bool:
        """Whether training images are also used for validation or testing."""
        return "train" in self.sets and len(self.sets) > 1

    @property
    def is_contradiction(self) -> bool:
        """Whether the labels of the copies differ."""
        return len(self.labels) > 1

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of findings that name this duplicate."""
        kinds = ("contradiction",) * self.is_contradiction + ("leak",) * self.is_leak
        return kinds or ("double",)

    def as_dict(self) -> dict:
        """Returns the duplicate for report/check.json."""
        flags = {"exact": self.exact, "leak": self.is_leak, "contradiction": self.is_contradiction}
        return {"files": [short_path(path) for path in self.files], **flags}


def find_duplicates(sets: Mapping[str, SetStatistics]) -> list[Duplicate]:
    """Finds the images that exist more than once, within and across the sets."""
    set_of = {one.path: name for name, found in sets.items() for one in found.fingerprints}
    digest_of = {one.path: one.digest for found in sets.values() for one in found.fingerprints}
    label_of = {path: label for found in sets.values() for path, label in found.labels.items()}
    blank = {path for found in sets.values() for path in found.blank}  # alike, but that says nothing about their labels
    groups = group_duplicates(
        [one for found in sets.values() for one in found.fingerprints if str(one.path) not in blank]
    )
    return [
        Duplicate(
            tuple(group),
            tuple(name for name in sets if name in {set_of[path] for path in group}),
            tuple(sorted({label_of[path] for path in group})),
            len({digest_of[path] for path in group}) == 1,
        )
        for group in groups
    ]


def find_unseen_symbols(sets: Mapping[str, SetStatistics]) -> dict[str, Counter]:
    """Returns set → counts of the symbols that its labels have and the training labels lack."""
    known = sets["train"].symbols
    return {
        name: Counter({symbol: count for symbol, count in found.symbols.items() if symbol not in known})
        for name, found in sets.items()
        if name != "train"
    }


def find_look_alikes(symbols: Counter) -> list[dict[str, int]]:
    """Returns counts of the characters that look alike, for each group with at least two in the labels."""
    groups = ({one: symbols[one] for one in group if symbols[one]} for group in LOOK_ALIKES)
    return [group for group in groups if len(group) > 1]


def check_sets(sets: Mapping[str, SetStatistics], duplicates: list[Duplicate], task: Task) -> list[Finding]:
    """Runs all checks and returns their findings, warnings first."""
    found = [
        *_check_empty(sets),
        *_check_duplicates(duplicates),
        *_check_unseen(sets),
        *check_files(sets),
        *check_blank(sets, task),
        *(_check_characters(sets) if task is Task.TEXT else ()),
    ]
    return sorted(found, key=lambda finding: finding.level != WARNING)


# set → what its absence means, what to do
EMPTY = {
    "train": (
        "there is nothing to train on",
        "put your images into it, or draw some with python gen_sample_by_captcha.py",
    ),
    "validation": ("training cannot tell when to stop", "python move_path.py takes it from train_dataset"),
    "test": ("the model's accuracy cannot be measured", "python move_path.py takes it from train_dataset"),
}


def _check_empty(sets: Mapping[str, SetStatistics]) -> Iterator[Finding]:
    for name, found in sets.items():
        if not found.images:
            meaning, todo = EMPTY[name]
            yield Finding(WARNING, "empty", f"{name}_dataset holds no images that can be read: {meaning}", todo)


# kind (the attribute of SetStatistics), level, what the files are, what to do
FILE_CHECKS = (
    (
        "damaged",
        WARNING,
        "damaged; every step skips them",
        "download them again, or delete them",
    ),
    (
        "without_label",
        WARNING,
        "without a label",
        "rename them to <label>_<anything>.png, or put a labels.csv (file,label) next to them; or move them to "
        f"{UNLABELLED}",
    ),
    (
        "wrong_boxes",
        WARNING,
        "whose boxes are missing or wrong",
        "correct their VOC or YOLO files, or label them again: the message of each says what is wrong",
    ),
    (
        "wrong_size",
        WARNING,
        "whose boxes are those of an image of another size; every step skips them",
        "label them again, or correct the size and the boxes in their VOC files",
    ),
    (
        "strays",
        NOTE,
        "that no step reads: neither images nor labels",
        "nothing, they can stay",
    ),
    (
        "wrong_suffix",
        NOTE,
        "with an extension that does not match their format",
        "nothing, the content is what is read; other programs may refuse them",
    ),
    (
        "turned",
        NOTE,
        "stored rotated or mirrored, with the upright view in EXIF",
        "nothing, every step applies EXIF; other programs may show them rotated",
    ),
)


def check_files(sets: Mapping[str, SetStatistics]) -> Iterator[Finding]:
    """Yields the findings of FILE_CHECKS for each set."""
    for name, found in sets.items():
        for kind, level, what, todo in FILE_CHECKS:
            lines = getattr(found, kind)
            if lines:
                yield Finding(level, kind, f"{name}_dataset: {plural(len(lines), 'file')} {what}", todo, tuple(lines))


def check_blank(sets: Mapping[str, SetStatistics], task: Task) -> Iterator[Finding]:
    """Yields a finding for each set with blank images, apart from those of a class that consists of them."""
    for name, found in sets.items():
        blank = tuple(found.blank)
        if task is Task.CLASSIFICATION:
            # a class may be that of empty images: then most of its images are blank
            labels = Counter(found.labels.values())
            among_blank = Counter(found.labels[Path(path)] for path in blank)
            of_empty = {label for label, count in among_blank.items() if count > labels[label] / 2}
            blank = tuple(path for path in blank if found.labels[Path(path)] not in of_empty)
        if blank:
            images = plural(len(blank), "image")
            text = f"{name}_dataset: {images} of one colour, in which nothing can be seen, as a failed download leaves"
            todo = "download them again, or delete them"
            if task is not Task.CLASSIFICATION:
                todo += "; pack_dataset.py leaves them out"
            yield Finding(WARNING, "blank", text, todo, blank)


# kind, level, what the images are, what to do
DUPLICATE_CHECKS = (
    (
        "contradiction",
        WARNING,
        "with copies whose labels differ: at least one label is wrong, and the model would learn it",
        "look at the copies and correct the wrong labels",
    ),
    (
        "leak",
        WARNING,
        "leaked from train_dataset into validation or test: the model has seen them, so the score is too high",
        "delete one copy of each, preferably the one in train_dataset",
    ),
    (
        "double",
        NOTE,
        "with copies in the same set, or in validation and test",
        "nothing if they are few; each copy counts once more",
    ),
)


def _check_duplicates(duplicates: list[Duplicate]) -> Iterator[Finding]:
    for kind, level, what, todo in DUPLICATE_CHECKS:
        groups = [duplicate for duplicate in duplicates if kind in duplicate.kinds]
        if groups:
            files = tuple(" = ".join(map(short_path, duplicate.files)) for duplicate in groups)
            yield Finding(level, kind, f"{plural(len(groups), 'image')} {what}", todo, files)


def _check_unseen(sets: Mapping[str, SetStatistics]) -> Iterator[Finding]:
    for name, symbols in find_unseen_symbols(sets).items():
        if symbols and sets["train"].images:
            listed = ", ".join(f"{symbol!r} ({count})" for symbol, count in sorted(symbols.items()))
            text = f"{name}_dataset has symbols that train_dataset lacks, so the model cannot learn them: {listed}"
            yield Finding(WARNING, "unseen", text, "add images with them to train_dataset, or correct the labels")


def _check_characters(sets: Mapping[str, SetStatistics]) -> Iterator[Finding]:
    symbols: Counter[str] = sum((found.symbols for found in sets.values()), Counter())
    groups = find_look_alikes(symbols)
    if groups:
        listed = "; ".join(", ".join(f"{one} ({count})" for one, count in group.items()) for group in groups)
        text = f"some characters of the labels look alike: {listed}"
        yield Finding(NOTE, "look_alikes", text, "check that the labels tell them apart as the site does")
    both = sorted(one for one in symbols if one.islower() and one.upper() != one and symbols[one.upper()])
    if both:
        mixed = sum(found.labels_in_mixed_case for found in sets.values())
        text = f"upper and lower case: {plural(len(both), 'letter')} in both, {plural(mixed, 'label')} mixing them"
        todo = "if the site ignores case, set IGNORE_CASE = True: the model then has fewer characters to learn"
        yield Finding(NOTE, "mixed_case", text, todo, (" ".join(f"{one.upper()}{one}" for one in both),))


def short_path(path: Path) -> str:
    """Returns a file's path from the folder of its data set on."""
    inside = next((number for number, folder in enumerate(path.parents) if folder.name.endswith("_dataset")), 0)
    return "/".join(path.parts[-inside - 2 :])
