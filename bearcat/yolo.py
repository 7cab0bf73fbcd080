"""Labels of detection in YOLO's form: x.txt for x.png, a line `class cx cy width height` an object, from 0 to 1.

Which name a class number stands for says classes.txt or obj.names (a name a line) or the `names` of data.yaml.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bearcat.errors import ImageError, LabelError
from bearcat.images import picture_size
from bearcat.voc import SUFFIX as VOC_SUFFIX
from bearcat.voc import BoxLabels, check_boxes, label_file, read_voc

SUFFIX = ".txt"
FIELDS = "class cx cy width height"
TOLERANCE = 1.0  # pixels by which a rounded box may reach over the picture's edge


def read_boxes(picture: Path, label_folder: Path) -> BoxLabels:
    """Return what a picture shows, and where: from its VOC file, else from its YOLO file; both stay as they are.

    Raises LabelError where there is neither, or one is wrong.
    """
    voc_file, yolo_file = (label_file(picture, label_folder, suffix) for suffix in (VOC_SUFFIX, SUFFIX))
    if voc_file.is_file() or not yolo_file.is_file():
        return read_voc(voc_file)
    names = find_names((yolo_file.parent, picture.parent, label_folder, label_folder.parent), yolo_file)
    try:
        size = picture_size(picture)
    except ImageError:
        size = (1, 1)  # damaged: every step that opens it says so and leaves it out
    return read_yolo(yolo_file, size, names)


def read_yolo(path: Path, size: tuple[int, int], names: tuple[str, ...]) -> BoxLabels:
    """Read the YOLO file of a picture of `size` (width, height) in pixels; an empty one says that it shows nothing.

    Raises LabelError, naming file and line, where it is no YOLO file or has a class without a name.
    """
    found, boxes = [], []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LabelError(f"{path} is no YOLO file ({FIELDS}): {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row, *shares = line.split()
            row, (cx, cy, width, height) = int(row), map(float, shares)
        except ValueError:
            raise LabelError(
                f"{path}, line {number}: `{FIELDS}` in shares of the picture is expected, got {line!r}"
            ) from None
        if not 0 <= row < len(names):
            raise LabelError(
                f"{path}, line {number}: class {row} has no name, there are {len(names)}: {' '.join(names)}"
            )
        found.append(names[row])
        boxes.append((cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2))
    pixels = np.array(boxes, np.float64).reshape(-1, 4) * (size * 2)
    inside = pixels.clip(0, size * 2)
    labels = BoxLabels(
        *size, tuple(found), np.where(abs(pixels - inside) <= TOLERANCE, inside, pixels).astype(np.float32)
    )
    check_boxes(labels, path)
    return labels


def find_names(folders: Sequence[Path], asked_by: Path) -> tuple[str, ...]:
    """Return the names of the classes in the order of their numbers, from the first of the folders that has them.

    Raises LabelError where none has, or the file is not of its form.
    """
    for folder in folders:
        for name, read in NAMES_FILES.items():
            if (folder / name).is_file():
                return read(folder / name)
    raise LabelError(
        f"{asked_by} numbers its classes, and no {', '.join(NAMES_FILES)} names them: put one beside it, or into "
        f"{' or '.join(dict.fromkeys(map(str, folders)))}"
    )


def _names_of_lines(path: Path) -> tuple[str, ...]:
    return tuple(line.strip() for line in _text(path).splitlines() if line.strip())


def _names_of_yaml(path: Path) -> tuple[str, ...]:
    import yaml  # only those who have such a file need it

    try:
        names = yaml.safe_load(_text(path))["names"]
        if isinstance(names, dict):
            names = [names[row] for row in range(len(names))]
        if not isinstance(names, list) or not names:
            raise TypeError("a list is expected")
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LabelError(
            f"{path} has no `names` that list the classes, as in `names: [cat, dog]` ({error!r})"
        ) from None
    return tuple(map(str, names))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None


NAMES_FILES = {"classes.txt": _names_of_lines, "obj.names": _names_of_lines, "data.yaml": _names_of_yaml}
