"""Files beside images that may be label tables though they have other names than Bearcat's own."""

from fnmatch import fnmatchcase
from os import scandir
from pathlib import Path

from bearcat.data.images import SUFFIXES

OWN_NAMES = ("labels.csv", "labels.tsv", "labels.txt")
# names of label tables in other programs, in lower case
OTHER_TABLES = (
    *("labels.json", "labels.jsonl", "label.csv", "label.tsv", "label.txt", "label.json"),
    *("gt.txt", "gt.csv", "rec_gt.txt", "rec_gt_*.txt"),  # ICDAR, PaddleOCR
    *("metadata.csv", "metadata.jsonl"),  # Hugging Face's imagefolder
    *("_annotations.txt", "_annotations.csv", "annotations.txt", "annotations.csv", "annotations.json"),
)
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl")
# class names of YOLO and of PaddleOCR: a text in each line, without files
NO_TABLES = {"classes.txt", "obj.names", "data.yaml", "_darknet.labels", "readme.txt", "requirements.txt", "dict.txt"}
MAX_BYTES = 64_000_000
_START = 4096  # bytes of a file in which an export of Label Studio shows


def is_other_table(path: Path) -> bool:
    """Whether a file has the name of a label table of another program, or is an export of Label Studio."""
    return _is_named(path.name) or _is_label_studio_export(path)


def _is_named(name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in OTHER_TABLES)


def _is_label_studio_export(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_START)
    return b"annotation_id" in start or (b'"annotations"' in start and b'"result"' in start)


def possible_tables(folder: Path, named: bool = False) -> list[Path]:
    """Lists the files of a folder that may be tables by their suffix and belong to no single image, sorted by name.

    Args:
        folder: The folder.
        named: Leave out those whose name and content are not those of a label table.
    """
    if not folder.is_dir():
        return []
    with scandir(folder) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".")]
    suffixes, stems = tuple(SUFFIXES), set()
    found = []
    for name in names:
        lower = name.lower()
        if lower.endswith(suffixes):
            stems.add(lower.rpartition(".")[0])
        elif lower.endswith(TABLE_SUFFIXES) and lower not in NO_TABLES:
            found.append(name)
    paths = [folder / name for name in sorted(found) if name.lower().rpartition(".")[0] not in stems]
    tables = [path for path in paths if path.is_file() and path.stat().st_size <= MAX_BYTES]
    return [path for path in tables if not named or path.name.lower() in OWN_NAMES or is_other_table(path)]
