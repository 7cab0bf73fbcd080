"""Folders of labelled images, and answers to them, for the tests of the page that hides the labels."""

from pathlib import Path

from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.labelling.blind.records import BlindAnswer
from bearcat.labelling.blind.sessions import BlindSessions
from bearcat.labelling.blind.start import open_blind
from tests.helpers.labelling import draw_text
from utils import Image_Processing

FRAMES = "spread"
LABELS = ("7K4B", "M3XA", "Q8RT", "5P2W")


def write_images(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    """Writes an image of each label, with that label in its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, label in enumerate(labels):
        draw_text(label, number).save(folder / f"{label}_{number}.png")
    return folder


def open_sessions(work: Work, labels: tuple[str, ...] = LABELS) -> BlindSessions:
    """Returns the sessions over a test set of new images."""
    write_images(work.data_folder("test"), labels)
    return open_blind("", work, "CTC", Image_Processing)


def answer_to(path: Path, typed: str | None = "", seconds: float = 2.0, **others: object) -> BlindAnswer:
    """Returns an answer to an image; by default its label, which was typed in two seconds."""
    label = path.name.partition("_")[0]
    fields = {"person": "p1", "typed": label if typed == "" else typed, "seconds": seconds, "label": label}
    known = {"folder": path.parent.resolve(), "file": path.name, "sha256": digest_of(path.read_bytes())}
    return BlindAnswer(**fields | known | others)
