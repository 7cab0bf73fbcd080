"""The file of starting weights that a person puts into a work's `weight` folder. Free of TensorFlow."""

from pathlib import Path

from bearcat.errors import ArtifactError

WEIGHT_SUFFIXES = (".keras", ".h5")


def find_weight_file(folder: Path) -> Path | None:
    """Return the file of starting weights in a work's `weight` folder; raise ArtifactError where there are several."""
    found = folder.glob("*") if folder.is_dir() else ()
    # a hidden one is what a kill left half written
    files = sorted(path for path in found if path.suffix in WEIGHT_SUFFIXES and not path.name.startswith("."))
    if len(files) > 1:
        raise ArtifactError(f"{folder} holds {len(files)} files of weights: leave the one to start from")
    return files[0] if files else None
