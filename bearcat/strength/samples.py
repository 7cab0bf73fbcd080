"""The images of the trials: which may be learned from, which are tested on, and the work that a trial gets."""

import csv
import hashlib
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace

from bearcat import __version__
from bearcat.artifacts.card import KERAS_SUFFIX
from bearcat.artifacts.pretrained import PRETRAINED_FOLDER, fingerprint
from bearcat.core.errors import DataError, SettingsError
from bearcat.core.names import encode_name, show_name
from bearcat.core.workspace import Work
from bearcat.data.decoding.patterns import MAX_POSITIONS
from bearcat.data.decoding.restrictions import MAX_CHARACTERS, Restriction
from bearcat.data.duplicates import digests_of
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import ImageProcessing, LabelledImage, load_split
from bearcat.data.labels.text import fold_case, have_both_cases
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES, Task

MOST_TESTED = 500  # images: an exact match near 1 % is known to within about 1 %
VALIDATION_SHARE, LEAST_VALIDATION = 10, 2  # one label of so many is for validation, and at least so many
TABLE = "labels.csv"
DIGEST_BYTES = 8


class Case(StrEnum):
    """What upper and lower case count as."""

    NONE = "no letters"
    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Samples:
    """The labelled images of a work.

    Args:
        pool: Those that trials may learn from.
        tested: Those that all trials are tested on.
        seen: The number of images of the test set that are left out, since they are among the pool.
    """

    pool: Sequence[LabelledImage]
    tested: Sequence[LabelledImage]
    seen: int = 0

    @property
    def labels(self) -> list[str]:
        """All labels."""
        return [item.label for item in (*self.pool, *self.tested)]

    @property
    def ignore_case(self) -> bool:
        """Whether case does not count, since the labels do not tell that of the images."""
        return not have_both_cases(self.labels)

    @property
    def characters(self) -> str:
        """The characters of the labels, sorted."""
        return "".join(sorted(set().union(*self.labels)))

    @property
    def lengths(self) -> tuple[int, int]:
        """The lengths of the shortest and the longest label."""
        lengths = [len(label) for label in self.labels]
        return min(lengths), max(lengths)

    def told(self) -> Restriction:
        """Returns what anyone knows who has seen a few of the images: the characters and the lengths of the texts.

        Letters are in both cases if the labels have only one, since the images may show the other. What exceeds the
        limits of a `Restriction` is left out.
        """
        characters, (shortest, longest) = self.characters, self.lengths
        if self.ignore_case:
            both = {case for one in characters for case in (one, one.lower(), one.upper()) if len(case) == 1}
            characters = "".join(sorted(both))
        return Restriction(
            characters if len(characters) <= MAX_CHARACTERS else "",
            f"{shortest}-{longest}" if longest <= MAX_POSITIONS else "",
        )


def case_of(labels: Iterable[str]) -> Case:
    """Returns what upper and lower case count as in labels."""
    letters = "".join(labels)
    if letters.lower() == letters.upper():
        return Case.NONE
    return Case.DIFFERENT if have_both_cases(letters) else Case.SAME


def check_mode(settings: SimpleNamespace) -> None:
    """Raises SettingsError if the mode predicts no texts."""
    if MODES[settings.MODE].task is not Task.TEXT:
        texts = ", ".join(mode for mode, row in MODES.items() if row.task is Task.TEXT)
        raise SettingsError(
            f"MODE = {settings.MODE!r} predicts no texts, and strength.py measures how well texts are read: it needs "
            f"one of {texts}"
        )


def load_samples(work: Work, settings: SimpleNamespace, processing: ImageProcessing) -> Samples:
    """Loads the labelled images of a work; of its test set at most MOST_TESTED, chosen at random by SEED.

    Images of the test set that are among the others too are left out.

    Args:
        work: The work.
        settings: Its settings.
        processing: `utils.Image_Processing`.

    Raises:
        DataError: There are no images to learn from or none to test on, or one has no label.
    """
    splits = {}
    for split in ("train", "validation", "test"):
        folder = work.data_folder(split)
        splits[split] = (
            load_split(work, split, settings.MODE, processing, settings.IGNORE_CASE) if list_images(folder) else []
        )
    pool, tested = splits["train"] + splits["validation"], splits["test"]
    if not pool:
        folder = work.data_folder("train")
        raise DataError(
            f"{show_name(folder)} holds no images: put labelled ones there, or label some: python app.py --label"
        )
    if not tested:
        folder = work.data_folder("test")
        raise DataError(
            f"{show_name(folder)} holds no images, and readers are tested on unseen ones: python move_path.py takes "
            "some of train_dataset"
        )
    known = set(digests_of(item.path for item in pool))
    digests = digests_of(item.path for item in tested)
    unseen = [item for item, digest in zip(tested, digests, strict=True) if digest not in known]
    if not unseen:
        raise DataError(
            f"all images of {show_name(work.data_folder('test'))} are in train_dataset or validation_dataset too, and "
            "readers are tested on unseen ones: put others there"
        )
    seen = len(tested) - len(unseen)
    if len(unseen) > MOST_TESTED:
        unseen = random.Random(f"{settings.SEED}/tested").sample(unseen, MOST_TESTED)
    return Samples(pool, unseen, seen)


def draw_labelled(pool: Sequence[LabelledImage], labels: int, draw: int, seed: int) -> list[LabelledImage]:
    """Chooses images to learn from; those of the same draw contain those of a smaller number of labels."""
    shuffled = list(pool)
    random.Random(f"{seed}/{draw}").shuffle(shuffled)
    return shuffled[:labels]


def make_trial_work(work: Work, path: Path, samples: Samples, labelled: Sequence[LabelledImage]) -> Work:
    """Makes a work with copies of images; an existing one is replaced.

    It has no initial weights of its own: those of the work may have learned from this captcha, test images included.

    Args:
        work: The work that the settings are from.
        path: The folder of the new one.
        samples: All images.
        labelled: Those to learn from; some of them are for validation.
    """
    shutil.rmtree(path, ignore_errors=True)
    made = Work(path)
    made.make_folders()
    work.copy_settings_to(made)
    held_out = min(len(labelled), max(LEAST_VALIDATION, len(labelled) // VALIDATION_SHARE))
    _copy(labelled[held_out:], made.data_folder("train"))
    _copy(labelled[:held_out], made.data_folder("validation"))
    _copy(samples.tested, made.data_folder("test"))
    tell_characters(made, samples.labels)
    return made


def tell_characters(made: Work, labels: Iterable[str], ignore_case: bool = False) -> None:
    """Writes the vocabulary of a trial: all characters of the captcha, which anyone sees who looks at a few images.

    Those that the labels of the trial lack are then predicted as well as the pretrained weights know them.

    Args:
        made: The work of the trial.
        labels: Labels with all characters.
        ignore_case: Whether labels are folded to lower case (IGNORE_CASE).
    """
    Vocabulary.of_symbols(map(fold_case, labels) if ignore_case else labels).save(made.vocabulary_file)


def _copy(images: Sequence[LabelledImage], folder: Path) -> None:
    """Copies images under numbers, since they come from several folders, with a table of their labels."""
    if not images:
        return
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "label"))
        for number, item in enumerate(images):
            name = f"{number:05d}{item.path.suffix}"
            shutil.copyfile(item.path, folder / name)
            rows.writerow((name, item.label))


def digest_of(work: Work, samples: Samples, settings: Mapping[str, object]) -> str:
    """Returns a digest of what the results of trials depend on: settings, images with labels, the toolkit."""
    decisive = json.dumps([settings, toolkit_state()], sort_keys=True)
    digest = hashlib.blake2b(decisive.encode(), digest_size=DIGEST_BYTES)
    for part in _parts(work, samples):
        digest.update(part)
    return digest.hexdigest()


def toolkit_state() -> list[str]:
    """Returns what the results of trials depend on in the toolkit: its version and its pretrained weights."""
    return [__version__, *(fingerprint(path) for path in sorted(PRETRAINED_FOLDER.glob(f"*{KERAS_SUFFIX}")))]


def _parts(work: Work, samples: Samples) -> Iterator[bytes]:
    for item in (*samples.pool, None, *samples.tested):
        yield _state(item.path, work) + encode_name(item.label) if item else b"/"


def _state(path: Path, work: Work) -> bytes:
    """Returns what tells a changed file from an unchanged one without reading it."""
    status = path.stat()
    return encode_name(f"{path.relative_to(work.path).as_posix()}:{status.st_size}:{status.st_mtime_ns};")
