"""Labels of detection: Pascal VOC XML, which names what an image shows and the box around each."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bearcat.core.errors import ImageError, LabelError
from bearcat.core.files import read_json, write_json, write_text
from bearcat.data.images import image_size

VOC_SUFFIX = ".xml"
PROMPT_SUFFIX = ".json"  # beside the XML: what is to be clicked, in order
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class BoxLabels:
    """What an image of `width` × `height` pixels shows: one name and one box (xmin, ymin, xmax, ymax) an object.

    Boxes are float32 (objects, 4) in pixels, their right and lower edges outside the object.
    """

    width: int
    height: int
    names: tuple[str, ...]
    boxes_xyxy: np.ndarray


def label_file(image: Path, label_folder: Path, suffix: str = VOC_SUFFIX) -> Path:
    """Return where an image's file of that suffix is: of the same stem beside it, else in the label folder."""
    beside = image.with_suffix(suffix)
    return beside if beside.is_file() else label_folder / beside.name


def read_voc(path: Path) -> BoxLabels:
    """Read a VOC file; raise LabelError, naming it, where it is missing, no VOC or a box has no area."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
        width, height = (round(float(root.findtext(f"size/{side}"))) for side in ("width", "height"))
        names = tuple(item.findtext("name").strip() for item in root.iter("object"))
        corners = [[float(item.findtext(f"bndbox/{c}")) for c in CORNERS] for item in root.iter("object")]
    except FileNotFoundError:
        raise LabelError(f"{path} is not there: the image of that name needs it, or a YOLO file") from None
    except (ElementTree.ParseError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise LabelError(f"{path} is no VOC file (size, object/name, object/bndbox): {error}") from None
    labels = BoxLabels(width, height, names, np.array(corners, np.float32).reshape(-1, 4))
    check_boxes(labels, path)
    return labels


def check_boxes(labels: BoxLabels, path: Path) -> None:
    """Raise LabelError, naming the file, for an object without a name, without an area or outside the image."""
    for name, (xmin, ymin, xmax, ymax) in zip(labels.names, labels.boxes_xyxy, strict=True):
        if not name:
            raise LabelError(f"{path}: an object has no name")
        # a negated comparison, so that NaN is refused too
        if not (0 <= xmin < xmax <= labels.width and 0 <= ymin < ymax <= labels.height):
            raise LabelError(
                f"{path}: the box of {name!r} goes from ({xmin:g}, {ymin:g}) to ({xmax:g}, {ymax:g}); inside "
                f"{labels.width}×{labels.height} pixels is expected, with xmin < xmax and ymin < ymax"
            )


def check_size(labels: BoxLabels, size: tuple[int, int], image: Path) -> None:
    """Raise LabelError where the image has another size than its labels say: the boxes would lie elsewhere."""
    if size != (labels.width, labels.height):
        raise LabelError(
            f"{image} has {size[0]}×{size[1]} pixels, its VOC file says {labels.width}×{labels.height}: "
            "label it again, or mend size and boxes in the file"
        )


def write_voc(path: Path, image: str, labels: BoxLabels, sync: bool = True) -> None:
    """Write a VOC file for the image file of that name; corners are rounded to whole pixels.

    `sync` waits for the disk, as written_beside does.
    """
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = image
    size = ElementTree.SubElement(root, "size")
    for side, pixels in (("width", labels.width), ("height", labels.height), ("depth", 3)):
        ElementTree.SubElement(size, side).text = str(pixels)
    for name, corners in zip(labels.names, labels.boxes_xyxy, strict=True):
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = name
        box = ElementTree.SubElement(item, "bndbox")
        for corner, value in zip(CORNERS, corners, strict=True):
            ElementTree.SubElement(box, corner).text = str(round(float(value)))
    ElementTree.indent(root)
    write_text(path, ElementTree.tostring(root, encoding="unicode") + "\n", sync)


def write_prompt(path: Path, prompt: list[str], sync: bool = True) -> None:
    """Write what is to be clicked, in order, as {"prompt": […]}."""
    write_json(path, {"prompt": prompt}, sync)


def read_prompt(path: Path) -> list[str] | None:
    """Return what is to be clicked, in order; None where no such file is. Raises LabelError where it is damaged."""
    try:
        prompt = read_json(path)["prompt"]
        if not isinstance(prompt, list) or not all(isinstance(name, str) for name in prompt):
            raise TypeError("a list of names is expected")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabelError(f'{path} does not hold {{"prompt": ["…"]}} ({error!r})') from None
    return prompt


# ---- merged from yolo: Labels of detection in YOLO's form: x.txt for x.png, a line `class cx cy width height` an object, from 0 to 1.
#
# Which name a class number stands for says classes.txt or obj.names (a name a line) or th


YOLO_SUFFIX = ".txt"
FIELDS = "class cx cy width height"
TOLERANCE = 1.0  # pixels by which a rounded box may reach over the image's edge


def read_boxes(image: Path, label_folder: Path) -> BoxLabels:
    """Return what an image shows, and where: from its VOC file, else from its YOLO file; both stay as they are.

    Raises LabelError where there is neither, or one is wrong.
    """
    voc_file, yolo_file = (label_file(image, label_folder, suffix) for suffix in (VOC_SUFFIX, YOLO_SUFFIX))
    if voc_file.is_file() or not yolo_file.is_file():
        return read_voc(voc_file)
    names = find_names((yolo_file.parent, image.parent, label_folder, label_folder.parent), yolo_file)
    try:
        size = image_size(image)
    except ImageError:
        size = (1, 1)  # damaged: every step that opens it says so and leaves it out
    return read_yolo(yolo_file, size, names)


def read_yolo(path: Path, size: tuple[int, int], names: tuple[str, ...]) -> BoxLabels:
    """Read the YOLO file of an image of `size` (width, height) in pixels; an empty one says that it shows nothing.

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
                f"{path}, line {number}: `{FIELDS}` in shares of the image is expected, got {line!r}"
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
