"""What people typed for images whose labels they did not see: the file that keeps it, and its scores.

A line is added for each answer before the next image is shown, so that no kill loses it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median

from bearcat.core.files import append_json_line, check_types, read_json_lines
from bearcat.core.intervals import wilson_interval
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.data.labels.text import fold_case

FILE = "blind.jsonl"


@dataclass(frozen=True)
class BlindAnswer:
    """What a person typed for an image.

    Args:
        person: Random name of the session in which it was typed.
        folder: The folder of the images, absolute.
        file: The image in that folder.
        sha256: Digest of its content.
        label: Its label.
        typed: What was typed; None if the person could not read the image.
        seconds: From the image being shown until the answer.
        paused: Whether the person paused meanwhile, so that the seconds say nothing.
        ignore_case: Whether upper and lower case are one, as the page said.
    """

    person: str
    folder: Path
    file: str
    sha256: str
    label: str
    typed: str | None
    seconds: float
    paused: bool = False
    ignore_case: bool = False

    @property
    def is_correct(self) -> bool:
        """Whether the label was typed."""
        return self.is_correct_ignoring_case if self.ignore_case else self.typed == self.label

    @property
    def is_correct_ignoring_case(self) -> bool:
        """Whether the label was typed, in upper or lower case."""
        return self.typed is not None and fold_case(self.typed) == fold_case(self.label)


@dataclass(frozen=True)
class HumanScores:
    """What people read.

    Args:
        answers: Number of answers.
        correct: Number of correct ones, each by the rule for upper and lower case that the page stated.
        exact: Their fraction.
        exact_ignoring_case: The fraction if upper and lower case are one.
        interval: 95 % interval of `exact`.
        timed: Number of answers without a pause.
        seconds_median: Median of the seconds of these; None if there is none.
        given_up: Number of answers that say that the image cannot be read.
        people: Number of sessions.
    """

    answers: int
    correct: int
    exact: float
    exact_ignoring_case: float
    interval: tuple[float, float]
    timed: int
    seconds_median: float | None
    given_up: int
    people: int


def record_answer(work: Work, answer: BlindAnswer) -> None:
    """Adds an answer to the work's file, and waits for the disk; a folder in the work is named relative to it."""
    root, folder = work.path.resolve(), answer.folder
    named = folder.relative_to(root) if folder.is_relative_to(root) else folder
    append_json_line(work.path / FILE, asdict(answer) | {"folder": named.as_posix()})


def read_answers(work: Work) -> list[BlindAnswer]:
    """Returns the answers in the work's file, without lines that a kill cut off or that have another form."""
    answers = []
    for entry in read_json_lines(work.path / FILE):
        try:
            answer = BlindAnswer(**entry | {"folder": work.path.resolve() / entry["folder"]})
            check_types(answer)
        except (KeyError, TypeError):
            continue
        answers.append(answer)
    return answers


def answers_about(answers: Iterable[BlindAnswer], folder: Path) -> list[BlindAnswer]:
    """Returns the answers about the images that a folder still holds, under the same names."""
    folder = folder.resolve()

    @cache
    def digest(file: str) -> str | None:
        try:
            return digest_of((folder / file).read_bytes())
        except (OSError, ValueError):  # ValueError: a name edited by hand that no file can have
            return None

    return [one for one in answers if one.folder == folder and digest(one.file) == one.sha256]


def score_answers(answers: Sequence[BlindAnswer], folder: Path | None = None) -> HumanScores | None:
    """Scores answers; None without any.

    Args:
        answers: The answers.
        folder: Only those about the images that this folder still holds count; None for all.
    """
    if folder is not None:
        answers = answers_about(answers, folder)
    if not answers:
        return None
    correct = sum(one.is_correct for one in answers)
    seconds = [one.seconds for one in answers if not one.paused]
    return HumanScores(
        answers=len(answers),
        correct=correct,
        exact=correct / len(answers),
        exact_ignoring_case=sum(one.is_correct_ignoring_case for one in answers) / len(answers),
        interval=wilson_interval(correct, len(answers)),
        timed=len(seconds),
        seconds_median=median(seconds) if seconds else None,
        given_up=sum(one.typed is None for one in answers),
        people=len({one.person for one in answers}),
    )
