"""The images of unlabelled_dataset: which of them self-training can use."""

from dataclasses import dataclass
from pathlib import Path

from bearcat.core.progress import show_progress
from bearcat.core.workspace import UNLABELLED, Work
from bearcat.data.duplicates import digests_in_data, digests_of
from bearcat.data.labels.listing import list_images


@dataclass(frozen=True)
class UnlabelledImages:
    """The images of unlabelled_dataset, sorted by name.

    Args:
        usable: Those that self-training can use.
        labelled: Copies, byte for byte, of images in train_dataset, validation_dataset or test_dataset.
        repeated: Copies, byte for byte, of those before them.
    """

    usable: list[Path]
    labelled: list[Path]
    repeated: list[Path]


def list_unlabelled(work: Work) -> list[Path]:
    """Lists the images of unlabelled_dataset; those in sub-folders are left out, see `files_left_out`."""
    folder = work.folder(UNLABELLED)
    return [path for path in list_images(folder) if path.parent == folder]


def choose_unlabelled(work: Work) -> UnlabelledImages:
    """Chooses the images of unlabelled_dataset that self-training can use.

    An image that is in a labelled set too would count twice, or would no longer be new to the model in testing.
    """
    paths = list_unlabelled(work)
    in_data = digests_in_data(work, {path.stat().st_size for path in paths})
    found = UnlabelledImages([], [], [])
    seen: set[str] = set()
    digests = show_progress(digests_of(paths), len(paths), "hashing the images")
    for path, digest in zip(paths, digests, strict=True):
        same = found.labelled if digest in in_data else found.repeated if digest in seen else found.usable
        same.append(path)
        seen.add(digest)
    return found
