"""Why the page showed each image that it labelled: the file that says so, and which images may not be tested on.

A line is added before an image is copied into the training set, so that no kill loses it; one without an image does no
harm, nor does a line that a kill cut off.
"""

from enum import StrEnum
from pathlib import Path

from bearcat.core.files import append_json_line, read_json_lines
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digests_of
from bearcat.data.labels.listing import list_images, name_in

FILE = "labelling.jsonl"


class Offer(StrEnum):
    """Why the page showed an image."""

    CHOSEN = "chosen"  # because of its prediction, so that it is harder or easier than average
    RANDOM = "random"


def record_offer(work: Work, digest: str, offer: Offer) -> None:
    """Adds a line to the work's file, and waits for the disk.

    Args:
        work: The work.
        digest: SHA-256 of the image's content.
        offer: Why it was shown.
    """
    append_json_line(work.path / FILE, {"image": digest, "offer": offer})


def chosen_names(work: Work) -> set[str]:
    """Returns the names of the training images that the page chose, which must not be tested on."""
    chosen = chosen_digests(work.path / FILE)
    folder = work.data_folder("train")
    paths = list_images(folder) if chosen else []
    return {name_in(folder, path) for path, digest in zip(paths, digests_of(paths), strict=True) if digest in chosen}


def chosen_digests(file: Path) -> set[str]:
    """Returns the digests of the images that were chosen when they were last offered."""
    lines = (entry for entry in read_json_lines(file) if isinstance(entry.get("image"), str))
    offers = {entry["image"]: entry.get("offer") for entry in lines}
    return {digest for digest, offer in offers.items() if offer == Offer.CHOSEN}
