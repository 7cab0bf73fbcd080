"""Empty image files with labels, for tests that open no image."""

from pathlib import Path

from bearcat.data.labels.reading import read_labels


def put(folder: Path, *names: str) -> None:
    """Makes empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def labels_in(folder: Path) -> dict[str, str]:
    """Returns name → label of the images that have a label."""
    return {image.name: image.label for image in read_labels(folder)[0]}
