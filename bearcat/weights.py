"""The file of starting weights that a person puts into a work's `weight` folder. Free of TensorFlow."""

from pathlib import Path

from bearcat.errors import ArtifactError

WEIGHT_SUFFIXES = (".keras", ".h5")


def find_weight_file(folder: Path) -> Path | None:
    """Return the file of starting weights in a work's `weight` folder; raise ArtifactError where there are several."""
    files = sorted(path for path in folder.glob("*") if path.suffix in WEIGHT_SUFFIXES) if folder.is_dir() else []
    if len(files) > 1:
        raise ArtifactError(f"{folder} holds {len(files)} files of weights: leave the one to start from")
    return files[0] if files else None
